/** The functions behind the stream and the queues. */
import type { KinesisStreamEvent } from 'aws-lambda';
import { beforeEach, describe, expect, it } from 'vitest';
import { rungText } from '../../backend/aws/events.ts';
import { formatWireLine } from '../../backend/core/chunk.ts';
import { SCHEMA_VERSION } from '../../backend/core/schema-version.ts';
import { create as fileResults } from '../../backend/handlers/file-results.ts';
import { create as gather } from '../../backend/handlers/gather.ts';
import { create as reconcile } from '../../backend/handlers/reconcile.ts';
import { create as settle } from '../../backend/handlers/settle.ts';
import { create as start } from '../../backend/handlers/start.ts';
import { acceptChunk } from '../../backend/pipeline/accept.ts';
import type { Ports } from '../../backend/ports/index.ts';
import { kinesisEvent, S3_TEST, s3Notice, stateChangeEvent } from '../support/aws/lambda-events.ts';
import { BUCKET, deadLettersUrl, queueUrl } from '../support/aws/services.ts';
import { context, failed, type Harness, openHarness, queueEvent } from './harness.ts';

let harness: Harness;
beforeEach(async () => {
  harness = await openHarness();
});

const bodies = (queue: string) =>
  harness.services.sqs.messages(queueUrl(queue)).map(({ body }) => {
    const { v, ...bell } = JSON.parse(body);
    expect(v).toBe(SCHEMA_VERSION);
    return bell;
  });
const errors = () => harness.said.filter(({ level }) => level === 'error');
const ENDED = { TransformJobStatus: 'Completed' } as const;

/** Accepts records `{"n":1}`, ... as chunk 0 of `s`, and closes it. */
async function submit(count: number): Promise<void> {
  const { runtime } = harness;
  const { pin } = runtime.config;
  if (!pin) throw new Error('no pin');
  const lines = Array.from({ length: count }, (_, i) => formatWireLine(i + 1, undefined, `{"n":${i + 1}}`));
  await runtime.work((ports) => acceptChunk(ports, pin, 's', 0, Buffer.from(`${lines.join('\n')}\n`)));
  await runtime.ledger.closeSubmission('s', count);
}

const streamEvent = (...texts: readonly string[]): KinesisStreamEvent =>
  kinesisEvent(
    texts.map((text, i) => ({ key: 's', data: Buffer.from(text), sequence: String(i + 1) })),
    0,
  );
const RUNG = rungText({ submission: 's', n: 0 });

describe('gather', () => {
  it('takes one step for all that rang, and sees what the index does not show yet', async () => {
    harness.services.table.lagIndex(true);
    await submit(2);
    const answer = await gather(harness.runtime)(streamEvent(RUNG, RUNG), context);
    expect(answer).toEqual(failed());
    expect(bodies('start')).toEqual([{ kind: 'start' }]);
    expect(harness.services.s3.keys(BUCKET, 'data/')).toHaveLength(1);
  });

  it('sees what the index does not show yet by a message that names it too, where there is no stream', async () => {
    harness = await openHarness({ BATCHML_STREAM: '' });
    harness.services.table.lagIndex(true);
    await submit(2);
    const [rung] = bodies('gather');
    expect(rung).toEqual({ kind: 'gather', submission: 's', n: 0 });
    expect(harness.services.kinesis.meter.calls).toEqual({});
    expect(await gather(harness.runtime)(queueEvent({ kind: 'gather' }), context)).toEqual(failed());
    expect(harness.services.s3.keys(BUCKET, 'data/')).toHaveLength(0);
    expect(await gather(harness.runtime)(queueEvent(rung, rung), context)).toEqual(failed());
    expect(harness.services.s3.keys(BUCKET, 'data/')).toHaveLength(1);
    expect(errors()).toEqual([]);
  });

  it('answers a bell of its queue', async () => {
    await submit(2);
    expect(await gather(harness.runtime)(queueEvent({ kind: 'gather' }), context)).toEqual(failed());
    expect(bodies('start')).toEqual([{ kind: 'start' }]);
  });

  it('passes over a record that can not be read, and says so', async () => {
    await submit(2);
    expect(await gather(harness.runtime)(streamEvent('nonsense', RUNG), context)).toEqual(failed());
    expect(errors()).toMatchObject([{ message: 'a record can not be read', facts: { record: '1' } }]);
    expect(JSON.stringify(harness.said)).not.toContain('nonsense');
    expect(bodies('start')).toHaveLength(1);
    expect(await gather(harness.runtime)(streamEvent('nonsense'), context)).toEqual(failed());
  });

  it('has all that rang come again when its step fails', async () => {
    harness.services.store.before = () => {
      throw new Error('no table');
    };
    expect(await gather(harness.runtime)(streamEvent('nonsense', RUNG), context)).toEqual(failed('1'));
    const event = queueEvent({ kind: 'gather' }, 'nonsense', { kind: 'gather' });
    expect(await gather(harness.runtime)(event, context)).toEqual(failed('m-1', 'm-0', 'm-2'));
    expect(errors().map(({ facts }) => facts['reason'])).toContain('no table');
  });
});

