/** How far a submission is, and how it ended, for people. */
import { type Counts, type FailureGroup, finalOf, totalOf } from '../outcome.ts';
import { clip, formatCount, formatDuration, formatRate } from './format.ts';
import { printable } from './printable.ts';
import { formatTable } from './table.ts';
import type { Paint, Style, Terminal } from './terminal.ts';

/** `412/1,000 · 3 failed · 2 cancelled · 20,000 jobs/s`. */
export function progressLine(counts: Counts, total: number, rate?: { jobs: number; ms: number }): string {
  const parts = [`${formatCount(finalOf(counts))}/${formatCount(total)}`];
  if (counts.Failed > 0) parts.push(`${formatCount(counts.Failed)} failed`);
  if (counts.Cancelled > 0) parts.push(`${formatCount(counts.Cancelled)} cancelled`);
  if (rate !== undefined && rate.jobs > 0 && rate.ms >= 500)
    parts.push(`${formatRate(rate.jobs, rate.ms)} jobs/s`);
  return parts.join(' · ');
}

const STYLES: Partial<Record<keyof Counts, Style>> = {
  Processed: 'green',
  Failed: 'red',
  Cancelled: 'yellow',
};

/** The table of an outcome; statuses that no job has are left out. */
export async function outcomeTable(
  counts: Counts,
  paint: Paint,
  took?: { readonly jobs: number; readonly ms: number },
): Promise<string> {
  const rows = (Object.entries(counts) as [keyof Counts, number][])
    .filter(([, count]) => count > 0)
    .map(([status, count]) => {
      const style = STYLES[status];
      return [style === undefined ? status : paint(style, status), formatCount(count)];
    });
  rows.push(['Total', formatCount(totalOf(counts))]);
  if (took !== undefined && took.jobs > 0)
    rows.push(['Time', formatDuration(took.ms)], ['Jobs/s', formatRate(took.jobs, took.ms)]);
  return formatTable([{ title: 'Status' }, { title: 'Jobs', align: 'right' }], rows, paint);
}

/** The failures by message, most frequent last, as the most telling one is read last. */
export function noteFailures(
  terminal: Terminal,
  groups: readonly FailureGroup[],
  looked: number,
  failed: number,
): void {
  if (groups.length === 0) return;
  const of = looked < failed ? ` (the first ${formatCount(looked)} of ${formatCount(failed)})` : '';
  terminal.note(`${terminal.paint('bold', 'Failures')}${of}:`);
  for (const { count, code, message, firstLine } of [...groups].reverse())
    terminal.note(
      `  ${formatCount(count)} × ${terminal.paint('red', printable(code))} ${printable(clip(message, 200))} ` +
        terminal.paint('dim', `(line ${firstLine})`),
    );
}
