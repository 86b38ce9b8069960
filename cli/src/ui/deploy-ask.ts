/** Questions on a terminal. Where nobody can answer, nobody is asked: the command fails and names the option instead. */
import type { Context } from '../context.ts';
import { orAborted } from '../interrupts.ts';
import { printable } from './printable.ts';

export class Asker {
  private readonly context: Context;
  private readonly allowed: boolean;
  private input: AsyncIterator<Uint8Array> | undefined;
  private rest = '';

  /** @param input false: `--no-input` was given */
  constructor(context: Context, input: boolean) {
    this.context = context;
    this.allowed = input;
  }

  /** Whether somebody is there to answer. */
  get possible(): boolean {
    const { deps, env } = this.context;
    return this.allowed && !env.ci && deps.stderr.isTTY === true && deps.stdin.isTTY === true;
  }

  /** Yes or no; no answer is No. */
  async confirm(question: string): Promise<boolean> {
    return /^y(es)?$/i.test((await this.line(`${question} [y/N]`)) ?? '');
  }

  /** One of a list, by its number or its text; undefined: none of them. */
  async choose(question: string, choices: readonly string[]): Promise<string | undefined> {
    const width = String(choices.length).length;
    const list = choices.map((choice, i) => `  ${String(i + 1).padStart(width)}  ${printable(choice)}`);
    const answer = await this.line(`${question}\n${list.join('\n')}\nnumber or name:`);
    if (answer === undefined || answer === '') return undefined;
    return choices[Number(answer) - 1] ?? choices.find((choice) => choice === answer);
  }

  /** What was typed; undefined where the input ended. */
  async line(question: string): Promise<string | undefined> {
    const { terminal, progress, deps, interrupts } = this.context;
    progress.stop();
    terminal.say(question);
    this.input ??= deps.stdin[Symbol.asyncIterator]();
    for (;;) {
      const end = this.rest.indexOf('\n');
      if (end !== -1) {
        const line = this.rest.slice(0, end);
        this.rest = this.rest.slice(end + 1);
        return line.trim();
      }
      const { done, value } = await orAborted(this.input.next(), interrupts.signal);
      if (done === true) {
        const line = this.rest.trim();
        this.rest = '';
        return line === '' ? undefined : line;
      }
      this.rest += Buffer.from(value).toString('utf8');
    }
  }
}
