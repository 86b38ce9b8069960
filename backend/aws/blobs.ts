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

/** Those of the bucket may be listed, removed, and read part by part. */
export interface BucketBlobs extends Blobs {
  /**
   * Bytes `from` (inclusive) to `to` (exclusive) of an object, or as many as it has, and its whole size; undefined when
   * there is no such object.
   */
  part(key: string, from: number, to: number): Promise<{ bytes: Uint8Array; size: number } | undefined>;
  /** Removes objects; unknown ones are left alone. */
  remove(keys: readonly string[]): Promise<void>;
  /** Keys that begin with the prefix, in order. */
  list(prefix: string): Promise<string[]>;
}

/** What of the S3 client is used. */
export type S3Sender = Pick<S3Client, 'send'>;

export function s3Blobs(client: S3Sender, bucket: string): BucketBlobs {
  const range = (key: string, from: number, to: number) =>
    client.send(new GetObjectCommand({ Bucket: bucket, Key: key, Range: `bytes=${from}-${to - 1}` }));
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
      const { Body } = await range(key, from, to);
      return (await Body?.transformToByteArray()) ?? new Uint8Array();
    },

    async part(key, from, to) {
      try {
        const { Body, ContentRange } = await range(key, from, to);
        const bytes = (await Body?.transformToByteArray()) ?? new Uint8Array();
        return { bytes, size: Number(ContentRange?.split('/')[1] ?? bytes.length) };
      } catch (error) {
        const { name } = error as Error;
        if (name === 'NoSuchKey') return undefined;
        // An empty object has no range at all (Amazon S3 API, GetObject: InvalidRange).
        if (name === 'InvalidRange' && from === 0) return { bytes: new Uint8Array(), size: 0 };
        throw error;
      }
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