/** Goes as far as a transform job that has been created; gives its names at SageMaker and here. */
async function started(count: number): Promise<{ service: string; name: string }> {
  await submit(count);
  await gather(harness.runtime)(streamEvent(RUNG), context);
  await start(harness.runtime)(queueEvent({ kind: 'start' }), context);
  const [request] = harness.services.sagemaker.created;
  const service = request?.TransformJobName ?? '';
  return { service, name: `batchml-${service.slice(-32)}` };
}

describe('start', () => {
  it('starts what waits, once for all that rang', async () => {
    await submit(2);
    await gather(harness.runtime)(streamEvent(RUNG), context);
    const event = queueEvent({ kind: 'start' }, { kind: 'start' });
    expect(await start(harness.runtime)(event, context)).toEqual(failed());
    expect(harness.services.sagemaker.created).toHaveLength(1);
    expect(harness.measured).toMatchObject({ TransformJobsStarted: 1 });
  });

  it('leaves new work to the schedule, where there is one', async () => {
    harness = await openHarness({ BATCHML_TRIGGER: 'schedule', BATCHML_SCHEDULE_RATE: 'hour' });
    await submit(2);
    await gather(harness.runtime)(streamEvent(RUNG), context);
    await start(harness.runtime)(queueEvent({ kind: 'start' }), context);
    expect(harness.services.sagemaker.created).toHaveLength(0);
    await start(harness.runtime)(queueEvent({ kind: 'start' }, { kind: 'schedule' }), context);
    expect(harness.services.sagemaker.created).toHaveLength(1);
  });

  it('has its messages come again when it fails, and those that can not be read for ever', async () => {
    harness.services.store.before = () => {
      throw new Error('no table');
    };
    const event = queueEvent({ kind: 'start' }, '{"kind":');
    expect(await start(harness.runtime)(event, context)).toEqual(failed('m-1', 'm-0'));
  });
});

describe('messages that can not be read', () => {
  it('go to the dead letters at once where these are known', async () => {
    const dead = deadLettersUrl('start');
    harness = await openHarness({ BATCHML_DEAD_LETTERS: dead });
    expect(await start(harness.runtime)(queueEvent('nonsense'), context)).toEqual(failed());
    expect(harness.services.sqs.messages(dead).map(({ body }) => body)).toEqual(['nonsense']);
    expect(errors()).toMatchObject([{ facts: { message: 'm-0', length: 8 } }]);
    harness.services.sqs.fails = () => true;
    expect(await start(harness.runtime)(queueEvent('nonsense'), context)).toEqual(failed('m-0'));
    harness.services.sqs.before = () => {
      throw new Error('no queue');
    };
    expect(await start(harness.runtime)(queueEvent('nonsense'), context)).toEqual(failed('m-0'));
    expect(JSON.stringify(harness.said)).not.toContain('nonsense');
  });
});

