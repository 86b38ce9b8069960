/**
 * The assets bucket: code and templates, under names that carry their content's hash. Every call says whose bucket it
 * must be (ExpectedBucketOwner), so that nobody else's is ever written or read.
 */
import { readFile } from 'node:fs/promises';
import { HeadObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { CliError } from '../errors.ts';
import { ASSETS_PREFIX } from './names.ts';
import type { Asset, StackPackage } from './package.ts';

export interface AssetsOptions {
  readonly client: S3Client;
  readonly bucket: string;
  readonly account: string;
  /** Name of the stack that made the bucket, for errors. */
  readonly owner: string;
}

const statusOf = (error: unknown): unknown =>
  (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;

export class Assets {
  private readonly options: AssetsOptions;

  constructor(options: AssetsOptions) {
    this.options = options;
  }

  get bucket(): string {
    return this.options.bucket;
  }

  /** Whether it is there, whole. */
  async has(file: string, bytes: number): Promise<boolean> {
    const { client, bucket, account } = this.options;
    try {
      const { ContentLength } = await client.send(
        new HeadObjectCommand({
          Bucket: bucket,
          Key: `${ASSETS_PREFIX}${file}`,
          ExpectedBucketOwner: account,
        }),
      );
      return ContentLength === bytes;
    } catch (error) {
      if (statusOf(error) === 404) return false;
      throw this.explain(error);
    }
  }

  async put(file: string, body: Uint8Array, contentType: string): Promise<void> {
    const { client, bucket, account } = this.options;
    try {
      await client.send(
        new PutObjectCommand({
          Bucket: bucket,
          Key: `${ASSETS_PREFIX}${file}`,
          Body: body,
          ContentType: contentType,
          ExpectedBucketOwner: account,
        }),
      );
    } catch (error) {
      throw this.explain(error);
    }
  }

  /** Zip files that aren't there. */
  async missing(zips: readonly Asset[]): Promise<Asset[]> {
    const there = await Promise.all(zips.map(({ file, bytes }) => this.has(file, bytes)));
    return zips.filter((_, i) => !there[i]);
  }

  /** Uploads one after the other; what is up stays up, so that a second try has less to do. */
  async upload(zips: readonly Asset[], told: (done: number, asset: Asset) => Promise<void>): Promise<void> {
    for (const [i, asset] of zips.entries()) {
      await told(i, asset);
      await this.put(asset.file, await readFile(asset.path), 'application/zip');
    }
  }

  /** Uploads the template where it isn't there. */
  async uploadTemplate({ templateFile, templateText }: StackPackage): Promise<void> {
    const body = Buffer.from(templateText);
    if (!(await this.has(templateFile, body.length))) await this.put(templateFile, body, 'application/json');
  }

  /** Its URL, as CloudFormation wants it. */
  templateUrl({ templateFile }: StackPackage, region: string): string {
    const suffix = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
    return `https://${this.bucket}.s3.${region}.${suffix}/${ASSETS_PREFIX}${templateFile}`;
  }

  private explain(error: unknown): unknown {
    const { bucket, account, owner } = this.options;
    const name = error instanceof Error ? error.name : '';
    if (name === 'NoSuchBucket')
      return new CliError(`the assets bucket ${bucket} is gone`, {
        code: 'assets_bucket_gone',
        why: `stack ${owner} made it, and somebody removed it`,
        next: [`aws cloudformation delete-stack --stack-name ${owner}`, 'then the same command again'],
        cause: error,
      });
    if (statusOf(error) === 403)
      return new CliError(`no access to the assets bucket ${bucket}`, {
        code: 'assets_bucket_refused',
        exitCode: 4,
        why: `either it isn't a bucket of account ${account}, or s3:GetObject, s3:ListBucket and s3:PutObject on it are not allowed`,
        next: [`look at it: aws s3api head-bucket --bucket ${bucket} --expected-bucket-owner ${account}`],
        cause: error,
      });
    return error;
  }
}
