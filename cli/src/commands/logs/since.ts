/** `--since`: how far back, or from when on. */
import { InvalidArgumentError } from 'commander';

const MS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Gives the start in epoch ms for a time now. */
export type Since = (now: number) => number;

export const ago =
  (ms: number): Since =>
  (now) =>
    now - ms;

/** `90s`, `10m`, `1h`, `2d`, or a time in ISO 8601. */
export function parseSince(text: string): Since {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (count !== undefined) return ago(Number(count) * MS[unit as keyof typeof MS]);
  const time = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time))
    throw new InvalidArgumentError('It takes 90s, 10m, 1h, 2d or a time: 2026-08-01T12:00Z.');
  return () => time;
}
