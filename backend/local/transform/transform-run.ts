/** A transform job while it runs: its objects in order through the model, at most so many requests at a time. */
import { setMaxListeners } from 'node:events';
import { rm } from 'node:fs/promises';
import type { Agent } from 'undici';
import { formatDataLog } from '../../core/data-log.ts';
import type { BatchStrategy } from '../../core/settings.ts';
import type { Clock } from '../../ports/clock.ts';
import type { TransformDescription, TransformSpec } from '../../ports/transforms.ts';
import { type Invocation, invoke } from './invoke.ts';
import { modelAgent } from './model-agent.ts';
import type { ModelHost, ModelPlan } from './model-host.ts';
import { Held, OrderedOutput, type Piece } from './ordered-output.ts';
import { ModelOverloadedError } from './overload.ts';
import { ModelNotReadyError } from './ping.ts';
import type { ObjectFailure } from './refusal.ts';
import type { Answer } from './send.ts';
import { Slots } from './slots.ts';
import { pause, unlessAborted } from './time.ts';
import type { TransformFiles } from './transform-files.ts';
import {
  bodyOf,
  DamagedError,
  expectedOf,
  type OpenObject,
  openObject,
  sampleOf,
  takeAnswer,
} from './transform-object.ts';

/** What a run needs from around it. */
export interface RunContext {
  readonly files: TransformFiles;
  readonly host: ModelHost;
  /** Text of a batch's object; undefined when there is none. */
  readonly readBatch: (id: string) => Promise<string | undefined>;
  readonly pingTimeoutMs: number;
  readonly clock: Clock;
  readonly onOutput: (name: string, batch: string) => void;
}

/** Objects stand in the data log by this folder, as at SageMaker by their bucket and folder. */
const LOG_PREFIX = 'data/';
const LOG_STRATEGY: Record<BatchStrategy, string> = {
  MultiRecord: 'MULTI_RECORD',
  SingleRecord: 'SINGLE_RECORD',
};

/** Characters of output that may wait in memory for an earlier answer; at so many, no further request is sent. */
const HELD_MOST = 16 * 1024 * 1024;

/** Longest wait for an object's first answer before its other requests go, in ms. */
const FIRST_ANSWER_MS = 5000;

export class TransformRun {
  readonly #spec: TransformSpec;
  readonly #context: RunContext;
  readonly #cut = new AbortController();
  #url = '';
  /** How it ends where something else than its objects decides that; `abandoned`: without a word. */
  #cutShort: TransformDescription | 'abandoned' | undefined;
  #firstFailure: ObjectFailure['kind'] | undefined;
  #firstMishap: string | undefined;
  /** Batches whose objects weren't there, or not whole. */
  readonly #lost: string[] = [];
  readonly #held = new Held(HELD_MOST);
  /** Large answers are taken in one at a time. */
  readonly #large = new Slots(1);
  /** The model has taken a request of this transform job. */
  #proven = false;
  /** When the model last answered a request, other than by being overloaded. */
  #answeredAt = Number.NEGATIVE_INFINITY;
  /** The model was overloaded for so long, for all requests, that no further ones go to it. */
  #overloaded = false;

  constructor(spec: TransformSpec, context: RunContext) {
    this.#spec = spec;
    this.#context = context;
    // One listener for each request in flight.
    setMaxListeners(0, this.#cut.signal);
  }

  get stopping(): boolean {
    return this.#cut.signal.aborted;
  }

  /** Ends it as Stopped: requests in flight are dropped, no further output is written. */
  stop(): void {
    this.#endAs({ status: 'Stopped' });
  }

  /** Ends it without a status, as if the process had died. */
  abandon(): void {
    this.#endAs('abandoned');
  }

  /** Runs it to its end. Undefined when it was abandoned. Never throws for what a model, an object or the disk does. */
  async run(): Promise<TransformDescription | undefined> {
    try {
      const prepared = await this.#prepare();
      if (prepared) await this.#transformAll(prepared);
    } catch (error) {
      this.#mishap(error);
    }
    return this.#ending();
  }

  #endAs(ending: TransformDescription | 'abandoned'): void {
    this.#cutShort ??= ending;
    this.#cut.abort();
  }

