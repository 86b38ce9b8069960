/**
 * Finding out what a model takes, for settings that are `auto`: lines of JSON (many records a request, fast) or one
 * JSON document a request. At most four small requests. What the container says of itself, or what is set, is taken
 * as it is.
 */
import type { BatchStrategy, ContentType, Settings } from '../../core/settings.ts';
import { readAnswer } from './answers.ts';
import { requestBody } from './mini-batches.ts';
import { shortRefusal } from './refusal.ts';
import { describeReply, isSuccess, type Reply } from './send.ts';
import { seconds } from './time.ts';

export interface Choice {
  readonly contentType: ContentType;
  readonly batchStrategy: BatchStrategy;
  /** A short phrase. */
  readonly why: string;
  /** False for a guess, as every probe was refused or one never answered: the next transform job had better probe again. */
  readonly sure: boolean;
}

/** Sends a body of a content type to the model's `/invocations`. */
export type Ask = (contentType: ContentType, body: string) => Promise<Reply>;

const LINES = 'application/jsonlines';
const JSON_TYPE = 'application/json';

const LONGEST_PROBE_MS = 60_000;

/** How long a model may take to answer a probe, in ms: it's a record or two, and all others wait for it. */
export function probeTimeoutMs(settings: Pick<Settings, 'invocationsTimeoutSeconds'>): number {
  return Math.min(settings.invocationsTimeoutSeconds * 1000, LONGEST_PROBE_MS);
}

/**
 * Decides how records are sent.
 * @param sample gives up to three records as JSON text, better far apart: a bad one among them must not decide
 * @param containerStrategy BatchStrategy of the container's execution parameters
 */
export async function probe(
  ask: Ask,
  settings: Pick<Settings, 'contentType' | 'batchStrategy' | 'invocationsTimeoutSeconds'>,
  sample: () => Promise<readonly string[]>,
  containerStrategy: BatchStrategy | undefined,
): Promise<Choice> {
  const type = settings.contentType;
  const set = settings.batchStrategy;
  const strategy = set === 'auto' ? containerStrategy : set;
  const origin = set === 'auto' && strategy ? 'as its execution parameters say' : 'as set';
  const choose = (contentType: ContentType, batchStrategy: BatchStrategy, why: string, sure = true) => ({
    contentType,
    batchStrategy,
    why,
    sure,
  });

  if (type !== 'auto' && strategy) return choose(type, strategy, origin);
  if (type === 'text/csv') return choose(type, 'MultiRecord', 'CSV rows go many to a request');
  if (type === JSON_TYPE) return choose(type, 'SingleRecord', 'a JSON document is one record');
  const [first, second = first, third = second] = await sample();
  if (first === undefined || second === undefined || third === undefined)
    return choose(type === 'auto' ? JSON_TYPE : type, strategy ?? 'SingleRecord', 'no record to try', false);

  let refusal = '';
  // A model that let one probe time out would let the next ones: nothing more is asked, and all that follows is a guess.
  let silent = false;
  const takes = async (contentType: ContentType, form: BatchStrategy, records: readonly string[]) => {
    if (silent) return false;
    const reply = await ask(contentType, requestBody(records, contentType, form));
    silent = reply.kind === 'timeout';
    const bad = objection(reply, records.length, contentType, form);
    // The first refusal is kept: the later forms are the less likely ones.
    if (bad !== undefined) refusal ||= bad;
    return bad === undefined;
  };
  const pair = second === third ? [first, second] : [second, third];
  const repeated = pair[0] === first && pair[1] === first;
  const noAnswer = `the model did not answer a probe within ${seconds(probeTimeoutMs(settings))}`;
  const refused = () => (silent ? noAnswer : `the model refused every probe: ${refusal}`);

  if (strategy === 'MultiRecord') {
    if (await takes(LINES, strategy, pair))
      return choose(LINES, strategy, 'two JSON lines came back for two');
    if (await takes(JSON_TYPE, strategy, pair)) return choose(JSON_TYPE, strategy, 'it takes lines as JSON');
    return choose(LINES, strategy, refused(), false);
  }
  if (!strategy && (await takes(LINES, 'MultiRecord', pair)))
    return choose(LINES, 'MultiRecord', 'two JSON lines came back for two');

  const fallback = type === 'auto' ? JSON_TYPE : type;
  // One record by itself, in the forms that are allowed, until one is taken.
  const singles = [
    ...(type === 'auto' ? [[JSON_TYPE, first] as const] : []),
    [LINES, first] as const,
    ...(second === first ? [] : [[fallback, second] as const]),
  ];
  let asked = strategy ? 0 : 1;
  for (const [contentType, record] of singles) {
    asked++;
    if (!(await takes(contentType, 'SingleRecord', [record]))) continue;
    // A record that is taken alone and not as a pair with itself settles it: no bad record was in the way.
    if (!strategy && !repeated && asked < 4 && (await takes(LINES, 'MultiRecord', [record, record])))
      return choose(LINES, 'MultiRecord', 'two JSON lines came back for two');
    // That two didn't come back may have had nothing to do with there being two.
    if (silent) return choose(contentType, 'SingleRecord', noAnswer, false);
    const why = strategy
      ? `${contentType} is what it takes`
      : `it takes one record a request; two: ${refusal}`;
    return choose(contentType, 'SingleRecord', why);
  }
  return choose(fallback, strategy ?? 'SingleRecord', refused(), false);
}

/** Why a reply isn't the results of the records that were sent; undefined if it is. */
function objection(
  reply: Reply,
  records: number,
  contentType: ContentType,
  form: BatchStrategy,
): string | undefined {
  if (reply.kind === 'answer' && isSuccess(reply.status)) {
    const results = readAnswer(reply.text, records, contentType, form);
    return 'problem' in results ? results.problem : undefined;
  }
  if (reply.kind !== 'answer') return describeReply(reply);
  return shortRefusal(reply);
}
