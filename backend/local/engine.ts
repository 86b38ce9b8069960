/**
 * The engine: answers the bells, one at a time, in the order in which they first rang. A step that fails is tried again
 * later; what no bell rings for, reconcile finds.
 */
import { nextSchedule, type ScheduleRate } from '../core/schedule.ts';
import { advance, advanceOutputs } from '../pipeline/advance.ts';
import { reconcile } from '../pipeline/reconcile.ts';
import type { Bell, Bells } from '../ports/bells.ts';
import type { Clock } from '../ports/clock.ts';
import type { Ports } from '../ports/index.ts';

const RECONCILE_MS = 60_000;
/** The schedule's clock is looked at this often: timers stand still while a machine sleeps, and take 2^31 - 1 ms at most. */
const SCHEDULE_LOOK_MS = 60_000;
/** First and longest wait before a failed step is tried again, in ms. */
const AGAIN_MS = { first: 50, longest: 10_000 };
/** Gathering looks at every open chunk: it rests four times as long as it took, and not over 50 ms. */
const GATHER_REST = { times: 4, longest: 50 };

export interface EngineOptions {
  readonly clock: Clock;
  /** New batches are started at the end of each such period (UTC). @default as soon as they wait */
  readonly schedule?: ScheduleRate | undefined;
  /** A step failed and will be tried again. */
  readonly onFailure: (bell: Bell, error: Error) => void;
}

export interface Engine extends Bells {
  /** Begins to answer bells, after ringing for all that is open. */
  start(ports: Ports): Promise<void>;
  /** Resolves when something may have changed since the last call, or after `maxMs`. */
  news(maxMs: number): Promise<void>;
  /** Answers no more bells; resolves once the step under way is over. */
  stop(): Promise<void>;
}

export function createEngine({ clock, schedule, onFailure }: EngineOptions): Engine {
  const trigger = schedule === undefined ? 's3' : { schedule };
  const ringing = new Map<string, Bell>();
  const timers = new Map<string, { at: number; cancel: () => void }>();
  const failures = new Map<string, number>();
  let work: Ports | undefined;
  let running: Promise<void> | undefined;
  let gatherAfter = 0;
  let fresh = false;
  let tell: (() => void) | undefined;

  function ring(bell: Bell): void {
    if (!work) return;
    if (bell.kind === 'gather' && clock.now() < gatherAfter) {
      ringAt(gatherAfter, bell);
      return;
    }
    ringing.set(keyOf(bell), bell);
    running ??= drain();
  }

  function ringAt(at: number, bell: Bell): void {
    if (!work) return;
    const key = keyOf(bell);
    const known = timers.get(key);
    if (known && known.at <= at) return;
    known?.cancel();
    // A timer takes at most 2^31 - 1 ms; a later bell is rung early, which does no harm.
    const delay = Math.min(Math.max(at - clock.now(), 0), 2 ** 31 - 1);
    const cancel = clock.after(delay, () => {
      timers.delete(key);
      ring(bell);
    });
    timers.set(key, { at, cancel });
  }

  async function drain(): Promise<void> {
    // Let whoever rang go on first: more bells may come for the same step.
    await Promise.resolve();
    for (const [key, bell] of ringing) {
      if (!ringing.delete(key) || !work) continue;
      const ports = work;
      if (bell.kind !== 'output') {
        await answer(bell, key, () => advance(ports, bell, { trigger }));
        continue;
      }
      // Outputs of one transform job are filed together: batches of one chunk then cost one change of it.
      const batches = [bell.batch];
      for (const [other, output] of ringing) {
        if (output.kind !== 'output' || output.transform !== bell.transform) continue;
        ringing.delete(other);
        batches.push(output.batch);
      }
      await answer(bell, key, () => advanceOutputs(ports, bell.transform, batches));
    }
    running = undefined;
  }

  async function answer(bell: Bell, key: string, step: () => Promise<void>): Promise<void> {
    const began = clock.now();
    try {
      await step();
      failures.delete(key);
    } catch (error) {
      const times = failures.get(key) ?? 0;
      failures.set(key, times + 1);
      onFailure(bell, error as Error);
      ringAt(clock.now() + Math.min(AGAIN_MS.first * 2 ** times, AGAIN_MS.longest), bell);
    }
    if (bell.kind === 'gather') {
      const now = clock.now();
      gatherAfter = now + Math.min(GATHER_REST.times * (now - began), GATHER_REST.longest);
    }
    fresh = true;
    tell?.();
  }

  /** Rings at the end of each period. What a missed one would have started, the next start or schedule takes. */
  function awaitSchedule(rate: ScheduleRate, at = nextSchedule(rate, clock.now())): void {
    const cancel = clock.after(Math.min(at - clock.now(), SCHEDULE_LOOK_MS), () => {
      if (clock.now() < at) return awaitSchedule(rate, at);
      ring({ kind: 'schedule' });
      awaitSchedule(rate);
    });
    timers.set('next schedule', { at, cancel });
  }

  async function look(): Promise<void> {
    if (!work) return;
    try {
      await reconcile(work);
    } finally {
      if (work) {
        const cancel = clock.after(RECONCILE_MS, () => void look().catch(() => undefined));
        timers.set('reconcile', { at: clock.now() + RECONCILE_MS, cancel });
      }
    }
  }

  return {
    ring,
    ringAt,
    async start(ports) {
      work = ports;
      if (schedule !== undefined) awaitSchedule(schedule);
      await look();
    },
    news(maxMs) {
      return new Promise((resolve) => {
        const done = () => {
          cancel();
          fresh = false;
          tell = undefined;
          resolve();
        };
        const cancel = clock.after(fresh ? 0 : maxMs, done);
        tell = done;
      });
    },
    async stop() {
      work = undefined;
      ringing.clear();
      for (const { cancel } of timers.values()) cancel();
      timers.clear();
      await running;
    },
  };
}

/** Bells of one key are answered by one step. */
function keyOf(bell: Bell): string {
  return bell.kind === 'gather' ? bell.kind : Object.values(bell).join(' ');
}
