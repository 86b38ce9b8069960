/** What is said when a file didn't get through to the API, or not all of it. */
import { ApiError } from '../../client/api-errors.ts';
import type { ApiClient } from '../../client/client.ts';
import { CliError, toCliError, usageError } from '../../errors.ts';
import { EXIT } from '../../exit-codes.ts';
import { formatCount, plural } from '../../ui/format.ts';

export interface Attempt {
  readonly client: ApiClient;
  readonly id: string;
  /** Jobs that should have been sent, and those that were acknowledged. */
  readonly total: number;
  readonly acknowledged: number;
  /** The command that goes on where this one stopped. */
  readonly again: string;
}

/** The error as it is to be shown. */
export async function explainFailure(error: unknown, attempt: Attempt): Promise<unknown> {
  const { id, total, acknowledged, again } = attempt;
  if (error instanceof ApiError && error.code === 'conflict')
    return usageError(`submission ${id} exists, with other content`, {
      code: 'conflict',
      why: error.message,
      next: ['take another name: --submission-id NAME'],
      cause: error,
    });
  if (error instanceof ApiError && error.code === 'closed') return error;
  if (error instanceof ApiError && error.refusal) return refused(error, attempt);
  const shown = CliError.is(error) || isSystemError(error) ? toCliError(error) : undefined;
  if (shown === undefined || shown.exitCode === EXIT.refused || shown.code === 'input_changed') return error;
  return new CliError(shown.message, {
    code: shown.code,
    exitCode: shown.exitCode,
    why: [shown.why, `${formatCount(acknowledged)} of ${plural(total, 'job')} were acknowledged`]
      .filter(Boolean)
      .join('\n'),
    next: [...shown.next, `send the rest (what is there stays as it is): ${again}`],
    data: { ...shown.data, submissionId: id, acknowledged },
    cause: error,
  });
}

/** Sending the same again would be refused again: what came in before is to be cancelled. */
async function refused(error: ApiError, { client, id, acknowledged }: Attempt): Promise<CliError> {
  const left = await client.findSubmission(id).catch(() => undefined);
  const jobs = left?.total ?? acknowledged;
  const open = left?.state === 'Open' || (left === undefined && acknowledged > 0);
  return new CliError(error.message, {
    code: error.code,
    why: [error.why, open ? `submission ${id} is open, with ${plural(jobs, 'job')}` : 'nothing was submitted']
      .filter(Boolean)
      .join('\n'),
    next: open ? [`end it, then send a mended file under another name: batchml cancel ${id}`] : [],
    data: { submissionId: id, acknowledged, jobs },
    cause: error,
  });
}

function isSystemError(error: unknown): boolean {
  return typeof (error as { syscall?: unknown }).syscall === 'string';
}