  #ending(): TransformDescription | undefined {
    if (this.#cutShort !== undefined) return this.#cutShort === 'abandoned' ? undefined : this.#cutShort;
    const lost = this.#lost.length > 0 ? { lost: this.#lost } : {};
    if (this.#firstFailure) {
      const reason = `${this.#firstFailure}: See job logs for more information`;
      return { status: 'Failed', fault: 'records', reason, ...lost };
    }
    if (this.#firstMishap === undefined) return { status: 'Completed' };
    return { status: 'Failed', fault: 'platform', reason: this.#firstMishap, ...lost };
  }

  async #prepare(): Promise<ModelPlan | undefined> {
    const { host, pingTimeoutMs, files, clock } = this.#context;
    const prepared = await unlessAborted(
      host.prepare(this.#spec.pin, pingTimeoutMs, () => this.#sample()),
      this.#cut.signal,
    );
    if (!prepared) return undefined;
    this.#url = prepared.url;
    const plan = this.#spec.alone ? { ...prepared.plan, maxConcurrentTransforms: 1 } : prepared.plan;
    const { maxConcurrentTransforms, maxPayloadMb, batchStrategy } = plan;
    await files.appendLog(
      this.#spec.name,
      `${new Date(clock.now()).toISOString().slice(0, 23)}:[sagemaker logs]: ` +
        `MaxConcurrentTransforms=${maxConcurrentTransforms}, MaxPayloadInMB=${maxPayloadMb}, ` +
        `BatchStrategy=${LOG_STRATEGY[batchStrategy]}\n`,
    );
    return plan;
  }

  async #sample(): Promise<string[]> {
    for (const batch of this.#spec.batches) {
      const sample = sampleOf((await this.#context.readBatch(batch)) ?? '');
      if (sample.length > 0) return sample;
    }
    return [];
  }

  /**
   * One loop gives out all requests, so that objects go in order and small ones share the slots. One object more than
   * there are slots is open: it is read while the others wait for the model.
   */
  async #transformAll(plan: ModelPlan): Promise<void> {
    const requests = new Slots(plan.maxConcurrentTransforms);
    const objects = new Slots(plan.maxConcurrentTransforms + 1);
    const agent = modelAgent(plan.maxConcurrentTransforms);
    const invocation = this.#invocation(plan, agent);
    const finished: Promise<void>[] = [];
    try {
      for (const batch of this.#spec.batches) {
        await objects.take();
        if (this.stopping || this.#overloaded) break;
        const object = await this.#open(batch, plan);
        const answered: Promise<void>[] = [];
        for (let part = 0; object && part < object.parts.length; part++) {
          await this.#held.room();
          await requests.take();
          // Without its other parts it is no output.
          if (this.#overloaded) object.spoilt = true;
          if (this.stopping || object.spoilt) {
            requests.give();
            break;
          }
          const answer = this.#transformPart(object, part, plan, invocation).finally(() => requests.give());
          answered.push(answer);
          if (!this.#proven && part === 0 && object.parts.length > 1) await this.#awaitFirst(answer);
        }
        const done = Promise.all(answered).then(() => (object ? this.#finish(object) : undefined));
        finished.push(done.finally(() => objects.give()));
      }
    } finally {
      await Promise.all(finished);
      await agent.destroy();
    }
  }

  /**
   * While the model has taken nothing yet, an object's first request goes ahead of its others: a model that refuses
   * everything sees one request of each object, not as many as may be in flight. A slow one isn't waited for long.
   */
  async #awaitFirst(answer: Promise<void>): Promise<void> {
    const waited = new AbortController();
    const signal = AbortSignal.any([waited.signal, this.#cut.signal]);
    await Promise.race([answer, pause(this.#context.clock, FIRST_ANSWER_MS, signal)]);
    waited.abort();
  }

  #invocation({ contentType }: ModelPlan, dispatcher: Agent): Invocation {
    const { host, pingTimeoutMs, clock } = this.#context;
    const { model, settings } = this.#spec.pin;
    return {
      url: () => this.#url,
      becomeReady: async () => {
        this.#url = await host.ready(model, pingTimeoutMs);
      },
      contentType,
      timeoutMs: settings.invocationsTimeoutSeconds * 1000,
      maxRetries: settings.invocationsMaxRetries,
      dispatcher,
      clock,
      signal: this.#cut.signal,
    };
  }

  async #open(batch: string, plan: ModelPlan): Promise<OpenObject | undefined> {
    const { readBatch, files } = this.#context;
    const { name, jobs } = this.#spec;
    const output = () => new OrderedOutput(files.newOutput(name, batch), this.#held);
    try {
      const text = await readBatch(batch);
      if (text === undefined) throw new DamagedError(`the object of ${batch} is missing`);
      const object = openObject(batch, text, jobs?.[batch], plan, output);
      if (!('kind' in object)) return object;
      await this.#fail(batch, object);
    } catch (error) {
      if (error instanceof DamagedError) this.#lost.push(batch);
      this.#mishap(error);
    }
    return undefined;
  }

  async #transformPart(
    object: OpenObject,
    part: number,
    plan: ModelPlan,
    invocation: Invocation,
  ): Promise<void> {
    try {
      const answer = this.#context.files.answerFile(this.#spec.name, object.batch, part);
      const expected = expectedOf(object, part, plan, answer);
      const invoked = await invoke(invocation, bodyOf(object, part, plan), expected, () => !object.spoilt);
      if (invoked.kind !== 'stopped') this.#answeredAt = this.#context.clock.now();
      // Another part of the object has failed meanwhile: its first failure is the one that counts.
      if (!object.spoilt && invoked.kind === 'answer') {
        const piece = await this.#take(object, part, invoked, plan);
        if (typeof piece === 'string' || 'file' in piece) {
          this.#proven = true;
          await object.output.put(part, piece);
        } else await this.#spoil(object, piece);
      } else if (invoked.kind === 'failure') await this.#spoil(object, invoked.failure);
      else {
        object.spoilt = true;
        if (invoked.kind === 'answer' && invoked.file !== undefined) await rm(invoked.file, { force: true });
      }
    } catch (error) {
      object.spoilt = true;
      this.#mishap(error);
    }
    if (object.spoilt) await object.output.discard().catch((error) => this.#mishap(error));
  }

  async #take(
    object: OpenObject,
    part: number,
    answer: Answer,
    plan: ModelPlan,
  ): Promise<Piece | ObjectFailure> {
    if (answer.file === undefined) return takeAnswer(object, part, answer, plan);
    await this.#large.take();
    try {
      return await takeAnswer(object, part, answer, plan);
    } finally {
      this.#large.give();
    }
  }

  /** The first failure of an object's parts is the one that counts. */
  async #spoil(object: OpenObject, failure: ObjectFailure): Promise<void> {
    if (object.spoilt) return;
    object.spoilt = true;
    await this.#fail(object.batch, failure);
    if (failure.kind === 'ModelDisconnected') await this.#recover();
  }

  async #recover(): Promise<void> {
    const { host, pingTimeoutMs } = this.#context;
    const url = await unlessAborted(
      host.recover(this.#spec.pin.model, this.#url, pingTimeoutMs),
      this.#cut.signal,
    );
    this.#url = url ?? this.#url;
  }

  async #finish({ batch, spoilt, output }: OpenObject): Promise<void> {
    try {
      if (spoilt || this.stopping) {
        await output.discard();
        return;
      }
      await output.finish();
      this.#context.onOutput(this.#spec.name, batch);
    } catch (error) {
      this.#mishap(error);
    }
  }

  async #fail(batch: string, failure: ObjectFailure): Promise<void> {
    const { files, clock } = this.#context;
    const text = formatDataLog({ batch, ...failure }, new Date(clock.now()), LOG_PREFIX);
    await files.appendLog(this.#spec.name, text);
    this.#firstFailure ??= failure.kind;
  }

  /** Not the records' fault. Without the model nothing can go on; anything else concerns one object. */
  #mishap(error: unknown): void {
    const reason = (error as Error).message;
    if (error instanceof ModelNotReadyError) this.#endAs({ status: 'Failed', fault: 'model', reason });
    else this.#firstMishap ??= reason;
    // One request that is never taken while others are says little of those to come.
    if (error instanceof ModelOverloadedError && this.#answeredAt <= error.since) this.#overloaded = true;
  }
}
