/** What the fakes of AWS's services have in common: they take the SDK's command objects, and let a test come between. */
export interface Command {
  /** The operation, such as `PutItem`. */
  readonly name: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/** Carries out a command once, or not, or twice, and waits as long as it likes. */
export type Around = (command: Command, carryOut: () => object) => object | Promise<object>;

export abstract class FakeClient {
  /** Called before a command takes effect. */
  before: (command: Command) => void | Promise<void> = () => undefined;
  /** Called once a command has taken effect, or was refused. */
  after: (command: Command) => void | Promise<void> = () => undefined;
  /** What stands between a caller and the service. */
  around: Around = (_, carryOut) => carryOut();

  /** Answers a command. Its effect is atomic: nothing else happens meanwhile. */
  protected abstract carryOut(command: Command): object;

  async send(given: object): Promise<object> {
    const command: Command = {
      name: given.constructor.name.replace(/Command$/, ''),
      input: (given as Command).input,
    };
    await this.before(command);
    let answer: object;
    try {
      answer = await this.around(command, () => this.carryOut(command));
    } catch (error) {
      await this.after(command);
      throw error;
    }
    await this.after(command);
    return { $metadata: { httpStatusCode: 200, attempts: 1, totalRetryDelay: 0 }, ...answer };
  }

  /** As clients are closed; there is nothing to close. */
  destroy(): void {}
}
