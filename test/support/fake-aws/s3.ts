/** Buckets with owners, objects with versions. */
import { type Call, type Reply, ServiceError } from './http.ts';
import { many, xml } from './xml.ts';

interface Version {
  readonly id: string;
  readonly body: Buffer;
}

export interface Bucket {
  readonly owner: string;
  /** Versions by key, newest last. */
  readonly objects: Map<string, Version[]>;
}

export class S3 {
  readonly buckets = new Map<string, Bucket>();
  /** Requests that didn't say whose bucket it must be. */
  readonly unguarded: string[] = [];
  private readonly account: string;
  private versions = 0;

  constructor(account: string) {
    this.account = account;
  }

  create(name: string, owner = this.account): Bucket {
    const bucket: Bucket = { owner, objects: new Map() };
    this.buckets.set(name, bucket);
    return bucket;
  }

  put(name: string, key: string, body: string | Buffer): void {
    const versions = this.buckets.get(name)?.objects.get(key) ?? [];
    versions.push({ id: `v${++this.versions}`, body: Buffer.from(body) });
    this.buckets.get(name)?.objects.set(key, versions);
  }

  read(name: string, key: string): Buffer | undefined {
    return this.buckets.get(name)?.objects.get(key)?.at(-1)?.body;
  }

  keys(name: string): string[] {
    return [...(this.buckets.get(name)?.objects.keys() ?? [])];
  }

  handle(call: Call): Reply {
    const [, name = '', ...rest] = call.path.split('/');
    const key = rest.join('/');
    const expected = call.headers['x-amz-expected-bucket-owner'];
    if (expected === undefined) this.unguarded.push(`${call.method} ${call.path}`);
    const bucket = this.buckets.get(name);
    if (bucket === undefined)
      throw new ServiceError('NoSuchBucket', 'The specified bucket does not exist', 404);
    if (bucket.owner !== this.account || (expected !== undefined && expected !== bucket.owner))
      throw new ServiceError('AccessDenied', 'Access Denied', 403);
    if (call.query.has('versions')) return this.list(bucket);
    if (call.query.has('delete')) return this.deleteMany(bucket, call.body.toString());
    if (call.method === 'DELETE') {
      if (bucket.objects.size > 0)
        throw new ServiceError('BucketNotEmpty', 'The bucket you tried to delete is not empty', 409);
      this.buckets.delete(name);
      return { status: 204 };
    }
    if (call.method === 'PUT') {
      this.put(name, key, call.body);
      return { headers: { etag: '"x"' } };
    }
    if (key === '') return { length: 0 };
    const body = this.read(name, key);
    if (body === undefined) throw new ServiceError('NoSuchKey', 'The specified key does not exist.', 404);
    return { length: body.length, headers: { etag: '"x"' } };
  }

  private list({ objects }: Bucket): Reply {
    const all = [...objects].flatMap(([Key, versions]) => versions.map(({ id }) => ({ Key, VersionId: id })));
    return {
      xml: xml({
        ListVersionsResult: { IsTruncated: all.length > 5, MaxKeys: 5, Version: many(all.slice(0, 5)) },
      }),
    };
  }

  private deleteMany({ objects }: Bucket, body: string): Reply {
    for (const [, Key = '', VersionId] of body.matchAll(
      /<Key>([^<]*)<\/Key><VersionId>([^<]*)<\/VersionId>/g,
    )) {
      const left = (objects.get(Key) ?? []).filter(({ id }) => id !== VersionId);
      if (left.length > 0) objects.set(Key, left);
      else objects.delete(Key);
    }
    return { xml: xml({ DeleteResult: {} }) };
  }
}
