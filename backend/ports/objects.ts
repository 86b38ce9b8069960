/** What goes into a batch's object: its parts, one after the other. */
export interface BatchObject {
  readonly batch: string;
  readonly parts: readonly Uint8Array[];
}

/** Input objects of batches. An object appears whole or not at all, and stays once written. */
export interface Objects {
  /** Writes batches' objects, durably before it answers. Writing one again with the same parts changes nothing. */
  writeBatches(objects: readonly BatchObject[]): Promise<void>;
  /** Its text; undefined when there is none. */
  readBatch(batch: string): Promise<string | undefined>;
  /** Removes objects of batches that have ended; unknown ones are left alone. */
  removeBatches(batches: readonly string[]): Promise<void>;
}
