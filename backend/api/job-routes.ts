/** Routes of single jobs, and of the pipeline as a whole. `POST /job` and `GET /job/{id}` are the AWS sample's, and its clients work unchanged. */
import { Hono } from 'hono';
import type { z } from 'zod';
import type { JobRef } from '../core/ids.ts';
import { parseJobId } from '../core/ids.ts';
import { SCHEMA_VERSION } from '../core/schema-version.ts';
import type { Pin } from '../core/settings.ts';
import { acceptJob, maxRecordBytes } from '../pipeline/accept.ts';
import type { Ports } from '../ports/index.ts';
import { ApiError } from './errors.ts';
import { jobRef, readBody, readJson, unknownJob } from './request.ts';
import { type Presign, resultLinks, streamOf } from './result-links.ts';
import { jobJson, jobStatus } from './views.ts';
import { type cancelledSchema, type JobsStatus, jobsStatusRequestSchema, type OpenInfo } from './wire.ts';

const JSON_HEADERS = { 'content-type': 'application/json' };

export function jobRoutes(ports: Ports, pin: Pin, presign: Presign | undefined): Hono {
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
    return c.body(jobJson(job, await resultLinks(presign)(job)), 200, JSON_HEADERS);
  });

  // Where addresses are signed, large results are read there.
  if (presign === undefined)
    routes.get('/job/:id/result', async (c) => {
      const id = c.req.param('id');
      const [job] = await ledger.jobs([jobRef(id)]);
      if (!job) throw unknownJob(id);
      const { status, result } = job;
      if (result === undefined)
        throw new ApiError(404, 'not_found', `job ${id} is ${status} and has no result`);
      const length = String(Buffer.byteLength(result));
      return c.body(streamOf(result), 200, { ...JSON_HEADERS, 'content-length': length });
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
    const known = await ledger.statuses(refs.filter((ref): ref is JobRef => ref !== undefined));
    let next = 0;
    const found = refs.map((ref) => (ref === undefined ? undefined : known[next++]));
    const answer: JobsStatus = {
      jobs: found.flatMap((job) => (job ? [jobStatus(job)] : [])),
      unknown: jobIds.filter((_, i) => found[i] === undefined),
    };
    return c.json(answer);
  });

  routes.get('/settings', (c) => c.json({ model: pin.model, settings: pin.settings }));

  routes.get('/open', async (c) => {
    const answer: OpenInfo = { open: await ledger.openCounts(), schemaVersion: SCHEMA_VERSION };
    return c.json(answer);
  });

  return routes;
}
