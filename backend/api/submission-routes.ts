/** Routes of submissions: sending them by chunks, and asking for, listing, cancelling and retrying them. */
import { type Context, Hono } from 'hono';
import { z } from 'zod';
import { MAX_CHUNK_BYTES } from '../core/chunk.ts';
import type { Pin } from '../core/settings.ts';
import { acceptChunk, expiredMessage, RefusedError } from '../pipeline/accept.ts';
import { cancelSubmission, retrySubmission } from '../pipeline/change.ts';
import { pageOfJobs } from '../pipeline/read.ts';
import type { Ports } from '../ports/index.ts';
import { ApiError } from './errors.ts';
import {
  check,
  formatCursor,
  jobRef,
  parseCursor,
  parseLimit,
  readBody,
  readJson,
  submissionId,
  unknownSubmission,
} from './request.ts';
import { type Presign, resultLinks } from './result-links.ts';
import { resultLineJson, submissionInfo } from './views.ts';
import { closeSubmissionSchema, jobStatusSchema, openSubmissionSchema, retrySchema } from './wire.ts';
import { CURSOR_HEADER, PENDING_HEADER } from './words.ts';

const chunkNumber = z
  .string()
  .regex(/^(0|[1-9]\d{0,8})$/, 'the chunk must be a number from 0')
  .transform(Number);

export function submissionRoutes(ports: Ports, pin: Pin, presign: Presign | undefined): Hono {
  const { ledger, bells, clock } = ports;
  const routes = new Hono();

  const known = async (id: string) => {
    const submission = await ledger.submission(id);
    if (!submission) throw unknownSubmission(id);
    return submission;
  };

  routes.get('/', async (c) => {
    const cursor = c.req.query('cursor');
    if (cursor !== undefined)
      check(z.string().regex(/^[A-Za-z0-9_-]{1,200}$/, 'cursor must be one that a page gave'), cursor);
    const { items, next } = await ledger.submissions(cursor, parseLimit(c.req.query('limit'), 20, 100));
    return c.json({ submissions: items.map(submissionInfo), cursor: next ?? null });
  });

  routes.put('/:id', async (c) => {
    const id = submissionId(c);
    const { content, name } = await readJson(c, openSubmissionSchema);
    const draft = { id, kind: 'batch', pin, content, name, createdAt: clock.now() } as const;
    const opened = await ledger.openSubmission(draft);
    if (opened === 'expired') throw new RefusedError('expired_id', expiredMessage(id));
    const { created, submission } = opened;
    if (!created && content !== undefined && submission.content !== content)
      throw new ApiError(409, 'conflict', `submission ${id} exists with other content`);
    return c.json(submissionInfo(submission));
  });

  routes.post('/:id/chunks/:n', async (c) => {
    const id = submissionId(c);
    const n = check(chunkNumber, c.req.param('n'));
    const body = await readBody(c, MAX_CHUNK_BYTES);
    return c.json({ jobIds: await acceptChunk(ports, pin, id, n, body) });
  });

  routes.post('/:id/close', async (c) => {
    const id = submissionId(c);
    const { jobs, chunks } = await readJson(c, closeSubmissionSchema);
    const outcome = await ledger.closeSubmission(id, jobs, chunks);
    if (outcome.kind === 'unknown') throw unknownSubmission(id);
    if (outcome.kind === 'mismatch')
      throw new ApiError(
        409,
        'incomplete',
        `${outcome.total} jobs of ${id} were accepted in ${outcome.chunks} chunks, not ${jobs}${chunks === undefined ? '' : ` in ${chunks}`}: send what is missing`,
      );
    bells.ring({ kind: 'gather' });
    return c.json(submissionInfo(await known(id)));
  });

  routes.get('/:id', async (c) => c.json(submissionInfo(await known(submissionId(c)))));

  routes.get('/:id/jobs', async (c) => {
    const { id } = await known(submissionId(c));
    const status = c.req.query('status');
    const page = await pageOfJobs(ledger, id, {
      from: parseCursor(c.req.query('cursor')),
      limit: parseLimit(c.req.query('limit'), 500, 1000),
      status: status === undefined ? undefined : check(jobStatusSchema, status),
      final: c.req.query('final') === 'true',
    });
    const links = resultLinks(presign);
    const lines = await Promise.all(page.jobs.map(async (job) => resultLineJson(job, await links(job))));
    const cursor = page.next && formatCursor(page.next);
    if (!wantsLines(c)) {
      const body = `{"jobs":[${lines.join(',')}],"cursor":${JSON.stringify(cursor ?? null)}}`;
      return c.body(body, 200, { 'content-type': 'application/json' });
    }
    c.header('content-type', 'application/x-ndjson');
    if (cursor !== undefined) c.header(CURSOR_HEADER, cursor);
    if (page.pending) c.header(PENDING_HEADER, 'true');
    return c.body(lines.length > 0 ? `${lines.join('\n')}\n` : '');
  });

  routes.post('/:id/cancel', async (c) => {
    const id = submissionId(c);
    const submission = await cancelSubmission(ports, id);
    if (!submission) throw unknownSubmission(id);
    return c.json(submissionInfo(submission));
  });

  routes.post('/:id/retry', async (c) => {
    const id = submissionId(c);
    const { generation, jobIds } = await readJson(c, retrySchema);
    const refs = jobIds?.map(jobRef);
    const stranger = refs?.findIndex((ref) => ref.submission !== id) ?? -1;
    if (stranger >= 0)
      throw new ApiError(400, 'bad_request', `job ${jobIds?.[stranger]} is not of submission ${id}`);
    const outcome = await retrySubmission(ports, id, generation, refs ?? 'all');
    if (!outcome) throw unknownSubmission(id);
    return c.json({ submission: submissionInfo(outcome.submission), retried: outcome.began });
  });

  return routes;
}

function wantsLines(c: Context): boolean {
  return (c.req.header('accept') ?? '').includes('application/x-ndjson');
}
