/** Input objects of batches. An object appears whole or not at all, and stays once written. */
export interface Objects {
  /** Writes a batch's object from parts, durably before it answers. Writing it again with the same parts changes nothing. */
  writeBatch(batch: string, parts: readonly string[]): Promise<void>;
  /** Its text; undefined when there is none. */
  readBatch(batch: string): Promise<string | undefined>;
  /** Removes objects of batches that have ended; unknown ones are left alone. */
  removeBatches(batches: readonly string[]): Promise<void>;
}
