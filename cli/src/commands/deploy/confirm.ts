/** A question that must be answered with yes: by somebody at a terminal, or by `--yes`. */
import { CliError, usageError } from '../../errors.ts';
import type { Session } from './session.ts';

export async function confirm(session: Session, question: string): Promise<void> {
  const { yes, asker } = session;
  if (yes) return;
  if (!asker.possible)
    throw usageError('this needs a yes, and there is nobody to ask', {
      code: 'confirmation',
      why: question,
      next: ['if that is what you want: the same command with --yes'],
    });
  if (!(await asker.confirm(question))) throw declined();
}

export function declined(): CliError {
  return new CliError('declined; nothing was changed', { code: 'declined' });
}
