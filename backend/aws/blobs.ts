/** Objects of the pipeline's bucket, by key: the few things that the adapters need of S3. */
import {
  DeleteObjectsCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { Blobs } from '../ports/blobs.ts';

/** DeleteObjects takes so many keys (Amazon S3 API, DeleteObjects). */
const DELETE_MOST = 1000;

/** Those of the bucket may be listed and removed. */
export interface BucketBlobs extends Blobs {
  /** Removes objects; unknown ones are left alone. */
  remove(keys: readonly string[]): Promise<void>;
  /** Keys that begin with the prefix, in order. */
  list(prefix: string): Promise<string[]>;
}

/** What of the S3 client is used. */
export type S3Sender = Pick<S3Client, 'send'>;

export function s3Blobs(client: S3Sender, bucket: string): BucketBlobs {
  return {
    async put(key, text) {
      await client.send(
        new PutObjectCommand({
          Bucket: bucket,
          Key: key,
          Body: Buffer.from(text),
          ContentType: 'text/plain',
        }),
      );
    },

    async get(key) {
      try {
        const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
        return (await Body?.transformToString('utf-8')) ?? '';
      } catch (error) {
        if ((error as Error).name === 'NoSuchKey') return undefined;
        throw error;
      }
    },

    async getBytes(key, from, to) {
      const range = `bytes=${from}-${to - 1}`;
      const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key, Range: range }));
      return (await Body?.transformToByteArray()) ?? new Uint8Array();
    },

    async remove(keys) {
      for (let i = 0; i < keys.length; i += DELETE_MOST) {
        const Objects = keys.slice(i, i + DELETE_MOST).map((Key) => ({ Key }));
        const { Errors = [] } = await client.send(
          new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet: true } }),
        );
        const [first] = Errors;
        if (first)
          throw new Error(`${Errors.length} objects were not removed: ${first.Key}: ${first.Message}`);
      }
    },

    async list(prefix) {
      const keys: string[] = [];
      let token: string | undefined;
      do {
        const page = await client.send(
          new ListObjectsV2Command({
            Bucket: bucket,
            Prefix: prefix,
            ...(token === undefined ? {} : { ContinuationToken: token }),
          }),
        );
        for (const { Key } of page.Contents ?? []) if (Key !== undefined) keys.push(Key);
        token = page.NextContinuationToken;
      } while (token !== undefined);
      return keys;
    },
  };
}