describe('bells of another version', () => {
  const dead = () => harness.services.sqs.messages(deadLettersUrl('gather')).map(({ body }) => body);
  const warnings = () => harness.said.filter(({ level }) => level === 'warn');
  const OLD = '{"kind":"gather"}';
  const NEW = `{"v":${SCHEMA_VERSION + 1},"kind":"gather"}`;
  beforeEach(async () => {
    harness = await openHarness({ BATCHML_DEAD_LETTERS: deadLettersUrl('gather') });
    await submit(2);
  });

  it('go to the dead letters with a warning; the others are answered', async () => {
    expect(await gather(harness.runtime)(queueEvent(OLD, NEW), context)).toEqual(failed());
    expect(bodies('start')).toEqual([]);
    expect(dead()).toEqual([OLD, NEW]);
    expect(warnings().map(({ facts }) => facts)).toEqual([
      { message: 'm-0', length: OLD.length },
      { message: 'm-1', length: NEW.length },
    ]);
    expect(errors()).toEqual([]);
    await gather(harness.runtime)(queueEvent(OLD, { kind: 'gather' }), context);
    expect(bodies('start')).toEqual([{ kind: 'start' }]);
  });

  it('come again where the dead letters do not take them', async () => {
    harness.services.sqs.fails = () => true;
    expect(await gather(harness.runtime)(queueEvent(OLD), context)).toEqual(failed('m-0'));
  });

  it('do not hold up the stream', async () => {
    const old = '{"submission":"s","n":0}';
    expect(await gather(harness.runtime)(streamEvent(old, RUNG), context)).toEqual(failed());
    expect(dead()).toEqual([old]);
    expect(warnings()).toHaveLength(1);
    expect(bodies('start')).toEqual([{ kind: 'start' }]);
    harness.services.sqs.fails = () => true;
    expect(await gather(harness.runtime)(streamEvent(old), context)).toEqual(failed());
  });
});

describe('file-results', () => {
  it('files the outputs that S3 tells of, and passes over what concerns nobody', async () => {
    const { service, name } = await started(2);
    harness.services.sagemaker.finish(service);
    const [key = ''] = harness.services.s3.keys(BUCKET, `result/${name}/`);
    const event = queueEvent(S3_TEST, s3Notice(BUCKET, key, 1, 0), s3Notice(BUCKET, key, 1, 0));
    expect(await fileResults(harness.runtime)(event, context)).toEqual(failed());
    const jobs = await harness.runtime.ledger.chunks('s', 0, 1);
    expect(jobs[0]?.jobs.map(({ status, result }) => [status, result])).toEqual([
      ['Processed', '{"twice":2}'],
      ['Processed', '{"twice":4}'],
    ]);
    expect(harness.measured).toMatchObject({ JobsProcessed: 2 });
  });

  it('has the messages of a step that fails come again, and those alone', async () => {
    const { service, name } = await started(2);
    harness.services.sagemaker.finish(service);
    const [key = ''] = harness.services.s3.keys(BUCKET, `result/${name}/`);
    const batch = key.slice(key.lastIndexOf('/') + 1).replace('.jsonl.out', '');
    harness.services.s3.remove(BUCKET, key);
    const event = queueEvent(
      { kind: 'output', transform: name, batch },
      { kind: 'output', transform: name, batch: 'unknown' },
      s3Notice(BUCKET, key, 1, 0),
    );
    expect(await fileResults(harness.runtime)(event, context)).toEqual(failed('m-0', 'm-2'));
    expect(errors()).toMatchObject([{ facts: { bell: 'output', transform: name, batch } }]);
  });
});

describe('settle', () => {
  it('settles a transform job whose end EventBridge tells, and counts what failed', async () => {
    const { service, name } = await started(3);
    const { sagemaker, clock } = harness.services;
    sagemaker.finish(service);
    const change = stateChangeEvent({ TransformJobName: service, ...ENDED }, clock.now());
    expect(await settle(harness.runtime)(queueEvent(change), context)).toEqual(failed());
    expect(harness.measured).toMatchObject({ SplitRounds: 1 });
    expect((await harness.runtime.ledger.transformJob(name))?.state).toBe('Ended');
    expect(bodies('settle')).toContainEqual({ kind: 'batch', id: expect.any(String) });
  });

  it('answers each bell by itself, and no further one when the time is almost over', async () => {
    const { service } = await started(2);
    harness.services.sagemaker.finish(service);
    const change = stateChangeEvent({ TransformJobName: service, ...ENDED }, 0);
    const event = queueEvent(change, { kind: 'batch', id: 'b' }, { kind: 'submission', id: 's' });
    const late = { ...context, getRemainingTimeInMillis: () => 5_000 };
    expect(await settle(harness.runtime)(event, late)).toEqual(failed('m-1', 'm-2'));
    expect(await settle(harness.runtime)(event, context)).toEqual(failed());
  });

  it('sends the bells of steps before one that fails', async () => {
    const wrapPorts = (ports: Ports): Ports => ({
      ...ports,
      ledger: {
        ...ports.ledger,
        batch: async (id) => {
          ports.bells.ring({ kind: 'start' });
          throw new Error(`no ${id}`);
        },
      },
    });
    harness = await openHarness({}, { wrapPorts });
    const event = queueEvent({ kind: 'batch', id: 'b' });
    expect(await settle(harness.runtime)(event, context)).toEqual(failed('m-0'));
    expect(bodies('start')).toEqual([{ kind: 'start' }]);
  });
});

