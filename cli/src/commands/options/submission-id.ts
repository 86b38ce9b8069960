/** `--submission-id`: a name for scripts, so that the same command twice is the same submission. */
import { isSubmissionId } from '@batchml/backend/words';
import { type Command, InvalidArgumentError } from 'commander';

export function parseSubmissionId(text: string): string {
  if (!isSubmissionId(text))
    throw new InvalidArgumentError('It takes 1 to 64 letters, digits, - and _, a letter or digit first.');
  return text;
}

export function addSubmissionIdOption(command: Command): void {
  command.option('--submission-id <name>', "the submission's ID, instead of one made up", parseSubmissionId);
}
