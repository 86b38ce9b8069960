/** A store whose calls fail now and then, before or after they took effect, and take turns with those of others. */
import type { Store } from '../../backend/ports/store.ts';

export interface StoreTrouble {
  /** Whether a call ends with an error: asked before it is carried out, and after. */
  dies: () => boolean;
  /** Whether a call lets others go first. */
  waits: () => boolean;
}

/** @param trouble is asked at each call, so a test may change what it says */
export function spoilt(store: Store, trouble: StoreTrouble): Store {
  const around = async <T>(name: string, carryOut: () => Promise<T>): Promise<T> => {
    while (trouble.waits()) await new Promise((resolve) => setImmediate(resolve));
    if (trouble.dies()) throw new Error(`died before ${name}`);
    const answer = await carryOut();
    while (trouble.waits()) await new Promise((resolve) => setImmediate(resolve));
    if (trouble.dies()) throw new Error(`died after ${name}`);
    return answer;
  };
  return {
    get: (key) => around('get', () => store.get(key)),
    getAll: (keys) => around('getAll', () => store.getAll(keys)),
    write: (write, first) => around('write', () => store.write(write, first)),
    transact: (writes, first) => around('transact', () => store.transact(writes, first)),
    putAll: (items) => around('putAll', () => store.putAll(items)),
    async *query(range) {
      await around('query', async () => undefined);
      yield* store.query(range);
    },
  };
}
