/** Objects by key, for what is too large for the store's items. */
export interface Blobs {
  /** Writes an object whole, durably before it answers. */
  put(key: string, text: string | Uint8Array): Promise<void>;
  /** An object's text; undefined when there is none. */
  get(key: string): Promise<string | undefined>;
  /** Bytes `from` (inclusive) to `to` (exclusive). Throws when there is no such object. */
  getBytes(key: string, from: number, to: number): Promise<Uint8Array>;
}
