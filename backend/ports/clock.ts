/** Time and randomness, so that a test can say what they are. */
export interface Clock {
  /** Epoch ms. */
  now(): number;
  /** Calls `fn` after `ms`; gives a way to call it off. */
  after(ms: number, fn: () => void): () => void;
}

/** Short random text of letters and digits, different each time. */
export type Random = () => string;
