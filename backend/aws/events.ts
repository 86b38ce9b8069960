/**
 * What rings the functions, as bells. Pure. Nothing here throws: what can't be read is `undefined`, what is read and
 * concerns nobody here (a test event, another stack's job) is no bell at all.
 */
import { z } from 'zod';
import { SCHEMA_VERSION } from '../core/schema-version.ts';
import type { Bell } from '../ports/bells.ts';
import { ledgerName, parseOutputKey } from './keys.ts';

const id = z.string().min(1).max(256);
const n = z.int().min(0);

const bellSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('gather'), submission: id.exactOptional(), n: n.exactOptional() }),
  z.object({ kind: z.literal('start') }),
  z.object({ kind: z.literal('schedule') }),
  z.object({ kind: z.literal('batch'), id }),
  z.object({ kind: z.literal('transform'), name: id }),
  z.object({ kind: z.literal('output'), transform: id, batch: id }),
  z.object({ kind: z.literal('submission'), id, from: n.exactOptional(), generation: n.exactOptional() }),
]);

const chunkSchema = z.object({ submission: id, n });
type ChunkName = z.infer<typeof chunkSchema>;

/** A bell that another version of the functions rang, about items that this one would read wrongly. */
export const OTHER_VERSION = 'other version';
const versionSchema = z.object({ v: z.int() });

/** The text of a bell, or of a chunk's name, that tells its version. */
export function rungText(rung: Bell | ChunkName): string {
  return JSON.stringify({ v: SCHEMA_VERSION, ...rung });
}

/** What was rung, if it is of this version. Version 1 did not say which it is. */
function ofThisVersion<T>(schema: z.ZodType<T>, value: unknown): T | typeof OTHER_VERSION | undefined {
  const version = versionSchema.safeParse(value).data?.v;
  const { data } = schema.safeParse(value);
  if (version === undefined) return data === undefined ? undefined : OTHER_VERSION;
  return version === SCHEMA_VERSION ? data : OTHER_VERSION;
}

/** S3 Event Notifications: at least one record, keys URL-encoded. */
const s3Schema = z.object({
  Records: z
    .array(z.object({ eventName: z.string(), s3: z.object({ object: z.object({ key: z.string() }) }) }))
    .min(1),
});
/** S3 sends one when the notification is configured. */
const s3TestSchema = z.object({ Event: z.literal('s3:TestEvent') });

/** EventBridge, SageMaker Transform Job State Change. */
const transformSchema = z.object({
  'detail-type': z.literal('SageMaker Transform Job State Change'),
  detail: z.object({ TransformJobName: z.string(), TransformJobStatus: z.string().optional() }),
});
const UNDER_WAY = ['InProgress', 'Stopping'];

/**
 * Bells of a queue's message: a bell as JSON, an S3 notification, or a transform job's change of state. The latter two have
 * no version: they name objects and transform jobs, whose names tell nothing of the store.
 * @param namePrefix of this stack's transform jobs at SageMaker
 */
export function parseMessage(
  body: string,
  namePrefix: string,
): readonly Bell[] | typeof OTHER_VERSION | undefined {
  const value = parseJson(body);
  const bell = ofThisVersion(bellSchema, value);
  if (bell !== undefined) return bell === OTHER_VERSION ? bell : [bell];
  const objects = s3Schema.safeParse(value);
  if (objects.success) return outputBells(objects.data);
  if (s3TestSchema.safeParse(value).success) return [];
  const change = transformSchema.safeParse(value);
  if (!change.success) return undefined;
  const { TransformJobName, TransformJobStatus = '' } = change.data.detail;
  const name = ledgerName(namePrefix, TransformJobName);
  return name === undefined || UNDER_WAY.includes(TransformJobStatus) ? [] : [{ kind: 'transform', name }];
}

function outputBells({ Records }: z.infer<typeof s3Schema>): readonly Bell[] | undefined {
  const bells: Bell[] = [];
  for (const { eventName, s3 } of Records) {
    const key = decodeKey(s3.object.key);
    if (key === undefined) return undefined;
    const output = eventName.startsWith('ObjectCreated:') ? parseOutputKey(key) : undefined;
    if (output) bells.push({ kind: 'output', ...output });
  }
  return bells;
}

/** S3 encodes keys as forms do: `+` is a blank. */
function decodeKey(key: string): string | undefined {
  try {
    return decodeURIComponent(key.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}

/** The chunk of a stream's record: `text` is `{"v":VERSION,"submission":ID,"n":CHUNK}`. */
export function parseRecord(text: string): ChunkName | typeof OTHER_VERSION | undefined {
  return ofThisVersion(chunkSchema, parseJson(text));
}

/** The chunk that a bell names, if it names one. */
export function chunkOf(bell: Bell): ChunkName | undefined {
  if (bell.kind !== 'gather' || bell.submission === undefined || bell.n === undefined) return undefined;
  return { submission: bell.submission, n: bell.n };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
