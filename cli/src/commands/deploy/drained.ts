/**
 * Before an update to another schema version: whether work is open, which the new version can't go on with. The deployed API
 * says so; where it can't be asked, the user must.
 */
import type { OpenInfo } from '@batchml/backend/wire';
import { ApiClient } from '../../client/client.ts';
import { isRefused } from '../../deploy/aws-errors.ts';
import type { StackTemplate } from '../../deploy/package.ts';
import type { StackView } from '../../deploy/stacks.ts';
import { CliError, toCliError } from '../../errors.ts';
import { plural } from '../../ui/format.ts';
import { fetchKey } from './finish.ts';
import type { Session } from './session.ts';

/** The stack's output. What was deployed before there was one is of version 1. */
const OUTPUT = 'SchemaVersion';
const FIRST = '1';
const ATTEMPTS = 3;

export interface DrainedFlags {
  readonly drained?: true;
  readonly dryRun?: true;
}

export async function checkDrained(
  session: Session,
  stack: StackView,
  template: StackTemplate,
  { drained, dryRun }: DrainedFlags,
): Promise<void> {
  const { tell, context } = session;
  const from = versionOf(stack);
  const to = template.Outputs[OUTPUT]?.Value ?? FIRST;
  if (from === to) return;
  await tell({ type: 'phase', text: `asking whether work of schema version ${from} is open` });
  const open = from === FIRST ? 'version 1 does not tell what is open' : await askOpen(session, stack);
  context.progress.stop();
  const versions = `from schema version ${from} to ${to}`;
  if (typeof open === 'string' && drained)
    return tell({
      type: 'check',
      result: 'unknown',
      text: `update ${versions}: no work is open, by --drained`,
    });
  const refusal = refusalOf(session.stack, versions, open);
  if (refusal === undefined)
    return tell({ type: 'check', result: 'ok', text: `update ${versions}: no work is open` });
  if (!dryRun) throw refusal;
  await tell({ type: 'check', result: 'warning', text: `${refusal.message}: ${refusal.why}` });
}

/** While an update has failed and was not rolled back, CloudFormation may tell no outputs at all. */
function versionOf({ outputs }: StackView): string {
  return outputs[OUTPUT] ?? ('ApiEndpoint' in outputs ? FIRST : 'unknown');
}

/** What is open; a text: why that can't be known. */
async function askOpen(session: Session, stack: StackView): Promise<OpenInfo['open'] | string> {
  const { context, explain } = session;
  const { deps, interrupts } = context;
  const { ApiEndpoint: endpoint, ApiKeyId: keyId } = stack.outputs;
  if (endpoint === undefined || keyId === undefined) return 'the stack names no API';
  try {
    const key = await fetchKey(session, stack, keyId);
    const client = new ApiClient({
      endpoint,
      key,
      fetch: deps.fetch,
      now: deps.now,
      sleep: deps.sleep,
      signal: interrupts.signal,
      attempts: ATTEMPTS,
    });
    return (await client.openWork()).open;
  } catch (error) {
    if (interrupts.signal.aborted || isRefused(error)) throw error;
    const { message, why } = toCliError(explain(error));
    return why === undefined ? message : `${message}: ${why}`;
  }
}

function refusalOf(stack: string, versions: string, open: OpenInfo['open'] | string): CliError | undefined {
  const drain = [
    'stop submitting, and see what is open: batchml list',
    'wait for it: batchml status SUBMISSION --watch',
    'or give it up: batchml cancel SUBMISSION',
  ];
  if (typeof open === 'string')
    return new CliError(`stack ${stack} can't be updated ${versions}: it may have open work`, {
      code: 'open_work_unknown',
      why: `${open}; what is open would never end`,
      next: [...drain, 'once nothing is open: the same command with --drained'],
    });
  const { chunks, batches, transforms, submissions } = open;
  const found = [
    ...(chunks ? ['jobs that no batch has'] : []),
    ...(batches > 0 ? [plural(batches, 'batch', 'batches')] : []),
    ...(transforms > 0 ? [plural(transforms, 'transform job')] : []),
    ...(submissions > 0 ? [plural(submissions, 'submission')] : []),
  ];
  if (found.length === 0) return undefined;
  return new CliError(`stack ${stack} can't be updated ${versions}: it has open work`, {
    code: 'open_work',
    why: `${found.join(', ')}; what is open would never end`,
    next: [...drain, 'then the same command again'],
  });
}
