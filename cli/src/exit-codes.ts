/** What the command's exit code says; the one table of them. */
export const EXIT = {
  /** All good. */
  ok: 0,
  /** The operation failed, or every job did. */
  failed: 1,
  /** Wrong usage, configuration or input. */
  usage: 2,
  /** Done, but some jobs have no result. */
  someFailed: 3,
  /** The key was refused. */
  refused: 4,
  /** Jobs are still running. */
  running: 8,
  sigint: 130,
  sigterm: 143,
} as const;
