/** Every route of the API: the document and the deployed API are made of this list, and the app has these and no others. */
import { z } from 'zod';
import { MAX_CHUNK_JOBS } from '../core/chunk.ts';
import {
  ANY_ROUTE,
  conflict,
  json,
  NDJSON_TYPE,
  type Parameter,
  pathParameter,
  queryParameter,
  type Route,
  refusals,
  success,
} from './route.ts';
import {
  acceptedChunkSchema,
  acceptedJobSchema,
  cancelledSchema,
  closeSubmissionSchema,
  jobSchema,
  jobStatusSchema,
  jobsPageSchema,
  jobsStatusRequestSchema,
  jobsStatusSchema,
  openSchema,
  openSubmissionSchema,
  pinSchema,
  retriedSchema,
  retrySchema,
  submissionSchema,
  submissionsPageSchema,
} from './wire.ts';
import { CURSOR_HEADER, PENDING_HEADER } from './words.ts';

const JOB_ID = pathParameter('id', "the job's ID: `{submission}.{chunk}.{index}`", /^[^/]+$/);
const SUBMISSION_ID = pathParameter('id', "the submission's ID", /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/);
const IDEMPOTENCY_KEY: Parameter = {
  in: 'header',
  name: 'Idempotency-Key',
  description: 'the same key gives the same job; the same key with another record is refused',
  schema: z.string(),
};
const limit = (most: number, otherwise: number): Parameter =>
  queryParameter('limit', 'most of them in one page', z.int().min(1).max(most).default(otherwise));
const limitedTo = (description: string, pattern: RegExp): Parameter =>
  queryParameter('cursor', description, z.string().regex(pattern));

