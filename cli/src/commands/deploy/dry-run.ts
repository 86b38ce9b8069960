/** The answer of a dry run. */
import type { Change } from '../../deploy/changes.ts';
import { EXIT } from '../../exit-codes.ts';
import { showChanges } from '../../ui/deploy-view.ts';
import { plural } from '../../ui/format.ts';
import type { Session } from './session.ts';

export interface DryRun {
  /** "stack X would ...". */
  readonly what: string;
  readonly changes: readonly Change[];
  /** Something would be done, though no resource is known that changes. @default false */
  readonly always?: boolean;
}

export async function dryRunResult(
  { context, stack }: Session,
  { exitCode }: { readonly exitCode?: true },
  { what, changes, always = false }: DryRun,
): Promise<number> {
  const { terminal, json, deps } = context;
  const different = always || changes.length > 0;
  if (json) {
    const time = new Date(deps.now()).toISOString();
    await terminal.json({
      type: 'result',
      version: 1,
      time,
      stack,
      dryRun: true,
      differences: different,
      changes,
    });
  } else await showChanges(terminal, changes);
  const count = changes.length === 0 ? '' : ` (${plural(changes.length, 'resource')})`;
  terminal.note(`dry run: stack ${stack} would ${what}${count}; nothing was changed`);
  return different && exitCode ? EXIT.differences : EXIT.ok;
}
