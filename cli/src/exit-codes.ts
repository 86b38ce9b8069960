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
  /** The key or the AWS credentials are missing or were refused. */
  refused: 4,
  /** Jobs are still running. */
  running: 8,
  /** `deploy --dry-run --exit-code`: there are differences. */
  differences: 10,
  sigint: 130,
  sigterm: 143,
} as const;
