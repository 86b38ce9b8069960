/**
 * S3 in this process, spoken to with the SDK's command objects. What it does, as S3 does it:
 *
 * - PutObject (an object appears whole; `IfNoneMatch: '*'` refuses one that exists), GetObject (whole or by Range),
 *   HeadObject, DeleteObjects (up to 1,000 keys; unknown ones are no error), DeleteObject, ListObjectsV2 in the order of the
 *   keys, in pages of 1,000 or `pageKeys`. Reads see the last write. A bucket exists once something was put into it.
 * - NoSuchKey, NoSuchBucket, NotFound (HeadObject), InvalidRange and PreconditionFailed are answered as the SDK throws them.
 * - `fetch` serves presigned GetObject URLs (see presigned.ts), whole or by Range; `config` and `middlewareStack` are those
 *   of a client that signs them with the fake's credentials.
 * - `onCreated` is told of each object that was put, as S3's ObjectCreated notifications are.
 * - `meter` counts calls; `stored` and `sent` count bytes in and out.
 */
import { NoSuchBucket, NoSuchKey, NotFound, S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { type Command, FakeClient } from './fake-client.ts';
import { Meter } from './meter.ts';
import { presignedRefusal } from './presigned.ts';

const $metadata = { httpStatusCode: 404 };
const DELETE_MOST = 1000;
const SECRET = 'the secret of the tests';

interface Input {
  readonly Bucket: string;
  readonly Key: string;
  readonly Body?: string | Uint8Array;
  readonly Range?: string;
  readonly IfNoneMatch?: string;
  readonly Prefix?: string;
  readonly MaxKeys?: number;
  readonly ContinuationToken?: string;
  readonly StartAfter?: string;
  readonly Delete?: { readonly Objects: readonly { readonly Key: string }[]; readonly Quiet?: boolean };
}

const refusal = (name: string, status: number, message: string) =>
  new S3ServiceException({ name, $fault: 'client', message, $metadata: { httpStatusCode: status } });

export class FakeS3 extends FakeClient {
  readonly meter = new Meter();
  /** Bytes put and bytes given. */
  stored = 0;
  sent = 0;
  pageKeys = 1000;
  onCreated: (bucket: string, key: string, size: number) => void = () => undefined;
  readonly #buckets = new Map<string, Map<string, Buffer>>();

  #signer: S3Client | undefined;

  get client(): Pick<S3Client, 'send' | 'config' | 'middlewareStack'> {
    return this as never;
  }

  get config(): S3Client['config'] {
    return this.#sign().config;
  }

  get middlewareStack(): S3Client['middlewareStack'] {
    return this.#sign().middlewareStack;
  }

  #sign(): S3Client {
    const credentials = { accessKeyId: 'ASIA', secretAccessKey: SECRET, sessionToken: 'to/k+en==' };
    this.#signer ??= new S3Client({ region: 'us-east-1', credentials });
    return this.#signer;
  }

  /** A request with a presigned URL, `https://BUCKET.s3.us-east-1.amazonaws.com/KEY?...`, uncounted but in bytes. */
  fetch(request: Request, now: number): Response {
    const url = new URL(request.url);
    const [bucket = ''] = url.host.split('.s3.us-east-1.amazonaws.com');
    const refuse = (status: number, code: string, message: string): Response =>
      new Response(`<Error><Code>${code}</Code><Message>${message}</Message></Error>`, { status });
    const refusal = presignedRefusal(request, SECRET, now);
    if (refusal) return refuse(refusal.status, refusal.code, refusal.message);
    const body = this.#buckets.get(bucket)?.get(decodeURIComponent(url.pathname.slice(1)));
    if (!body) return refuse(404, 'NoSuchKey', 'The specified key does not exist.');
    const range = request.headers.get('range');
    let part = body;
    try {
      if (range !== null) part = rangeOf(body, range);
    } catch {
      return refuse(416, 'InvalidRange', 'The requested range is not satisfiable');
    }
    this.sent += part.length;
    const headers = { 'content-length': String(part.length), 'accept-ranges': 'bytes' };
    if (range === null) return new Response(new Uint8Array(part), { headers });
    const from = Number(/\d+/.exec(range));
    const where = `bytes ${from}-${from + part.length - 1}/${body.length}`;
    return new Response(new Uint8Array(part), {
      status: 206,
      headers: { ...headers, 'content-range': where },
    });
  }

  /** Puts an object as another service does: it is not counted, but told of. */
  put(bucket: string, key: string, body: string | Uint8Array): void {
    const objects = this.#buckets.get(bucket) ?? new Map<string, Buffer>();
    this.#buckets.set(bucket, objects.set(key, Buffer.from(body as Uint8Array)));
    this.onCreated(bucket, key, objects.get(key)?.length ?? 0);
  }

  /** An object's text, uncounted. */
  read(bucket: string, key: string): string | undefined {
    return this.#buckets.get(bucket)?.get(key)?.toString('utf8');
  }

  /** Keys that begin so, in order, uncounted. */
  keys(bucket: string, prefix = ''): string[] {
    const keys = [...(this.#buckets.get(bucket)?.keys() ?? [])].filter((key) => key.startsWith(prefix));
    return keys.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  }

  remove(bucket: string, key: string): void {
    this.#buckets.get(bucket)?.delete(key);
  }

  protected override carryOut({ name, input: given }: Command): object {
    const input = given as unknown as Input;
    this.meter.call(name);
    switch (name) {
      case 'CreateBucket':
        if (!this.#buckets.has(input.Bucket)) this.#buckets.set(input.Bucket, new Map());
        return {};
      case 'PutObject':
        return this.#putObject(input);
      case 'GetObject':
        return this.#getObject(input);
      case 'HeadObject': {
        const body = this.#buckets.get(input.Bucket)?.get(input.Key);
        if (!body) throw new NotFound({ message: 'NotFound', $metadata });
        return { ContentLength: body.length };
      }
      case 'DeleteObject':
        this.remove(input.Bucket, input.Key);
        return {};
      case 'DeleteObjects':
        return this.#deleteObjects(input);
      case 'ListObjectsV2':
        return this.#list(input);
      default:
        throw new Error(`the S3 of the tests knows no ${name}`);
    }
  }

  #putObject({ Bucket, Key, Body = '', IfNoneMatch }: Input): object {
    if (Buffer.byteLength(Key) > 1024) throw refusal('KeyTooLongError', 400, 'Your key is too long');
    if (typeof Body !== 'string' && !(Body instanceof Uint8Array)) throw new Error('a body of bytes or text');
    if (IfNoneMatch === '*' && this.#buckets.get(Bucket)?.has(Key))
      throw refusal(
        'PreconditionFailed',
        412,
        'At least one of the pre-conditions you specified did not hold',
      );
    this.put(Bucket, Key, Body);
    this.stored += Buffer.byteLength(Body);
    return { ETag: '"fake"' };
  }

  #getObject({ Bucket, Key, Range }: Input): object {
    const objects = this.#buckets.get(Bucket);
    if (!objects) throw new NoSuchBucket({ message: 'The specified bucket does not exist', $metadata });
    const body = objects.get(Key);
    if (!body) throw new NoSuchKey({ message: 'The specified key does not exist.', $metadata });
    const part = Range === undefined ? body : rangeOf(body, Range);
    this.sent += part.length;
    const from = Number(/\d+/.exec(Range ?? '')?.[0] ?? 0);
    return {
      Body: streamOf(part),
      ContentLength: part.length,
      // As RFC 9110, 14.4 has it: `bytes 0-4/10`.
      ...(Range === undefined
        ? {}
        : { ContentRange: `bytes ${from}-${from + part.length - 1}/${body.length}` }),
    };
  }

  #deleteObjects({ Bucket, Delete }: Input): object {
    const { Objects = [], Quiet = false } = Delete ?? {};
    if (Objects.length === 0 || Objects.length > DELETE_MOST)
      throw refusal('MalformedXML', 400, 'The XML you provided was not well-formed');
    for (const { Key } of Objects) this.remove(Bucket, Key);
    return Quiet ? {} : { Deleted: Objects };
  }

  #list({ Bucket, Prefix = '', MaxKeys = 1000, ContinuationToken, StartAfter }: Input): object {
    const after = ContinuationToken ?? StartAfter;
    const keys = this.keys(Bucket, Prefix).filter((key) => after === undefined || key > after);
    const page = keys.slice(0, Math.min(MaxKeys, this.pageKeys));
    const more = page.length < keys.length;
    return {
      // As S3 answers it: no key, no member.
      ...(page.length > 0
        ? { Contents: page.map((Key) => ({ Key, Size: this.#buckets.get(Bucket)?.get(Key)?.length })) }
        : {}),
      KeyCount: page.length,
      IsTruncated: more,
      ...(more ? { NextContinuationToken: page.at(-1) } : {}),
    };
  }
}

function rangeOf(body: Buffer, range: string): Buffer {
  const [, from = '', to = ''] = /^bytes=(\d+)-(\d*)$/.exec(range) ?? [];
  if (from === '' || Number(from) >= body.length || (to !== '' && Number(to) < Number(from)))
    throw refusal('InvalidRange', 416, 'The requested range is not satisfiable');
  return body.subarray(Number(from), to === '' ? body.length : Number(to) + 1);
}

/** The little of a response's stream that is used. */
function streamOf(part: Buffer): object {
  return {
    transformToString: async (encoding: BufferEncoding = 'utf8') => part.toString(encoding),
    transformToByteArray: async () => new Uint8Array(part),
    destroy: () => undefined,
    async *[Symbol.asyncIterator]() {
      yield part;
    },
  };
}