describe('reconcile', () => {
  const detail = () => harness.services.events.entries.map(({ Detail }) => JSON.parse(Detail ?? ''));

  it('rings for what is open, and measures how long the oldest job waits', async () => {
    const { clock } = harness.services;
    await reconcile(harness.runtime)({}, context);
    expect(harness.measured).toEqual({ OldestWaitingJobSeconds: 0 });
    await submit(2);
    clock.moveTo(clock.now() + 90_000);
    await reconcile(harness.runtime)({}, context);
    expect(harness.measured).toMatchObject({ OldestWaitingJobSeconds: 90 });
    expect(bodies('gather')).toEqual([{ kind: 'gather' }]);
  });

  it('tells once that a submission is finished', async () => {
    const { service, name } = await started(2);
    await reconcile(harness.runtime)({}, context);
    expect(detail()).toEqual([]);
    harness.services.sagemaker.finish(service);
    await settle(harness.runtime)(queueEvent({ kind: 'transform', name }), context);
    harness.services.events.fails = () => true;
    await reconcile(harness.runtime)({}, context);
    expect(detail()).toEqual([]);
    harness.services.events.fails = () => false;
    for (let i = 0; i < 2; i++) await reconcile(harness.runtime)({}, context);
    expect(harness.services.events.entries).toMatchObject([
      { Source: 'batchml', DetailType: 'Submission Finished' },
    ]);
    expect(detail()).toEqual([
      {
        submissionId: 's',
        name: null,
        total: 2,
        counts: { Queued: 0, Processing: 0, Processed: 2, Failed: 0, Cancelled: 0 },
        generation: 0,
        stack: 'batchml',
        finishedTime: new Date(harness.services.clock.now()).toISOString(),
      },
    ]);
  });

  it('warns once an hour of what an older version left, and ends it at its deadline', async () => {
    const { clock, store } = harness.services;
    const hour = Math.ceil(clock.now() / 3_600_000) * 3_600_000;
    const openAt = `${String(hour).padStart(15, '0')}#b`;
    const old = { pk: 'B#b', sk: 'batch', openKey: 'waiting#0', openAt, waitDeadline: hour + 3_600_000 };
    await store.putAll([old]);
    const warnings = [];
    for (const minutes of [0, 1, 59, 60, 61, 120]) {
      clock.moveTo(hour + minutes * 60_000);
      harness.said.length = 0;
      await reconcile(harness.runtime)({}, context);
      warnings.push(harness.said.find(({ level }) => level === 'warn')?.facts);
    }
    const none = undefined;
    expect(warnings).toEqual([{ ended: 0, left: 1 }, none, none, { ended: 1, left: 0 }, none, none]);
    expect(await store.get(old)).not.toHaveProperty('openKey');
  });

  it('does the rest although one part fails, and then fails', async () => {
    const { runtime } = harness;
    const ledger = {
      ...runtime.ledger,
      unannounced: async () => {
        throw new Error('no index');
      },
    };
    await expect(reconcile({ ...runtime, ledger })({}, context)).rejects.toThrow('no index');
    expect(harness.measured).toEqual({ OldestWaitingJobSeconds: 0 });
    expect(errors()).toMatchObject([{ message: 'the invocation failed', facts: { reason: 'no index' } }]);
  });
});
