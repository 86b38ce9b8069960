/** The store's contract: one suite that every driver must pass, in the port's words only. */
import { afterEach, beforeEach, describe } from 'vitest';
import type { Condition } from '../../backend/core/items.ts';
import type { Store } from '../../backend/ports/store.ts';
import { conditionContract } from './store-conditions.ts';
import { queryContract } from './store-query.ts';
import { valueContract } from './store-values.ts';
import { writeContract } from './store-writes.ts';

export interface OpenStore {
  readonly store: Store;
  close(): Promise<void>;
}

/**
 * @param open gives an empty store; called before each test
 * @param differs conditions of which the server behind it is known to be wrong
 */
export function storeContract(
  name: string,
  open: () => Promise<OpenStore>,
  differs: (condition: Condition) => boolean = () => false,
): void {
  describe(`store: ${name}`, () => {
    let opened: OpenStore;
    beforeEach(async () => {
      opened = await open();
    });
    afterEach(() => opened.close());
    const store = () => opened.store;

    describe('values', () => valueContract(store));
    describe('writes', () => writeContract(store));
    describe('conditions', () => conditionContract(store, differs));
    describe('queries', () => queryContract(store));
  });
}
