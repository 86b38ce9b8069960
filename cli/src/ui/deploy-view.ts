/** What deploying tells: messages on standard error, and with `--json` a line each on standard output. */
import { type Change, type SettingChange, verbOf } from '../deploy/changes.ts';
import type { News } from '../deploy/news.ts';
import { flagOf } from '../deploy/settings.ts';
import type { ResourceEvent } from '../deploy/stack-events.ts';
import { clip, formatBytes, formatCount, formatDuration, plural } from './format.ts';
import { printable } from './printable.ts';
import type { Progress } from './progress.ts';
import { type Column, formatTable, formatTsv } from './table.ts';
import type { Paint, Style, Terminal } from './terminal.ts';

/** More additions than this are counted by type instead of listed. */
const LISTED = 12;

export interface ViewOptions {
  readonly terminal: Terminal;
  readonly progress: Progress;
  readonly json: boolean;
  readonly now: () => number;
}

/** Shows news as they come. */
export class DeployView {
  private readonly options: ViewOptions;

  constructor(options: ViewOptions) {
    this.options = options;
  }

  readonly tell = async (news: News): Promise<void> => {
    const { json, terminal, now } = this.options;
    // How far it is follows from the resources' own lines.
    if (json && news.type !== 'progress')
      await terminal.json({ version: 1, time: new Date(now()).toISOString(), ...news });
    await this.show(news);
  };

  private async show(news: News): Promise<void> {
    const { terminal, progress } = this.options;
    const { paint } = terminal;
    switch (news.type) {
      case 'target':
        return terminal.note(targetText(news, paint));
      case 'phase':
        return progress.phase(news.text);
      case 'check':
        return terminal.note(`  ${MARKS[news.result](paint)} ${news.text}`);
      case 'note':
        return terminal.note(news.text);
      case 'upload':
        return progress.phase(
          `uploading ${news.file} (${formatBytes(news.bytes)}), ${news.done + 1} of ${news.total}`,
        );
      case 'changes':
        progress.stop();
        return terminal.note(await changesText(news.changes, news.settings, paint));
      case 'resource':
        return this.resource(news);
      case 'progress':
        return progress.update(terminal.animated ? progressBlock(news) : progressText(news));
    }
  }

  /** On a terminal only what ended: the live line says what is under way. */
  private resource(event: ResourceEvent): void {
    const { terminal } = this.options;
    if (terminal.animated && event.status.endsWith('_IN_PROGRESS') && !event.ofStack) return;
    terminal.note(eventText(event, terminal.paint));
  }
}

const MARKS = {
  ok: (paint: Paint) => paint('green', 'ok'),
  unknown: (paint: Paint) => paint('dim', '? '),
  warning: (paint: Paint) => paint('yellow', '! '),
};

function targetText(news: Extract<News, { type: 'target' }>, paint: Paint): string {
  const { stack, account, region, caller, awsProfile, status } = news;
  const who = awsProfile === null ? caller : `${caller} (AWS profile ${awsProfile})`;
  return [
    `stack    ${paint('bold', stack)} (${status ?? 'none yet'})`,
    `account  ${paint('bold', account)}`,
    `region   ${paint('bold', region)}`,
    `as       ${printable(who)}`,
  ].join('\n');
}

type ProgressNews = Extract<News, { type: 'progress' }>;

function headText(
  { doing, tally: { done }, total, ms }: ProgressNews,
  waiting: readonly string[] = [],
): string {
  const count =
    total === undefined || total === 0
      ? []
      : [`${formatCount(Math.min(done, total))}/${formatCount(total)} resources`];
  return [doing, ...count, ...waiting, formatDuration(ms)].join(' · ');
}

/** One line: for logs. */
function progressText(news: ProgressNews): string {
  const { pending } = news.tally;
  if (pending.length === 0) return headText(news);
  const more = pending.length > 3 ? ` and ${pending.length - 3} more` : '';
  const ids = pending.slice(0, 3).map(({ id }) => id);
  return headText(news, [`waiting for ${ids.join(', ')}${more}`]);
}

/** So many resources of a live block. */
const SHOWN = 6;

