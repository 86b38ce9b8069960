import { describe, expect, it } from 'vitest';
import { chunkOf, parseMessage, parseRecord, rungText } from '../../../backend/aws/events.ts';
import { SCHEMA_VERSION } from '../../../backend/core/schema-version.ts';
import type { Bell } from '../../../backend/ports/bells.ts';

const PREFIX = 'batchml-0a1b2c3d';
const HEX = '0123456789abcdef0123456789abcdef';
const NAME = `batchml-${HEX}`;
const parse = (value: unknown) =>
  parseMessage(typeof value === 'string' ? value : JSON.stringify(value), PREFIX);

describe('a bell', () => {
  it.each<Bell>([
    { kind: 'gather' },
    { kind: 'gather', submission: 's', n: 3 },
    { kind: 'start' },
    { kind: 'schedule' },
    { kind: 'batch', id: 'b-1.0.21' },
    { kind: 'transform', name: NAME },
    { kind: 'output', transform: NAME, batch: 'b-1' },
    { kind: 'submission', id: 's' },
    { kind: 'submission', id: 's', from: 40, generation: 2 },
  ])('is read as it was written: %o', (bell) => {
    expect(parse(rungText(bell))).toEqual([bell]);
  });

  it.each([
    [''],
    ['start'],
    ['null'],
    ['[]'],
    ['{"kind":"start"'],
    [{ kind: 'stop' }],
    [{ kind: 'batch' }],
    [{ kind: 'batch', id: 7 }],
    [{ kind: 'batch', id: '' }],
    [{ kind: 'batch', id: 'x'.repeat(257) }],
    [{ kind: 'output', transform: NAME }],
    [{ kind: 'gather', submission: 's', n: -1 }],
    [{}],
  ])('that is none can not be read: %o', (value) => {
    expect(parse(value)).toBeUndefined();
  });
});

describe('a bell of another version', () => {
  const [before, after] = [SCHEMA_VERSION - 1, SCHEMA_VERSION + 1];
  it.each([
    ['without a version, as version 1 rang them', { kind: 'start' }],
    ['of a version before', { v: before, kind: 'transform', name: NAME }],
    ['of a later version', { v: after, kind: 'start' }],
    ['of a kind that this version does not know', { v: after, kind: 'polish', what: 7 }],
  ])('is told from one that can not be read: %s', (_, bell) => {
    expect(parse(bell)).toBe('other version');
  });

  it('is none of this version that can not be read', () => {
    expect(parse({ v: SCHEMA_VERSION, kind: 'polish' })).toBeUndefined();
    expect(parse({ v: 'x', kind: 'polish' })).toBeUndefined();
  });
});

it('a bell of gather names a chunk, or none', () => {
  expect(chunkOf({ kind: 'gather', submission: 's', n: 0 })).toEqual({ submission: 's', n: 0 });
  expect(chunkOf({ kind: 'gather', submission: 's' })).toBeUndefined();
  expect(chunkOf({ kind: 'gather' })).toBeUndefined();
  expect(chunkOf({ kind: 'submission', id: 's', from: 1 })).toBeUndefined();
});

describe('a notification of S3', () => {
  const record = (key: string, eventName = 'ObjectCreated:Put') => ({
    eventVersion: '2.1',
    eventSource: 'aws:s3',
    eventName,
    s3: { bucket: { name: 'bucket' }, object: { key, size: 10 } },
  });
  const output: Bell = { kind: 'output', transform: NAME, batch: 'b-20261122100000-x1.0.21' };

  it.each([
    `result/${NAME}/b-20261122100000-x1.0.21.jsonl.out`,
    `result/${NAME}/data/b-20261122100000-x1.0.21.jsonl.out`,
    `result%2F${NAME}%2Fb-20261122100000-x1.0.21.jsonl.out`,
  ])('tells of an output at any depth: %s', (key) => {
    expect(parse({ Records: [record(key)] })).toEqual([output]);
  });

  it('has a key that is URL-encoded, and may tell of several', () => {
    expect(
      parse({
        Records: [
          record(`result/${NAME}/a+b%2Bc%C3%A9.jsonl.out`, 'ObjectCreated:CompleteMultipartUpload'),
          record(`result/${NAME}/two.jsonl.out`),
        ],
      }),
    ).toEqual([
      { kind: 'output', transform: NAME, batch: 'a b+cé' },
      { kind: 'output', transform: NAME, batch: 'two' },
    ]);
  });

  it.each([
    `results-archive/${NAME}/b.jsonl.out`,
    `data/b.jsonl`,
    `result/b.jsonl.out`,
    `result/${NAME}/.jsonl.out`,
    `result/${NAME}/b.jsonl`,
    `result/${NAME}/b.out`,
  ])('of another object rings nobody: %s', (key) => {
    expect(parse({ Records: [record(key)] })).toEqual([]);
  });

  it('of a removal, or the test that S3 sends first, rings nobody', () => {
    expect(parse({ Records: [record(`result/${NAME}/b.jsonl.out`, 'ObjectRemoved:Delete')] })).toEqual([]);
    expect(parse({ Service: 'Amazon S3', Event: 's3:TestEvent', Bucket: 'bucket' })).toEqual([]);
  });

  it('whose key is broken, or without a record, can not be read', () => {
    expect(parse({ Records: [record(`result/${NAME}/%E0%A4%A.jsonl.out`)] })).toBeUndefined();
    expect(parse({ Records: [] })).toBeUndefined();
  });
});

describe('a change of a transform job', () => {
  const change = (detail: object) => ({
    version: '0',
    source: 'aws.sagemaker',
    'detail-type': 'SageMaker Transform Job State Change',
    detail,
  });
  it.each(['Completed', 'Failed', 'Stopped', undefined])('rings when it has ended: %s', (status) => {
    const detail = { TransformJobName: `${PREFIX}-${HEX}`, TransformJobStatus: status, CreationTime: 1 };
    expect(parse(change(detail))).toEqual([{ kind: 'transform', name: NAME }]);
  });

  it.each([
    { TransformJobName: `${PREFIX}-${HEX}`, TransformJobStatus: 'InProgress' },
    { TransformJobName: `${PREFIX}-${HEX}`, TransformJobStatus: 'Stopping' },
    { TransformJobName: `batchml-ffffffff-${HEX}`, TransformJobStatus: 'Failed' },
    { TransformJobName: `${PREFIX}-by-hand`, TransformJobStatus: 'Failed' },
  ])('under way or of another stack rings nobody: %o', (detail) => {
    expect(parse(change(detail))).toEqual([]);
  });

  it('without a name, or of something else, can not be read', () => {
    expect(parse(change({ TransformJobStatus: 'Failed' }))).toBeUndefined();
    expect(parse({ ...change({ TransformJobName: 'x' }), 'detail-type': 'Other' })).toBeUndefined();
  });
});

describe('a record of the stream', () => {
  it('names a chunk', () => {
    const chunk = { submission: 's', n: 0 };
    expect(parseRecord(rungText(chunk))).toEqual(chunk);
  });

  it('may be of another version', () => {
    expect(parseRecord('{"submission":"s","n":0}')).toBe('other version');
    expect(parseRecord(`{"v":${SCHEMA_VERSION + 1},"chunk":"s/0"}`)).toBe('other version');
  });

  it.each([
    '',
    'x',
    '{"submission":"s"}',
    '{"submission":"s","n":"0"}',
    '{"submission":"s","n":0.5}',
    '\uFFFD',
  ])('that does not can not be read: %s', (data) => {
    expect(parseRecord(data)).toBeUndefined();
  });
});
