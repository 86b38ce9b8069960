/** All commands, in the order in which help lists them. */
import { cancelCommand } from './cancel.ts';
import type { CliCommand } from './command.ts';
import { deployCommand } from './deploy.ts';
import { destroyCommand } from './destroy.ts';
import { doctorCommand } from './doctor.ts';
import { infoCommand } from './info.ts';
import { keyCommand } from './key.ts';
import { listCommand } from './list.ts';
import { localCommand } from './local.ts';
import { logsCommand } from './logs.ts';
import { profileCommand } from './profile.ts';
import { resultsCommand } from './results.ts';
import { retryCommand } from './retry.ts';
import { runCommand } from './run.ts';
import { statusCommand } from './status.ts';
import { submitCommand } from './submit.ts';

export const COMMANDS: readonly CliCommand[] = [
  runCommand,
  localCommand,
  deployCommand,
  destroyCommand,
  submitCommand,
  statusCommand,
  resultsCommand,
  retryCommand,
  cancelCommand,
  listCommand,
  logsCommand,
  profileCommand,
  keyCommand,
  infoCommand,
  doctorCommand,
];