/** A line for each resource that is under way: for a terminal. */
function progressBlock(news: ProgressNews): string {
  const { pending } = news.tally;
  const lines = pending
    .slice(0, SHOWN)
    .map(
      ({ status, id, resourceType }) =>
        `  ${status.padEnd(20)}  ${id} (${resourceType.replace('AWS::', '')})`,
    );
  if (pending.length > SHOWN) lines.push(`  and ${pending.length - SHOWN} more`);
  return [headText(news), ...lines].join('\n');
}

const STYLES: readonly (readonly [end: string, style: Style])[] = [
  ['FAILED', 'red'],
  ['ROLLBACK_COMPLETE', 'yellow'],
  ['_COMPLETE', 'green'],
];

export function eventText({ time, status, id, resourceType, reason }: ResourceEvent, paint: Paint): string {
  const style = STYLES.find(([end]) => status.endsWith(end))?.[1];
  const shown = status.padEnd(20);
  const why = reason === '' ? '' : `  ${printable(clip(reason, 300))}`;
  return `${time.slice(11, 19)}  ${style === undefined ? shown : paint(style, shown)}  ${id} (${resourceType.replace('AWS::', '')})${why}`;
}

const SETTING_COLUMNS: readonly Column[] = [{ title: 'Setting' }, { title: 'Now' }, { title: 'Then' }];
const COLUMNS: readonly Column[] = [
  { title: 'Change' },
  { title: 'Resource' },
  { title: 'Type' },
  { title: 'What' },
];

/** Empty values are said to be so. */
const shown = (value: string | undefined): string =>
  value === undefined ? '-' : value === '' ? '(empty)' : value;

function rowOf(change: Change, paint: Paint): string[] {
  const verb = verbOf(change);
  const { danger, id, type, properties, old } = change;
  const what = [properties.join(', '), old === undefined ? '' : `the old one is ${old}`];
  return [
    danger ? paint('red', verb) : verb === 'add' ? paint('green', verb) : verb,
    id,
    type.replace('AWS::', ''),
    printable(clip(what.filter((text) => text !== '').join('; '), 60)),
  ];
}

/** Resources of the same kind, counted: `6 Lambda::Function, 9 SQS::Queue`. */
function byType(changes: readonly Change[]): string {
  const counts = new Map<string, number>();
  for (const { type } of changes) counts.set(type, (counts.get(type) ?? 0) + 1);
  return [...counts]
    .sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
    .map(([type, n]) => `${n} ${type.replace('AWS::', '')}`)
    .join(', ');
}

/** What will change, for people: settings, then resources; what is precious last, as it is read last. */
export async function changesText(
  changes: readonly Change[],
  settings: readonly SettingChange[],
  paint: Paint,
): Promise<string> {
  const parts: string[] = [];
  if (settings.length > 0) {
    const rows = settings.map(({ name, before, after }) => [flagOf(name), shown(before), shown(after)]);
    parts.push(
      await formatTable(
        SETTING_COLUMNS,
        rows.map((row) => row.map(printable)),
        paint,
      ),
    );
  }
  const added = changes.filter(({ action }) => action === 'Add');
  const counted = added.length > LISTED;
  if (counted) parts.push(`adds ${plural(added.length, 'resource')}: ${byType(added)}`);
  const listed = changes
    .filter(({ action }) => !counted || action !== 'Add')
    .sort((a, b) => Number(a.danger) - Number(b.danger));
  if (listed.length > 0)
    parts.push(
      await formatTable(
        COLUMNS,
        listed.map((change) => rowOf(change, paint)),
        paint,
      ),
    );
  return parts.join('\n\n');
}

/** Name and value a row: aligned for people, tab-separated for programs. */
export async function showFacts(
  terminal: Terminal,
  facts: readonly (readonly [string, string])[],
): Promise<void> {
  const rows = facts.map(([name, value]) => [name, printable(value)]);
  if (!terminal.outIsTty) await terminal.data(formatTsv(rows));
  else
    await terminal.data(
      `${await formatTable([{ title: 'What' }, { title: 'Value' }], rows, terminal.paintOut)}\n`,
    );
}

/** The changes as the answer of a dry run. */
export async function showChanges(terminal: Terminal, changes: readonly Change[]): Promise<void> {
  if (terminal.outIsTty) return;
  await terminal.data(
    formatTsv(
      changes.map((change) => [
        verbOf(change),
        change.id,
        change.type,
        change.properties.join(','),
        change.old ?? '',
      ]),
    ),
  );
}
