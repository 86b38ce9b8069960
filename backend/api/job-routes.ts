/** Routes of single jobs. `POST /job` and `GET /job/{id}` are the AWS sample's, and its clients work unchanged. */
import { Hono } from 'hono';
import type { z } from 'zod';
import type { JobRef } from '../core/ids.ts';
import { parseJobId } from '../core/ids.ts';
import type { Pin } from '../core/settings.ts';
import { acceptJob, maxRecordBytes } from '../pipeline/accept.ts';
import { answerable, fitting } from '../pipeline/read.ts';
import type { Ports } from '../ports/index.ts';
import { jobRef, readBody, readJson, unknownJob } from './request.ts';
import { jobJson } from './views.ts';
import { type cancelledSchema, jobsStatusRequestSchema } from './wire.ts';

const JSON_HEADERS = { 'content-type': 'application/json' };

export function jobRoutes(ports: Ports, pin: Pin): Hono {
  const { ledger, clock } = ports;
  const routes = new Hono();

  routes.post('/job', async (c) => {
    const body = await readBody(c, maxRecordBytes(pin));
    return c.json({
      job_id: await acceptJob(ports, pin, body, c.req.header('idempotency-key') || undefined),
    });
  });

  routes.get('/job/:id', async (c) => {
    const id = c.req.param('id');
    const [job] = await ledger.jobs([jobRef(id)]);
    if (!job) throw unknownJob(id);
    return c.body(jobJson(answerable(job)), 200, JSON_HEADERS);
  });

  routes.delete('/job/:id', async (c) => {
    const id = c.req.param('id');
    const ref = jobRef(id);
    const [job] = await ledger.jobs([ref]);
    if (!job) throw unknownJob(id);
    const answer: z.infer<typeof cancelledSchema> = {
      cancelled: await ledger.cancelJobs([ref], clock.now()),
    };
    return c.json(answer);
  });

  routes.post('/jobs/status', async (c) => {
    const { jobIds } = await readJson(c, jobsStatusRequestSchema);
    const refs = jobIds.map(parseJobId);
    const known = await ledger.jobs(refs.filter((ref): ref is JobRef => ref !== undefined));
    let next = 0;
    const found = refs.map((ref) => {
      const job = ref === undefined ? undefined : known[next++];
      return job && answerable(job);
    });
    const now = fitting(found);
    const jobs = now.flatMap((job) => (job ? [jobJson(job)] : []));
    const unknown = jobIds.filter((_, i) => i < now.length && found[i] === undefined);
    const later = jobIds.slice(now.length);
    const rest = JSON.stringify({ unknown, ...(later.length > 0 ? { later } : {}) });
    return c.body(`{"jobs":[${jobs.join(',')}],${rest.slice(1)}`, 200, JSON_HEADERS);
  });

  routes.get('/settings', (c) => c.json({ model: pin.model, settings: pin.settings }));

  return routes;
}
