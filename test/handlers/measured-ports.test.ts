import { expect, it } from 'vitest';
import { measuredPorts } from '../../backend/handlers/measured-ports.ts';
import { Meter } from '../../backend/handlers/meter.ts';
import type { Ports } from '../../backend/ports/index.ts';
import type { Verdict } from '../../backend/ports/ledger.ts';

const reason = { code: 'model_error', message: 'no' } as const;

/** What is measured of one call each; `state` is what becomes of the batch. */
async function measure(
  act: (ports: Ports) => Promise<unknown>,
  { answer, state = 'Split' }: { answer: unknown; state?: string },
): Promise<Record<string, number>> {
  const measured: Record<string, number> = {};
  const meter = new Meter((name, _unit, value) => {
    measured[name] = value;
  });
  class Ledger {
    readonly #answer = answer;
    acceptChunk = async () => this.#answer;
    async batch() {
      return { state, jobs: 7 };
    }
    async applyVerdict() {
      return this.#answer;
    }
    async failWaiting() {
      return this.#answer;
    }
    async fileResults() {
      return this.#answer;
    }
  }
  const ports = { ledger: new Ledger(), transforms: { create: async () => answer } };
  expect(await act(measuredPorts(ports as never, meter))).toBe(answer);
  meter.publish();
  meter.publish();
  return measured;
}

const verdict = (kind: Verdict['kind']) => (ports: Ports) =>
  ports.ledger.applyVerdict('b', 't', { kind, reason, error: reason } as never, 0);
const accept = (ports: Ports) => ports.ledger.acceptChunk({ jobs: 5 } as never, {} as never);
const fail = (ports: Ports) => ports.ledger.failWaiting('b', reason, 0);
const create = (ports: Ports) => ports.transforms.create({} as never);

const CREATED = { kind: 'created' };
const LATER = { kind: 'later', reason: 'quota' };

it.each([
  ['an accepted chunk', accept, { answer: 'accepted' }, { JobsAccepted: 5 }],
  ['a repeated one', accept, { answer: 'repeated' }, {}],
  [
    'results',
    (ports: Ports) => ports.ledger.fileResults('b', [{}, {}] as never, 0),
    { answer: undefined },
    { JobsProcessed: 2 },
  ],
  ['a batch that fails', verdict('fail'), { answer: true, state: 'Failed' }, { JobsFailed: 7 }],
  ['a verdict that came late', verdict('fail'), { answer: false, state: 'Failed' }, {}],
  ['a split', verdict('split'), { answer: true }, { SplitRounds: 1 }],
  ['a split over the budget', verdict('split'), { answer: true, state: 'Failed' }, { JobsFailed: 7 }],
  ['a requeue', verdict('requeue'), { answer: true, state: 'Failed' }, {}],
  ['a batch that waited too long', fail, { answer: true, state: 'Failed' }, { JobsFailed: 7 }],
  ['one that did not', fail, { answer: false, state: 'Failed' }, {}],
  ['a transform job', create, { answer: CREATED }, { TransformJobsStarted: 1 }],
  ['one that must wait', create, { answer: LATER }, {}],
])('counts %s', async (_, act, given, counts) => {
  expect(await measure(act, given)).toEqual(counts);
});
