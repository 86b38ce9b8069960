import { beforeEach, describe, expect, it } from 'vitest';
import { AwsBells } from '../../../backend/aws/bells.ts';
import { SCHEMA_VERSION } from '../../../backend/core/schema-version.ts';
import type { Bell } from '../../../backend/ports/bells.ts';
import { FakeKinesis } from '../../support/aws/fake-kinesis.ts';
import { FakeSqs } from '../../support/aws/fake-sqs.ts';
import { ManualClock } from '../../support/bell-queue.ts';

const queues = {
  gather: 'https://sqs/gather',
  start: 'https://sqs/start',
  results: 'https://sqs/results',
  settle: 'https://sqs/settle',
};

let clock: ManualClock;
let sqs: FakeSqs;
let kinesis: FakeKinesis;
let bells: AwsBells;
let lost: { bells: readonly Bell[]; reason: string }[];
let pauses: number[];
beforeEach(() => {
  clock = new ManualClock(Date.UTC(2026, 10, 22, 10));
  sqs = new FakeSqs(clock);
  for (const url of Object.values(queues)) sqs.open(url);
  kinesis = new FakeKinesis(1);
  lost = [];
  pauses = [];
  bells = bellsOver('stream');
});

const bellsOver = (stream: string | undefined) =>
  new AwsBells({
    sqs: sqs.client,
    kinesis: kinesis.client,
    queues,
    stream,
    now: () => clock.now(),
    patience: { now: () => clock.now(), pause: async (ms) => void pauses.push(ms), jitter: () => 1 },
    onLost: (bells, reason) => lost.push({ bells, reason }),
  });

const sent = (queue: keyof typeof queues) =>
  sqs.messages(queues[queue]).map(({ body, visibleAt }) => {
    const { v, ...bell } = JSON.parse(body) as Bell & { v: number };
    expect(v).toBe(SCHEMA_VERSION);
    return { ...bell, ...(visibleAt > clock.now() ? { delay: visibleAt - clock.now() } : {}) };
  });

