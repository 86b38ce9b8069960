/** A line of a log as it is shown. */
import { printable } from '../../ui/printable.ts';
import type { Paint, Style } from '../../ui/terminal.ts';

export interface LogEvent {
  /** One of its own for each event. */
  readonly id: string;
  /** Epoch in ms; undefined where nobody knows. */
  readonly at: number | undefined;
  /** The function, or the file. */
  readonly source: string;
  readonly text: string;
}

/** What Lambda says of each invocation. A report is shown where it speaks of trouble. */
const ROUTINE = /^(START|END|INIT_START|XRAY|EXTENSION|TELEMETRY)\b/;
const REPORT = /^REPORT\b/;
const TROUBLE = /\bStatus: |\bError Type: /;

/** Fields that every line has; the others say what happened. */
const COMMON = new Set([
  'level',
  'message',
  'timestamp',
  'service',
  'stack',
  'cold_start',
  'function_arn',
  'function_memory_size',
  'function_name',
  'function_request_id',
  'sampling_rate',
  'xray_trace_id',
]);

const STYLES: Readonly<Record<string, Style>> = {
  ERROR: 'red',
  CRITICAL: 'red',
  WARN: 'yellow',
  DEBUG: 'dim',
};

/** The line as an object, where it is one. */
export function parseEntry(text: string): Readonly<Record<string, unknown>> | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** Whether it says something beyond "I was invoked", and isn't a metric in a log's clothes. */
export function isTelling({ text }: LogEvent): boolean {
  if (ROUTINE.test(text)) return false;
  if (REPORT.test(text)) return TROUBLE.test(text);
  return !(text.startsWith('{') && text.includes('"_aws"') && parseEntry(text)?.['_aws'] !== undefined);
}

/** `2026-08-01T12:00:00.000Z gather INFO gathered bells=3`; whatever is in it can't act on a terminal. */
export function formatEvent(event: LogEvent, paint: Paint, width: number): string {
  const text = event.text.trimEnd();
  const entry = parseEntry(text);
  const head = [
    ...(event.at === undefined ? [] : [paint('dim', new Date(event.at).toISOString())]),
    paint('cyan', printable(event.source.padEnd(width))),
  ].join(' ');
  const message = entry?.['message'];
  if (entry === undefined || typeof message !== 'string')
    return `${head} ${text.split(/\r?\n/).map(printable).join('\n    ')}`;
  const level = String(entry['level'] ?? '');
  const style = STYLES[level];
  const facts = Object.entries(entry)
    .filter(([name]) => !COMMON.has(name))
    .map(([name, value]) => paint('dim', `${printable(name)}=`) + printable(shown(value)));
  const body = [printable(level.padEnd(5)), printable(message)];
  return [head, ...body.map((part) => (style === undefined ? part : paint(style, part))), ...facts].join(' ');
}

function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return /^[^\s"=]+$/.test(text) ? text : JSON.stringify(text);
}

/** What programs get; fields are added, never renamed. */
export function describeEvent({ at, source, text }: LogEvent): Record<string, unknown> {
  return {
    type: 'log',
    version: 1,
    time: at === undefined ? null : new Date(at).toISOString(),
    source,
    entry: parseEntry(text) ?? null,
    text,
  };
}

/** In the order of time; events of one moment in the order of their sources. */
export function byTime(a: LogEvent, b: LogEvent): number {
  return (a.at ?? 0) - (b.at ?? 0) || (a.source < b.source ? -1 : a.source > b.source ? 1 : 0);
}
