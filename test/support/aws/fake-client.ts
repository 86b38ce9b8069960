/** What the fakes of AWS's services have in common: they take the SDK's command objects, and let a test come between. */
import { Between, type Command } from './between.ts';

export type { Command } from './between.ts';

export abstract class FakeClient extends Between {
  /** Answers a command. Its effect is atomic: nothing else happens meanwhile. */
  protected abstract carryOut(command: Command): object;

  async send(given: object): Promise<object> {
    const command: Command = {
      name: given.constructor.name.replace(/Command$/, ''),
      input: (given as Command).input,
    };
    const answer = (await this.pass(command, () => this.carryOut(command))) as object;
    return { $metadata: { httpStatusCode: 200, attempts: 1, totalRetryDelay: 0 }, ...answer };
  }

  /** As clients are closed; there is nothing to close. */
  destroy(): void {}
}
