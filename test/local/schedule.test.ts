import { afterEach, describe, expect, test } from 'vitest';
import type { ScheduleRate } from '../../backend/core/schedule.ts';
import { createEngine } from '../../backend/local/engine.ts';
import { openPipeline } from '../support/local-pipeline.ts';
import { doubling, MemoryPipeline, records } from '../support/memory-pipeline.ts';

const HOUR = 3_600_000;
const closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** Wraps a function so that its next call can be awaited. */
function awaited<Args extends unknown[], T>(call: (...args: Args) => Promise<T>) {
  let tell: () => void = () => undefined;
  return {
    call: async (...args: Args): Promise<T> => {
      const result = await call(...args);
      setImmediate(() => tell());
      return result;
    },
    next: () =>
      new Promise<void>((resolve) => {
        tell = resolve;
      }),
  };
}

/** The engine over the pipeline in memory; it is 10 o'clock. */
async function started(schedule: ScheduleRate) {
  const memory = await MemoryPipeline.open(doubling());
  const { transforms, clock } = memory;
  const { ledger } = memory.ports;
  const engine = createEngine({ clock, schedule, onFailure: (_bell, error) => expect(error).toBe('') });
  const create = awaited(transforms.create.bind(transforms));
  const look = awaited(ledger.waitingBatches);
  memory.ports = {
    ...memory.ports,
    bells: engine,
    ledger: { ...ledger, waitingBatches: look.call },
    transforms: Object.assign(transforms, { create: create.call }),
  };
  closers.push(
    () => memory.close(),
    () => engine.stop(),
  );
  await engine.start(memory.ports);
  return { memory, engine, clock, nextTransform: create.next, nextLook: look.next };
}

describe('the local pipeline on a schedule', () => {
  test('lets a new batch wait', async () => {
    let looked: Promise<void> = Promise.resolve();
    const pipeline = await openPipeline({
      model: 'http://127.0.0.1:9',
      schedule: 'year',
      wrapPorts: (ports) => {
        const look = awaited(ports.ledger.waitingBatches);
        looked = look.next();
        return { ...ports, ledger: { ...ports.ledger, waitingBatches: look.call } };
      },
    });
    closers.push(() => pipeline.close());
    await pipeline.start();
    await pipeline.submit('s', records(10));
    await looked;
    expect((await pipeline.submission('s')).counts).toMatchObject({ Queued: 10 });
    expect(pipeline.events).toEqual([]);
  });
});

describe('the engine on a schedule', () => {
  test('starts what waits at each end of the period, over and over', async () => {
    const { memory, engine, clock, nextTransform, nextLook } = await started('hour');
    for (const [i, id] of ['s', 't'].entries()) {
      const looked = nextLook();
      await memory.submit(id, records(10, i * 100));
      engine.ring({ kind: 'gather' });
      await looked;
      clock.moveTo(clock.now() + HOUR - 1);
      expect(memory.transforms.created).toHaveLength(i);
      const created = nextTransform();
      clock.moveTo(clock.now() + 1);
      await created;
      expect(memory.transforms.created).toHaveLength(i + 1);
    }
  });

  test('waits longer than a timer can', async () => {
    const { memory, engine, clock, nextTransform, nextLook } = await started('year');
    const looked = nextLook();
    await memory.submit('s', records(10), { settings: { maxWaitHours: 24 + 8784 } });
    engine.ring({ kind: 'gather' });
    await looked;
    for (const month of [11, 12]) {
      const again = nextLook();
      clock.moveTo(Date.UTC(2026, month, 1) - 1);
      await again;
      expect(memory.transforms.created).toEqual([]);
    }
    const created = nextTransform();
    clock.moveTo(Date.UTC(2027, 0, 1));
    await created;
  });

  test('takes what a period that is over has left, though nothing ran at its end', async () => {
    const { memory, engine, clock, nextTransform, nextLook } = await started('day');
    const looked = nextLook();
    await memory.submit('s', records(10), { settings: { maxWaitHours: 48 } });
    engine.ring({ kind: 'gather' });
    await looked;
    await engine.stop();
    clock.moveTo(clock.now() + 20 * HOUR);
    const created = nextTransform();
    await engine.start(memory.ports);
    await created;
  });
});
