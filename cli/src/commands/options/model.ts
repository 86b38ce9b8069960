/** Options that name the model. */
import type { Command } from 'commander';
import { baseUrl } from '../../config/base-url.ts';
import { usageError } from '../../errors.ts';
import { numberOption } from './shared.ts';

export interface ModelFlags {
  readonly model?: string;
  readonly modelCommand?: string;
  readonly pingTimeout?: number;
}

export function addModelOptions(command: Command): void {
  command
    .option('--model <url>', 'a running model server: GET /ping, POST /invocations')
    .option(
      '--model-command <command>',
      'starts a model server for you, on the port in SAGEMAKER_BIND_TO_PORT and PORT',
    )
    .addOption(
      numberOption('--ping-timeout <s>', 'how long the model may take to get ready (default: 60)', {
        min: 1,
        max: 3600,
      }),
    );
}

const HOW = ['--model http://127.0.0.1:8080', "or --model-command 'python3 serve.py'"];

/** The model as a pin names it: a URL, or `command:` and a command line. */
export function modelFrom({ model, modelCommand }: ModelFlags): string {
  if (model !== undefined && modelCommand !== undefined)
    throw usageError('--model and --model-command exclude each other', { next: ['name one model'] });
  if (modelCommand !== undefined) {
    if (modelCommand.trim() === '') throw usageError('--model-command is empty', { next: HOW });
    return `command:${modelCommand.trim()}`;
  }
  if (model === undefined)
    throw usageError('which model? Neither --model nor --model-command is given', { next: HOW });
  return baseUrl(model, {
    name: '--model',
    notOne: (shown) => `--model takes the URL of a model server, not ${JSON.stringify(shown)}`,
    details: {
      why: 'on this machine a model is a server; a SageMaker model by its name needs a deployed stack',
      next: HOW,
    },
    withoutUser: 'name a server that takes requests as they are: http://127.0.0.1:8080',
  });
}

export function pingTimeoutMs({ pingTimeout }: ModelFlags): number | undefined {
  return pingTimeout === undefined ? undefined : pingTimeout * 1000;
}