describe('bells', () => {
  it('go to who answers them, once each, when they are flushed', async () => {
    for (let i = 0; i < 2; i++) {
      bells.ring({ kind: 'gather' });
      bells.ring({ kind: 'gather', submission: 's', n: 1 });
      bells.ring({ kind: 'start' });
      bells.ring({ kind: 'output', transform: 't', batch: 'b' });
      bells.ring({ kind: 'transform', name: 't' });
      bells.ring({ kind: 'batch', id: 'b' });
      bells.ring({ kind: 'submission', id: 's' });
      bells.ring({ kind: 'submission', id: 's', from: 20, generation: 0 });
    }
    expect(sqs.meter.calls).toEqual({});
    await bells.flush();
    expect(sent('gather')).toEqual([{ kind: 'gather' }]);
    expect(sent('start')).toEqual([{ kind: 'start' }]);
    expect(sent('results')).toEqual([{ kind: 'output', transform: 't', batch: 'b' }]);
    expect(sent('settle')).toEqual([
      { kind: 'transform', name: 't' },
      { kind: 'batch', id: 'b' },
      { kind: 'submission', id: 's' },
      { kind: 'submission', id: 's', from: 20, generation: 0 },
    ]);
    expect(kinesis.shards[0]?.map(({ key, data }) => [key, data.toString()])).toEqual([
      ['s', '{"v":2,"submission":"s","n":1}'],
    ]);
    await bells.flush();
    expect(sqs.meter.calls['SendMessageBatch']).toBe(4);
    expect(kinesis.meter.calls['PutRecords']).toBe(1);
  });

  it('of chunks go to the gather queue where there is no stream, and name their chunks there', async () => {
    bells = bellsOver(undefined);
    for (let n = 0; n < 12; n++) bells.ring({ kind: 'gather', submission: 's', n });
    bells.ring({ kind: 'gather', submission: 's', n: 11 });
    bells.ring({ kind: 'gather' });
    await bells.flush();
    expect(sent('gather')).toEqual([
      ...Array.from({ length: 12 }, (_, n) => ({ kind: 'gather', submission: 's', n })),
      { kind: 'gather' },
    ]);
    expect(sqs.meter.calls).toEqual({ SendMessageBatch: 2 });
    expect(kinesis.meter.calls).toEqual({});
    expect(lost).toEqual([]);
  });

  it('ring at a time, at the earliest that was asked for, if it is within 15 minutes', async () => {
    const now = clock.now();
    bells.ringAt(now + 30_000, { kind: 'start' });
    bells.ringAt(now + 10_001, { kind: 'start' });
    bells.ringAt(now + 20_000, { kind: 'start' });
    bells.ringAt(now - 5_000, { kind: 'gather' });
    bells.ringAt(now + 900_000, { kind: 'transform', name: 'a' });
    bells.ringAt(now + 900_001, { kind: 'transform', name: 'b' });
    bells.ringAt(now + 5_000, { kind: 'transform', name: 'c' });
    bells.ring({ kind: 'transform', name: 'c' });
    bells.ringAt(now + 1_000, { kind: 'transform', name: 'c' });
    await bells.flush();
    expect(sent('start')).toEqual([{ kind: 'start', delay: 11_000 }]);
    expect(sent('gather')).toEqual([{ kind: 'gather' }]);
    expect(sent('settle')).toEqual([
      { kind: 'transform', name: 'a', delay: 900_000 },
      { kind: 'transform', name: 'c' },
    ]);
    expect(lost).toEqual([]);
  });

  it('of any number go in requests of 10 and of 500', async () => {
    for (let i = 0; i < 35; i++) bells.ring({ kind: 'batch', id: `b-${i}` });
    for (let n = 0; n < 501; n++) bells.ring({ kind: 'gather', submission: 's', n });
    await bells.flush();
    expect(sent('settle')).toHaveLength(35);
    expect(sqs.meter.calls['SendMessageBatch']).toBe(4);
    expect(kinesis.shards[0]).toHaveLength(501);
    expect(kinesis.meter.calls['PutRecords']).toBe(2);
  });

  it('that fail in their places are sent again, those alone', async () => {
    let n = 0;
    sqs.fails = () => n++ % 2 === 0;
    kinesis.fails = () => n++ % 2 === 0;
    for (let i = 0; i < 8; i++) {
      bells.ring({ kind: 'batch', id: `b-${i}` });
      bells.ring({ kind: 'gather', submission: 's', n: i });
    }
    await bells.flush();
    const ids = sent('settle').map((bell) => (bell as { id: string }).id);
    expect(ids.toSorted()).toEqual(Array.from({ length: 8 }, (_, i) => `b-${i}`));
    expect(kinesis.shards[0]).toHaveLength(8);
    expect(lost).toEqual([]);
    expect(pauses.every((ms) => [50, 100, 200, 400, 800].includes(ms))).toBe(true);
  });

  it('that are refused for ever are told of, and dropped within a bounded number of tries', async () => {
    sqs.fails = () => true;
    kinesis.fails = () => true;
    bells.ring({ kind: 'start' });
    bells.ring({ kind: 'gather', submission: 's', n: 0 });
    await bells.flush();
    expect(lost.flatMap(({ bells }) => bells)).toHaveLength(2);
    expect(sqs.meter.calls['SendMessageBatch']).toBe(6);
    expect(pauses.filter((ms) => ms === 50)).toHaveLength(2);
  });

  it('never fail the work that rang them', async () => {
    sqs.before = () => {
      throw new Error('no such host');
    };
    kinesis.before = () => {
      throw new Error('no such stream');
    };
    bells.ring({ kind: 'start' });
    bells.ring({ kind: 'gather', submission: 's', n: 0 });
    await bells.flush();
    expect(lost.map(({ reason }) => reason).toSorted()).toEqual(['no such host', 'no such stream']);
  });
});
