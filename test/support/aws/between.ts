/** What a test may do at each call of a service: see it before and after, keep it from happening, have it happen twice. */
export interface Command {
  /** The operation, such as `PutObject`. */
  readonly name: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/** @param again it took effect before, and its answer got lost */
export type CarryOut = (again?: boolean) => unknown;
/** Carries out a command once, or not, or twice, and waits as long as it likes. */
export type Around = (command: Command, carryOut: CarryOut) => unknown;

export abstract class Between {
  /** Called before a command takes effect. */
  before: (command: Command) => void | Promise<void> = () => undefined;
  /** Called once a command has taken effect, or was refused. */
  after: (command: Command) => void | Promise<void> = () => undefined;
  /** What stands between a caller and the service. */
  around: Around = (_, carryOut) => carryOut();

  protected async pass(command: Command, carryOut: CarryOut): Promise<unknown> {
    await this.before(command);
    try {
      return await this.around(command, carryOut);
    } finally {
      await this.after(command);
    }
  }
}
