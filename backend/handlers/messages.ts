/**
 * Messages of a queue as bells, and the answer that says which of them come again (ReportBatchItemFailures). One that can't
 * be read, or is a bell of another version, goes to the dead letters: at once where their queue is known, else by being refused as often as the queue allows.
 */
import type { SQSBatchResponse, SQSRecord } from 'aws-lambda';
import { OTHER_VERSION, parseMessage } from '../aws/events.ts';
import { inParallel } from '../core/in-parallel.ts';
import type { Bell } from '../ports/bells.ts';
import type { Ports } from '../ports/index.ts';
import type { Invocation } from './lambda.ts';
import { bellFacts, errorFacts } from './log.ts';
import type { Runtime } from './runtime.ts';

/** With less time left than this, in ms, no further bell is answered: its message comes again. */
const TIME_LEFT_MS = 10_000;

export interface Heard {
  /** Each bell once, with the IDs of the messages that rang it. */
  readonly bells: readonly { readonly bell: Bell; readonly messages: readonly string[] }[];
  /** Messages that are not answered and are to be refused. */
  readonly refused: readonly string[];
}

export async function hear(runtime: Runtime, records: readonly SQSRecord[]): Promise<Heard> {
  const bells = new Map<string, { bell: Bell; messages: string[] }>();
  const refused: string[] = [];
  for (const { messageId, body } of records) {
    const rung = parseMessage(body, runtime.config.namePrefix);
    if (rung === undefined || rung === OTHER_VERSION) {
      if (rung === undefined) runtime.log.error('a message can not be read', factsOf(messageId, body));
      else warnOfVersion(runtime, messageId, body);
      if (!(await bury(runtime, messageId, body))) refused.push(messageId);
      continue;
    }
    for (const bell of rung) {
      const key = JSON.stringify(bell);
      const known = bells.get(key);
      if (known) known.messages.push(messageId);
      else bells.set(key, { bell, messages: [messageId] });
    }
  }
  return { bells: [...bells.values()], refused };
}

const factsOf = (message: string, body: string) => ({ message, length: body.length });

/** It isn't answered here; reconcile rings for all that is open anyway. */
export function warnOfVersion({ log }: Pick<Runtime, 'log'>, message: string, body: string): void {
  log.warn('a bell of another version goes to the dead letters', factsOf(message, body));
}

/** Whether the message is in the dead letters and needn't come again. */
export async function bury(
  { log, bury }: Pick<Runtime, 'log' | 'bury'>,
  message: string,
  body: string,
): Promise<boolean> {
  try {
    return await bury(body);
  } catch (error) {
    log.error('it was not put into the dead letters', { message, ...errorFacts(error) });
    return false;
  }
}

/** Answers each bell by a step of its own, at most so many at a time; a step that fails fails its messages alone. */
export async function answerEach(
  runtime: Runtime,
  records: readonly SQSRecord[],
  context: Invocation,
  atATime: number,
  step: (ports: Ports, bell: Bell) => Promise<void>,
): Promise<SQSBatchResponse> {
  const { bells, refused } = await hear(runtime, records);
  const failed = new Set(refused);
  const fail = (messages: readonly string[]) => {
    for (const message of messages) failed.add(message);
  };
  await runtime.work((ports) =>
    inParallel(bells, atATime, async ({ bell, messages }, i) => {
      if (i > 0 && context.getRemainingTimeInMillis() < TIME_LEFT_MS) return fail(messages);
      try {
        await step(ports, bell);
        runtime.log.info('a bell was answered', bellFacts(bell));
      } catch (error) {
        runtime.log.error('a step failed', { ...bellFacts(bell), ...errorFacts(error) });
        fail(messages);
      }
    }),
  );
  return failures(failed);
}

export function failures(ids: Iterable<string>): SQSBatchResponse {
  return { batchItemFailures: [...ids].map((itemIdentifier) => ({ itemIdentifier })) };
}
