/** The models of this process: servers at a URL, or commands that are started once and kept until the end. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Pin, pinKey } from '../../core/settings.ts';
import type { Clock } from '../../ports/clock.ts';
import type { LocalEvent } from '../events.ts';
import { parseExecutionParameters, requestLimits } from './execution-parameters.ts';
import { modelAgent } from './model-agent.ts';
import { type ModelCommand, startModelCommand } from './model-command.ts';
import { commandOf, modelProblem, serverUrl } from './model-name.ts';
import { isOverload, Patience } from './overload.ts';
import { ModelNotReadyError, waitForPing } from './ping.ts';
import { type Ask, type Choice, probe, probeTimeoutMs } from './probe.ts';
import { send } from './send.ts';
import { pause, systemClock } from './time.ts';

/** How a pin's records are sent to its model: what was `auto` is decided. */
export interface ModelPlan extends Choice {
  readonly maxPayloadMb: number;
  readonly maxConcurrentTransforms: number;
}

export interface ModelHostOptions {
  /** Folder of `model.log`, which takes what model commands print; made if absent. */
  readonly logDir: string;
  /** Environment of model commands. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** How long commands may take to end after SIGTERM, in ms, before they are killed. @default 5_000 */
  readonly graceMs?: number;
  readonly clock?: Clock;
  readonly onEvent?: (event: LocalEvent) => void;
}

/** A command that exits this often before it ever answers ping isn't started again. */
const MAX_EARLY_EXITS = 3;
const RESTART_PAUSE_MS = 200;
const GRACE_MS = 5000;
const RECOVER_PING_MS = 2000;
const PARAMETERS_TIMEOUT_MS = 5000;
/** A model that refused every probe is asked again after this long, in ms. */
const PROBE_AGAIN_MS = 30_000;
/** Longest wait in all for a model that is overloaded while it is probed, in ms. */
const PROBE_PATIENCE_MS = 30_000;

export class ModelHost {
  readonly #logDir: string;
  readonly #env: Readonly<Record<string, string | undefined>>;
  readonly #graceMs: number;
  readonly #clock: Clock;
  readonly #onEvent: (event: LocalEvent) => void;
  readonly #agent = modelAgent(4);
  readonly #closing = new AbortController();
  readonly #commands = new Map<string, Promise<ModelCommand>>();
  readonly #becomingReady = new Map<string, Promise<string>>();
  readonly #announced = new Set<string>();
  readonly #plans = new Map<string, { readonly plan: Promise<ModelPlan>; readonly until: number }>();
  readonly #running = new Set<ModelCommand>();
  readonly #killAll = () => {
    for (const command of this.#running) command.kill();
  };

