/** Tables: aligned for people, tab-separated and without a header for programs. */
import { printable } from './printable.ts';
import type { Paint } from './terminal.ts';

export interface Column {
  readonly title: string;
  /** @default 'left' */
  readonly align?: 'left' | 'right';
}

/** For people. Without lines between cells, so that it can be copied; colours only through `paint`. */
export async function formatTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  paint: Paint,
): Promise<string> {
  const { default: Table } = await import('cli-table3');
  const none = [
    'top',
    'top-mid',
    'top-left',
    'top-right',
    'bottom',
    'bottom-mid',
    'bottom-left',
    'bottom-right',
  ];
  const inner = ['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid'];
  const table = new Table({
    head: columns.map((column) => paint('bold', column.title)),
    colAligns: columns.map((column) => column.align ?? 'left'),
    chars: { ...Object.fromEntries([...none, ...inner].map((name) => [name, ''])), middle: '  ' },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  table.push(...rows.map((row) => [...row]));
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** For programs. Tabs and line breaks in a cell become spaces, other control characters `\uXXXX`. */
export function formatTsv(rows: readonly (readonly string[])[]): string {
  const clean = (cell: string): string => printable(cell.replace(/[\t\r\n]+/g, ' '));
  return rows.map((row) => `${row.map(clean).join('\t')}\n`).join('');
}
