/** Reading requests: parameters and bodies, checked. */
import type { Context } from 'hono';
import { z } from 'zod';
import { isSubmissionId, type JobRef, parseJobId } from '../core/ids.ts';
import type { Position } from '../pipeline/read.ts';
import { ApiError } from './errors.ts';

/** The body as bytes; refused unread when its length says that it is over the limit. */
export async function readBody(c: Context, limit: number): Promise<Buffer> {
  const announced = Number(c.req.header('content-length') ?? 0);
  const tooLarge = (size: number) =>
    new ApiError(413, 'too_large', `the body has ${size} bytes, the limit is ${limit}`);
  if (announced > limit) throw tooLarge(announced);
  // Of a body that doesn't say how long it is, no more is read than may be.
  const blocks: Uint8Array[] = [];
  let size = 0;
  for await (const block of c.req.raw.body ?? []) {
    size += block.length;
    if (size > limit) throw tooLarge(size);
    blocks.push(block);
  }
  return Buffer.concat(blocks);
}

/** The body as JSON of a schema; an empty one counts as `{}`. Says every field that is wrong. */
export async function readJson<T>(c: Context, schema: z.ZodType<T>): Promise<T> {
  const text = (await readBody(c, 1024 * 1024)).toString('utf8');
  let value: unknown = {};
  try {
    if (text.trim() !== '') value = JSON.parse(text);
  } catch (error) {
    throw new ApiError(400, 'bad_request', `the body is not JSON: ${(error as Error).message}`);
  }
  return check(schema, value);
}

/** A value by a schema. */
export function check<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map(
    ({ path, message }) => `${path.length > 0 ? `${path.join('.')}: ` : ''}${message}`,
  );
  throw new ApiError(400, 'bad_request', issues.join('; '));
}

export function submissionId(c: Context): string {
  const id = c.req.param('id') ?? '';
  if (!isSubmissionId(id))
    throw new ApiError(400, 'bad_request', `"${id}" is no submission ID: 1-64 letters, digits, - and _`);
  return id;
}

/** A job ID's parts; a text that can't be one is a job that doesn't exist. */
export function jobRef(id: string): JobRef {
  const ref = parseJobId(id);
  if (!ref) throw unknownJob(id);
  return ref;
}

export function unknownJob(id: string): ApiError {
  return new ApiError(404, 'not_found', `there is no job ${id}`);
}

export function unknownSubmission(id: string): ApiError {
  return new ApiError(404, 'not_found', `there is no submission ${id}`);
}

const cursorSchema = z
  .string()
  .regex(/^\d{1,9}\.\d{1,4}$/, 'cursor must be one that a page gave, `{chunk}.{index}`');

export function parseCursor(cursor: string | undefined): Position {
  if (cursor === undefined) return { chunk: 0, index: 0 };
  const [chunk, index] = check(cursorSchema, cursor).split('.');
  return { chunk: Number(chunk), index: Number(index) };
}

export function formatCursor({ chunk, index }: Position): string {
  return `${chunk}.${index}`;
}

/** `limit` of a listing. */
export function parseLimit(text: string | undefined, otherwise: number, most: number): number {
  if (text === undefined) return otherwise;
  return check(z.coerce.number(`limit must be a number from 1 to ${most}`).int().min(1).max(most), text);
}
