import { COUNTS, type CountName } from '../ledger/context.ts';

/** What the functions count. The stack's alarms and dashboard go by these names (namespace `batchml`, dimension `stack`). */
export { COUNTS, type CountName };
export const OLDEST_WAITING = 'OldestWaitingJobSeconds';
export type MetricName = CountName | typeof OLDEST_WAITING;

export type Unit = 'Count' | 'Seconds';

/** Takes what was measured, once an invocation at most for each name. */
export type MetricSink = (name: MetricName, unit: Unit, value: number) => void;

/** Adds up what one invocation counts. */
export class Meter {
  readonly #sink: MetricSink;
  readonly #done: () => void;
  #values = new Map<MetricName, { unit: Unit; value: number }>();

  /** @param done called after the last metric of an invocation, if there was any */
  constructor(sink: MetricSink, done: () => void = () => undefined) {
    this.#sink = sink;
    this.#done = done;
  }

  count(name: CountName, by = 1): void {
    if (by === 0) return;
    this.#values.set(name, { unit: 'Count', value: (this.#values.get(name)?.value ?? 0) + by });
  }

  age(seconds: number): void {
    this.#values.set(OLDEST_WAITING, { unit: 'Seconds', value: seconds });
  }

  publish(): void {
    const values = this.#values;
    this.#values = new Map();
    for (const [name, { unit, value }] of values) this.#sink(name, unit, value);
    if (values.size > 0) this.#done();
  }
}