  constructor(options: ModelHostOptions) {
    this.#logDir = options.logDir;
    this.#env = options.env;
    this.#graceMs = options.graceMs ?? GRACE_MS;
    this.#clock = options.clock ?? systemClock;
    this.#onEvent = options.onEvent ?? (() => undefined);
    process.once('exit', this.#killAll);
  }

  /**
   * Waits until the model answers ping, starting or restarting it if it is a command.
   * @returns its URL, without a slash at the end; another one after a restart
   * @throws ModelNotReadyError after `pingTimeoutMs`, or when its command keeps exiting
   */
  ready(model: string, pingTimeoutMs: number): Promise<string> {
    const known = this.#becomingReady.get(model);
    if (known !== undefined) return known;
    const ready = this.#becomeReady(model, pingTimeoutMs).finally(() => this.#becomingReady.delete(model));
    this.#becomingReady.set(model, ready);
    return ready;
  }

  /**
   * After a connection was closed without an answer: a server that is dying may still take connections, and drop what
   * comes in by them. Waits for it (or its successor) if it is; one that is just busy is left alone.
   * @returns its URL
   */
  async recover(model: string, url: string, pingTimeoutMs: number): Promise<string> {
    const common = { dispatcher: this.#agent, clock: this.#clock, signal: this.#closing.signal };
    const ping = `${url}/ping`;
    const { kind } = await send({ url: ping, method: 'GET', timeoutMs: RECOVER_PING_MS, ...common });
    return kind === 'unsent' || kind === 'disconnected' ? this.ready(model, pingTimeoutMs) : url;
  }

  /**
   * Waits for ping and decides, once for a pin, how records are sent to its model.
   * @param sample gives up to three records (JSON texts) to try; asked only if there is something to find out
   * @throws ModelNotReadyError after `pingTimeoutMs`
   * @throws ModelOverloadedError when it is too busy to be probed: how it takes records can't be guessed from that
   */
  async prepare(
    pin: Pin,
    pingTimeoutMs: number,
    sample: () => Promise<readonly string[]>,
  ): Promise<{ url: string; plan: ModelPlan }> {
    const url = await this.ready(pin.model, pingTimeoutMs);
    const key = pinKey(pin);
    let known = this.#plans.get(key);
    if (known === undefined || this.#clock.now() >= known.until) {
      const fresh = { plan: this.#decide(url, pin, pingTimeoutMs, sample), until: Number.POSITIVE_INFINITY };
      known = fresh;
      this.#plans.set(key, fresh);
      // Refused, it is asked again later; soon after, the same records would only be sent once more for nothing.
      fresh.plan.then(
        ({ sure }) => {
          if (!sure) fresh.until = this.#clock.now() + PROBE_AGAIN_MS;
        },
        () => {
          fresh.until = 0;
        },
      );
    }
    return { url, plan: await known.plan };
  }

  /** Ends every command (SIGTERM, later SIGKILL) and every wait. Close what uses it first. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled(this.#becomingReady.values());
    await Promise.all([...this.#running].map((command) => command.stop(this.#graceMs)));
    process.removeListener('exit', this.#killAll);
    await this.#agent.destroy();
  }

  async #becomeReady(model: string, pingTimeoutMs: number): Promise<string> {
    const problem = modelProblem(model);
    if (problem) throw new ModelNotReadyError(problem);
    const from = this.#clock.now();
    for (let exits = 1; ; exits++) {
      const command = await this.#command(model);
      const url = command ? command.url : serverUrl(model);
      if (await this.#pinged(url, pingTimeoutMs, from, command)) {
        const waitedMs = this.#clock.now() - from;
        if (!this.#announced.has(model)) this.#onEvent({ type: 'model-ready', model, waitedMs });
        this.#announced.add(model);
        return url;
      }
      const how = command?.howEnded();
      if (this.#closing.signal.aborted || !command || how === undefined)
        throw new Error('stopped while waiting for the model');
      if (exits >= MAX_EARLY_EXITS) throw await this.#notReady(`the model command ${how}`, command);
      await pause(this.#clock, RESTART_PAUSE_MS * exits, this.#closing.signal);
    }
  }

  /** False when the command exited, or the host was closed, before ping was answered. */
  async #pinged(
    url: string,
    timeoutMs: number,
    from: number,
    command: ModelCommand | undefined,
  ): Promise<boolean> {
    const closing = this.#closing.signal;
    const signal = command ? AbortSignal.any([closing, command.ended]) : closing;
    try {
      return await waitForPing(url, timeoutMs, {
        dispatcher: this.#agent,
        clock: this.#clock,
        signal,
        from,
      });
    } catch (error) {
      if (command && error instanceof ModelNotReadyError) throw await this.#notReady(error.message, command);
      throw error;
    }
  }

  async #notReady(what: string, command: ModelCommand): Promise<ModelNotReadyError> {
    const lines = await command.lastLines();
    const last = lines === '' ? 'it printed nothing' : `its last lines: ${lines}`;
    return new ModelNotReadyError(`${what}; ${last}; log: ${this.#logFile}`);
  }

  get #logFile(): string {
    return join(this.#logDir, 'model.log');
  }

  /** The running command of a model, started if need be; undefined for a server at a URL. */
  async #command(model: string): Promise<ModelCommand | undefined> {
    const commandLine = commandOf(model);
    if (commandLine === undefined) return undefined;
    const known = await this.#commands.get(model)?.catch(() => undefined);
    if (known && known.howEnded() === undefined) return known;
    if (this.#closing.signal.aborted) throw new Error('stopped before the model was started');
    const started = this.#start(commandLine);
    this.#commands.set(model, started);
    return started;
  }

  async #start(commandLine: string): Promise<ModelCommand> {
    await mkdir(this.#logDir, { recursive: true, mode: 0o700 });
    const command = await startModelCommand(commandLine, this.#env, this.#logFile);
    this.#running.add(command);
    command.ended.addEventListener('abort', () => this.#running.delete(command));
    if (command.ended.aborted) this.#running.delete(command);
    return command;
  }

  async #decide(
    url: string,
    pin: Pin,
    pingTimeoutMs: number,
    sample: () => Promise<readonly string[]>,
  ): Promise<ModelPlan> {
    const { settings } = pin;
    const common = { dispatcher: this.#agent, clock: this.#clock, signal: this.#closing.signal };
    const reply = await send({
      url: `${url}/execution-parameters`,
      method: 'GET',
      timeoutMs: PARAMETERS_TIMEOUT_MS,
      ...common,
    });
    const said = reply.kind === 'answer' && reply.status === 200 ? parseExecutionParameters(reply.text) : {};
    const timeoutMs = probeTimeoutMs(settings);
    const patience = new Patience(PROBE_PATIENCE_MS, this.#clock, this.#closing.signal);
    const askOnce: Ask = async (contentType, body) => {
      const post = (at: string) =>
        send({ url: `${at}/invocations`, method: 'POST', contentType, body, timeoutMs, ...common });
      const reply = await post(url);
      // A record before it may have ended the model: that says nothing of this one.
      return reply.kind === 'unsent' ? post(await this.ready(pin.model, pingTimeoutMs)) : reply;
    };
    const ask: Ask = async (contentType, body) => {
      for (;;) {
        const sentAt = this.#clock.now();
        const reply = await askOnce(contentType, body);
        if (!isOverload(reply)) return reply;
        await patience.wait(reply, sentAt);
      }
    };
    const choice = await probe(ask, settings, sample, said.batchStrategy);
    // What was found then is only that nothing was answered any more.
    if (this.#closing.signal.aborted) throw new Error('stopped while the model was probed');
    const { contentType, batchStrategy, why } = choice;
    this.#onEvent({ type: 'choice', contentType, batchStrategy, why });
    return { ...choice, ...requestLimits(settings, said) };
  }
}
