/** Pins by their hash: items hold the hash, and a pin is kept once. Pins never change, so both directions are remembered. */
import { type Pin, pinKey } from '../core/settings.ts';
import type { Store } from '../ports/store.ts';
import { hashOfPinKey, pinItemKey } from './keys.ts';

export interface Pins {
  /** Keeps a pin; gives its hash. */
  keep(pin: Pin): Promise<string>;
  /** The pin of a hash that was given by `keep`, here or elsewhere. */
  of(hash: string): Promise<Pin>;
}

export function pinKeeper(store: Store): Pins {
  const hashes = new Map<string, string>();
  const pins = new Map<string, Pin>();
  return {
    async keep(pin) {
      const text = pinKey(pin);
      const known = hashes.get(text);
      if (known !== undefined) return known;
      const hash = hashOfPinKey(text);
      const key = pinItemKey(hash);
      await store.write({ key, item: { ...key, text: JSON.stringify(pin) } });
      hashes.set(text, hash);
      return hash;
    },

    async of(hash) {
      const known = pins.get(hash);
      if (known) return known;
      const item = await store.get(pinItemKey(hash));
      if (!item) throw new Error(`pin ${hash} is missing in the store`);
      const pin = JSON.parse(item['text'] as string) as Pin;
      pins.set(hash, pin);
      return pin;
    },
  };
}