const SPECIFIC: readonly Route[] = [
  {
    method: 'POST',
    path: '/job',
    operationId: 'sendJob',
    summary: 'Accepts one record as a job',
    description:
      'The whole body is the record: JSON, or one row where the pipeline takes `text/csv`. Which one is set by the pipeline, not by the Content-Type header.',
    parameters: [IDEMPOTENCY_KEY],
    body: { required: true, content: { ...json(z.unknown()), 'text/csv': z.string() } },
    responses: {
      200: success('The job is stored and will reach one final status', acceptedJobSchema),
      ...refusals('badRecord', 'tooLarge'),
      ...conflict('`conflict`: another record was accepted with this Idempotency-Key'),
    },
  },
  {
    method: 'GET',
    path: '/job/{id}',
    operationId: 'getJob',
    summary: 'A job: its status, and its result or error',
    parameters: [JOB_ID],
    responses: { 200: success('The job', jobSchema), ...refusals('unknown') },
  },
  {
    method: 'GET',
    path: '/job/{id}/result',
    operationId: 'getResult',
    summary: "A job's result alone, whatever its size",
    description:
      'Only `batchml local` has this route: it is what `resultUrl` names there. A deployed stack names addresses in Amazon S3.',
    parameters: [JOB_ID],
    responses: {
      200: { description: 'The result, streamed', content: json(z.unknown()) },
      ...refusals('noResult'),
    },
    local: true,
  },
  {
    method: 'DELETE',
    path: '/job/{id}',
    operationId: 'cancelJob',
    summary: 'Cancels a job that is not in a started transform job',
    parameters: [JOB_ID],
    responses: {
      200: success('How many jobs this cancelled: 0 or 1', cancelledSchema),
      ...refusals('unknown'),
    },
  },
  {
    method: 'POST',
    path: '/jobs/status',
    operationId: 'getJobs',
    summary: 'The statuses of up to 100 jobs by their IDs',
    description: 'Without results: `GET /job/{id}` has one, `GET /submissions/{id}/jobs` has many.',
    body: { required: true, content: json(jobsStatusRequestSchema) },
    responses: {
      200: success('Jobs in the order asked for, and the IDs that no job has', jobsStatusSchema),
      ...refusals('badRequest', 'tooLarge'),
    },
  },
  {
    method: 'GET',
    path: '/settings',
    operationId: 'getSettings',
    summary: 'The model and settings that new jobs are accepted with',
    responses: { 200: success('Model and settings', pinSchema) },
  },
  {
    method: 'GET',
    path: '/open',
    operationId: 'getOpen',
    summary: 'How much work is open, by kind',
    description:
      'All zero and false: nothing is open. What was accepted or has changed in the last seconds may be missing.',
    responses: { 200: success('Open work, and the schema version that it has', openSchema) },
  },
  {
    method: 'GET',
    path: '/submissions',
    operationId: 'listSubmissions',
    summary: 'Submissions, newest first',
    parameters: [
      limitedTo('where to go on: the `cursor` of the page before', /^[A-Za-z0-9_-]{1,200}$/),
      limit(100, 20),
    ],
    responses: {
      200: success('A page; `cursor` is null on the last', submissionsPageSchema),
      ...refusals('badRequest'),
    },
  },
  {
    method: 'PUT',
    path: '/submissions/{id}',
    operationId: 'openSubmission',
    summary: 'Announces a submission',
    description:
      'Not needed: its first chunk makes it too. Sending it again with the same content changes nothing.',
    parameters: [SUBMISSION_ID],
    body: { required: false, content: json(openSubmissionSchema) },
    responses: {
      200: success('The submission as it is', submissionSchema),
      ...refusals('badRequest', 'tooLarge'),
      ...conflict('`conflict`: it exists with other content'),
    },
  },
  {
    method: 'GET',
    path: '/submissions/{id}',
    operationId: 'getSubmission',
    summary: 'A submission, with its counts by status',
    parameters: [SUBMISSION_ID],
    responses: { 200: success('The submission', submissionSchema), ...refusals('badRequest', 'unknown') },
  },
  {
    method: 'POST',
    path: '/submissions/{id}/chunks/{n}',
    operationId: 'sendChunk',
    summary: `Accepts up to ${MAX_CHUNK_JOBS} jobs`,
    description:
      'Chunks are numbered from 0 and may come in any order. The same chunk sent again changes nothing and answers the same IDs.',
    parameters: [SUBMISSION_ID, pathParameter('n', "the chunk's number", /^(0|[1-9]\d{0,8})$/)],
    body: {
      required: true,
      description:
        'A line for each job, `line` ascending: `{"line":1,"customId":"a","record":{"text":"..."}}`',
      content: { [NDJSON_TYPE]: z.string() },
    },
    responses: {
      200: success("The jobs are stored; their IDs, in the lines' order", acceptedChunkSchema),
      ...refusals('badRecord', 'tooLarge'),
      ...conflict(
        '`conflict`: the chunk was accepted with other content. `closed`: the submission is closed',
      ),
    },
  },
  {
    method: 'POST',
    path: '/submissions/{id}/close',
    operationId: 'closeSubmission',
    summary: 'Says that all jobs were sent',
    parameters: [SUBMISSION_ID],
    body: { required: true, content: json(closeSubmissionSchema) },
    responses: {
      200: success('The submission, closed', submissionSchema),
      ...refusals('badRequest', 'unknown', 'tooLarge'),
      ...conflict('`incomplete`: another number of jobs was accepted'),
    },
  },
  {
    method: 'GET',
    path: '/submissions/{id}/jobs',
    operationId: 'listJobs',
    summary: 'Jobs of a submission in input order, by pages',
    description:
      'A page may have fewer jobs than `limit`, or none, and yet be followed by others: go by its cursor. A result that is too large for an answer is null, and `resultUrl` says where it is.',
    parameters: [
      SUBMISSION_ID,
      queryParameter('status', 'only jobs of this status', jobStatusSchema),
      queryParameter(
        'final',
        '`true`: stop before the first job that is not final',
        z.enum(['true', 'false']),
      ),
      limitedTo('where to go on: `{chunk}.{index}`, as the page before gave it', /^\d{1,9}\.\d{1,4}$/),
      limit(1000, 500),
    ],
    responses: {
      200: {
        ...success('A page of jobs, as JSON or (`Accept: application/x-ndjson`) one a line', jobsPageSchema),
        content: { ...json(jobsPageSchema), [NDJSON_TYPE]: z.string() },
        headers: {
          [CURSOR_HEADER]: 'NDJSON: where the next page starts; absent on the last',
          [PENDING_HEADER]:
            'NDJSON with `final=true`: `true` where the page stopped before a job that is not final',
        },
      },
      ...refusals('badRequest', 'unknown'),
    },
  },
  {
    method: 'POST',
    path: '/submissions/{id}/cancel',
    operationId: 'cancelSubmission',
    summary: 'Closes a submission and cancels its jobs that have not ended',
    description:
      'Of a large submission the last ones are cancelled soon after the answer. No job of it is started any more.',
    parameters: [SUBMISSION_ID],
    responses: {
      200: success('The submission as it is then', submissionSchema),
      ...refusals('badRequest', 'unknown'),
    },
  },
  {
    method: 'POST',
    path: '/submissions/{id}/retry',
    operationId: 'retrySubmission',
    summary: 'Tries failed jobs once more: all of them, or those named',
    description: 'With the `generation` that was seen, sending it again changes nothing.',
    parameters: [SUBMISSION_ID],
    body: { required: false, content: json(retrySchema) },
    responses: {
      200: success('Whether a retry began, and the submission', retriedSchema),
      ...refusals('badRequest', 'unknown', 'tooLarge'),
    },
  },
];

export const ROUTES: readonly Route[] = SPECIFIC.map((route) => ({
  ...route,
  responses: { ...route.responses, ...ANY_ROUTE },
}));
