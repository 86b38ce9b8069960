/** The S3, SQS and Kinesis of the tests answer as the services do; S3's answers are compared with a moto server's. */
import { PutRecordsCommand } from '@aws-sdk/client-kinesis';
import {
  CreateBucketCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { SendMessageBatchCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { describe, expect, it } from 'vitest';
import { FakeKinesis } from '../support/aws/fake-kinesis.ts';
import { FakeS3 } from '../support/aws/fake-s3.ts';
import { FakeSqs } from '../support/aws/fake-sqs.ts';
import { describeMoto, motoConfig } from '../support/aws/moto.ts';
import { ManualClock } from '../support/bell-queue.ts';

const Bucket = 'objects';
type Sender = Pick<S3Client, 'send'>;

/** What a list of commands answers: texts, keys, or the names of errors. */
async function story(client: Sender): Promise<unknown[]> {
  const put = (Key: string, Body: string, more: object = {}) =>
    client.send(new PutObjectCommand({ Bucket, Key, Body: Buffer.from(Body), ...more })).then(() => 'put');
  const get = async (Key: string, Range?: string) => {
    const { Body } = await client.send(new GetObjectCommand({ Bucket, Key, ...(Range ? { Range } : {}) }));
    return Body?.transformToString('utf8');
  };
  const list = async (Prefix: string, more: object = {}) => {
    const page = await client.send(new ListObjectsV2Command({ Bucket, Prefix, ...more }));
    return [page.Contents?.map(({ Key }) => Key), page.IsTruncated, page.KeyCount];
  };
  const remove = (...keys: string[]) =>
    client
      .send(
        new DeleteObjectsCommand({ Bucket, Delete: { Objects: keys.map((Key) => ({ Key })), Quiet: true } }),
      )
      .then(({ Errors = [] }) => Errors.length);
  const steps: (() => Promise<unknown>)[] = [
    () => put('a/1', 'é日😀'),
    () => put('a/2', 'two'),
    () => put('a/10', 'ten'),
    () => put('ab', ''),
    () => put('a/2', 'again', { IfNoneMatch: '*' }),
    () => get('a/1'),
    () => get('ab'),
    () => get('none'),
    () => get('a/2', 'bytes=1-1'),
    () => get('a/2', 'bytes=1-'),
    () => get('a/2', 'bytes=9-12'),
    () => list('a/'),
    () => list('none'),
    () => list('a', { MaxKeys: 3 }),
    () => list('a', { StartAfter: 'a/10' }),
    () => client.send(new HeadObjectCommand({ Bucket, Key: 'a/1' })).then((head) => head.ContentLength),
    () => client.send(new HeadObjectCommand({ Bucket, Key: 'none' })),
    () => remove('a/1', 'none'),
    () => get('a/1'),
    () => client.send(new GetObjectCommand({ Bucket: 'no-such-bucket', Key: 'a' })),
  ];
  const answers: unknown[] = [];
  await client.send(new CreateBucketCommand({ Bucket }));
  for (const step of steps) answers.push(await step().catch((error: Error) => error.name));
  return answers;
}

describeMoto('the S3 of the tests and a moto server', (endpoint) => {
  it('answer alike', async () => {
    const moto = new S3Client({ ...motoConfig(endpoint()), forcePathStyle: true });
    expect(await story(new FakeS3().client)).toEqual(await story(moto));
    moto.destroy();
  });
});

describe('the S3 of the tests', () => {
  it('tells of what was created, counts, and gives pages', async () => {
    const s3 = new FakeS3();
    const created: string[] = [];
    s3.onCreated = (bucket, key, size) => created.push(`${bucket}/${key} ${size}`);
    for (const Key of ['b', 'a', 'c'])
      await s3.client.send(new PutObjectCommand({ Bucket, Key, Body: Buffer.from('é') }));
    expect(created).toEqual(['objects/b 2', 'objects/a 2', 'objects/c 2']);
    expect(s3).toMatchObject({ stored: 6, meter: { calls: { PutObject: 3 } } });
    s3.pageKeys = 2;
    const first = await s3.client.send(new ListObjectsV2Command({ Bucket }));
    expect(first).toMatchObject({ IsTruncated: true, KeyCount: 2 });
    const ContinuationToken = first.NextContinuationToken as string;
    const rest = await s3.client.send(new ListObjectsV2Command({ Bucket, ContinuationToken }));
    expect(rest.Contents).toMatchObject([{ Key: 'c' }]);
  });
});

describe('the SQS of the tests', () => {
  const QueueUrl = 'https://queue/work';
  const open = () => {
    const clock = new ManualClock(0);
    const sqs = new FakeSqs(clock);
    sqs.open('https://queue/dead');
    sqs.open(QueueUrl, { visibilityMs: 1000, maxReceives: 2, deadLetters: 'https://queue/dead' });
    return { clock, sqs };
  };
  const bodies = (list: readonly { body: string }[]) => list.map(({ body }) => body);

  it('hides what was received, gives it again, and then to the dead letters', async () => {
    const { clock, sqs } = open();
    await sqs.client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'a' }));
    await sqs.client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'b', DelaySeconds: 5 }));
    expect(bodies(sqs.receive(QueueUrl, 10))).toEqual(['a']);
    expect(sqs.receive(QueueUrl, 10)).toEqual([]);
    clock.moveTo(1000);
    expect(bodies(sqs.receive(QueueUrl, 10))).toEqual(['a']);
    clock.moveTo(5000);
    const [b, ...none] = sqs.receive(QueueUrl, 10);
    expect([b?.body, none]).toEqual(['b', []]);
    if (b) sqs.remove(QueueUrl, b);
    expect([sqs.messages(QueueUrl), bodies(sqs.messages('https://queue/dead'))]).toEqual([[], ['a']]);
  });

  it('keeps to the limits of a batch, and fails entries in their places', async () => {
    const { sqs } = open();
    const batch = (ids: readonly string[], more: object = {}) =>
      sqs.client.send(
        new SendMessageBatchCommand({
          QueueUrl,
          Entries: ids.map((Id) => ({ Id, MessageBody: Id, ...more })),
        }),
      );
    await expect(batch([])).rejects.toThrow('at least one');
    await expect(batch(Array.from({ length: 11 }, (_, i) => `${i}`))).rejects.toThrow('10');
    await expect(batch(['a', 'a'])).rejects.toThrow('same Id');
    await expect(batch(['a'], { DelaySeconds: 901 })).rejects.toThrow('900');
    await expect(batch(['a'], { MessageBody: 'x'.repeat(1024 * 1024 + 1) })).rejects.toThrow('longer');
    let turn = 0;
    sqs.fails = () => turn++ === 1;
    expect(await batch(['a', 'b', 'c'])).toMatchObject({
      Successful: [{ Id: 'a' }, { Id: 'c' }],
      Failed: [{ Id: 'b' }],
    });
    expect(bodies(sqs.messages(QueueUrl))).toEqual(['a', 'c']);
  });
});

describe('the Kinesis of the tests', () => {
  it('keeps the order of a key, refuses records in their places, and counts', async () => {
    const kinesis = new FakeKinesis(2);
    let turn = 0;
    kinesis.fails = () => turn++ === 1;
    const Records = ['x', 'y', 'x', 'x'].map((PartitionKey, i) => ({
      PartitionKey,
      Data: Buffer.from(`${i}`),
    }));
    const answer = await kinesis.client.send(new PutRecordsCommand({ StreamName: 's', Records }));
    expect(answer.FailedRecordCount).toBe(1);
    expect(answer.Records?.map(({ ErrorCode }) => ErrorCode !== undefined)).toEqual([
      false,
      true,
      false,
      false,
    ]);
    expect(kinesis.shards.flat().map(({ data }) => data.toString())).toEqual(['0', '2', '3']);
    expect(kinesis).toMatchObject({ bytes: 6, units: 3, meter: { calls: { PutRecords: 1 } } });
    const many = { StreamName: 's', Records: Array.from({ length: 501 }, () => Records[0] as never) };
    await expect(kinesis.client.send(new PutRecordsCommand(many))).rejects.toThrow('500');
  });
});
