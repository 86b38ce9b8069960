/** Events: oldest first, each once, whatever the pages, whatever comes in between. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventReader, type ResourceEvent, startOfLast, tally } from '../../../cli/src/deploy/stack-events.ts';

const event = (n: number, more: Partial<ResourceEvent> = {}): ResourceEvent => ({
  eventId: `e${n}`,
  time: new Date(n * 1000).toISOString(),
  id: `R${n}`,
  resourceType: 'AWS::X::Y',
  status: 'CREATE_COMPLETE',
  reason: '',
  ofStack: false,
  ...more,
});

describe('reading events', () => {
  it('gives all since the start, in order and once, while new ones come at any moment', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 20 }),
        fc.integer({ min: 1, max: 6 }),
        fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 30 }),
        async (old, size, arrivals) => {
          const all = Array.from({ length: old }, (_, n) => event(n));
          let next = old;
          let calls = 0;
          const readPage = async (token: string | undefined) => {
            // Before each page so many more have come.
            for (let i = 0; i < (arrivals[calls++ % arrivals.length] ?? 0) && next < 200; i++)
              all.push(event(next++));
            const newestFirst = [...all].reverse();
            const from = Number(token ?? 0);
            const to = from + size;
            return {
              events: newestFirst.slice(from, to),
              next: to < newestFirst.length ? String(to) : undefined,
            };
          };
          const reader = new EventReader(readPage, event(old).time);
          const given: ResourceEvent[] = [];
          while (given.length < 200 - old && calls < 5000) {
            given.push(...(await reader.look()));
            if (next < 200 && arrivals.every((count) => count === 0)) break;
          }
          given.push(...(await reader.look()));
          expect(given.map(({ eventId }) => eventId)).toEqual(all.slice(old).map(({ eventId }) => eventId));
          expect(reader.all).toEqual(given);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('reads no page more than it must', async () => {
    const all = Array.from({ length: 50 }, (_, n) => event(n)).reverse();
    let pages = 0;
    const readPage = async (token: string | undefined) => {
      pages++;
      const from = Number(token ?? 0);
      return { events: all.slice(from, from + 5), next: String(from + 5) };
    };
    const reader = new EventReader(readPage, event(43).time);
    expect(await reader.look()).toHaveLength(7);
    expect(pages).toBe(2);
    expect(await reader.look()).toEqual([]);
    expect(pages).toBe(3);
  });
});

describe('the last operation', () => {
  it('began where somebody asked for it', () => {
    const of = (n: number, status: string, reason = '') => event(n, { status, reason, ofStack: true });
    const events = [
      of(9, 'UPDATE_ROLLBACK_COMPLETE'),
      of(8, 'UPDATE_ROLLBACK_IN_PROGRESS', 'The following resource(s) failed'),
      event(7, { status: 'UPDATE_IN_PROGRESS' }),
      of(6, 'UPDATE_IN_PROGRESS', 'User Initiated'),
      of(1, 'CREATE_IN_PROGRESS', 'User Initiated'),
    ];
    expect(startOfLast(events)?.eventId).toBe('e6');
    expect(startOfLast(events.slice(0, 3))).toBeUndefined();
  });
});

describe('the tally', () => {
  it('counts resources by their last state', () => {
    const events = [
      event(1, { id: 'A', status: 'CREATE_IN_PROGRESS' }),
      event(2, { id: 'B', status: 'CREATE_IN_PROGRESS' }),
      event(3, { id: 'A', status: 'CREATE_COMPLETE' }),
      event(4, { id: 'stack', status: 'CREATE_IN_PROGRESS', ofStack: true }),
    ];
    expect(tally(events)).toMatchObject({ done: 1, pending: [{ id: 'B' }] });
  });
});
