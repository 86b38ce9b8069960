/**
 * The HTTP API's wire types, as zod schemas: requests are checked by them, clients take their types from them.
 * Fields are a contract: added, never renamed.
 */
import { z } from 'zod';
import { JOB_ERROR_CODES, JOB_STATUSES } from '../core/job.ts';
import { BATCH_STRATEGIES, CONTENT_TYPES } from '../core/settings.ts';

/** Why a request is refused. */
const API_ERROR_CODES = [
  'bad_request',
  'bad_record',
  'empty',
  'too_large',
  'not_found',
  'conflict',
  'closed',
  'incomplete',
  'unavailable',
] as const;

export const jobStatusSchema = z.enum(JOB_STATUSES);

/** Codes may be added: a client takes any text. */
export const jobErrorSchema = z.object({
  code: z.union([z.enum(JOB_ERROR_CODES), z.string()]),
  message: z.string(),
});

/** Where a result is that is too large for an answer; `result` is then null. */
const linkFields = {
  resultUrl: z
    .string()
    .optional()
    .describe(
      'Only where the result is too large for an answer (`result` is then null): it is at this address. One that begins with `/` is a path of this API and wants its key; any other one is asked without the key and ends within the hour: ask for the job again.',
    ),
  resultRange: z
    .string()
    .optional()
    .describe('Only with `resultUrl`: the `Range` header to send there, `bytes=FROM-TO`.'),
};

const jobHead = {
  jobId: z.string(),
  status: jobStatusSchema,
  arrivalTime: z.string(),
  processedTime: z.string().nullable(),
};
const jobTail = {
  error: jobErrorSchema.optional(),
  submissionId: z.string(),
  line: z.number(),
  customId: z.string().optional(),
  generation: z.number(),
};

/** One job, `GET /job/{id}`. The first five fields are the AWS sample's. */
export const jobSchema = z.object({ ...jobHead, result: z.unknown(), ...linkFields, ...jobTail });
/** One job without its result, `POST /jobs/status`. */
export const jobStatusInfoSchema = z.object({ ...jobHead, ...jobTail });

/** One line of a submission's results: `result` when Processed, `error` when Failed, else neither. */
export const resultLineSchema = z.object({
  line: z.number(),
  jobId: z.string(),
  customId: z.string().optional(),
  status: jobStatusSchema,
  result: z.unknown().optional(),
  ...linkFields,
  error: jobErrorSchema.optional(),
});

export const settingsSchema = z.object({
  contentType: z.enum([...CONTENT_TYPES, 'auto']),
  batchStrategy: z.enum([...BATCH_STRATEGIES, 'auto']),
  maxPayloadMb: z.number(),
  maxConcurrentTransforms: z.number(),
  invocationsTimeoutSeconds: z.number(),
  invocationsMaxRetries: z.number(),
  batchSize: z.number(),
  batchWindowSeconds: z.number(),
  maxTransformJobs: z.number(),
  maxWaitHours: z.number(),
  maxTransformHours: z.number(),
  instanceType: z.string(),
  instanceCount: z.number(),
  isolationBudget: z.number(),
});

export const countsSchema = z.object({
  Queued: z.number(),
  Processing: z.number(),
  Processed: z.number(),
  Failed: z.number(),
  Cancelled: z.number(),
});

export const submissionSchema = z.object({
  submissionId: z.string(),
  name: z.string().optional(),
  content: z.string().optional(),
  createdTime: z.string(),
  /** `Open`: takes chunks. `Running`: closed, jobs are open. `Finished`: every job is final. */
  state: z.enum(['Open', 'Running', 'Finished']),
  total: z.number(),
  counts: countsSchema,
  generation: z.number(),
  model: z.string(),
  settings: settingsSchema,
});

/** `PUT /submissions/{id}`: announces a submission; sending it again with the same content changes nothing. */
export const openSubmissionSchema = z.strictObject({
  /** Fingerprint of the content that will be sent. */
  content: z.string().max(128).optional(),
  name: z.string().max(256).optional(),
});

/** How many jobs, and chunks, the client sent. */
export const closeSubmissionSchema = z.strictObject({
  jobs: z.number().int().min(0),
  chunks: z.number().int().min(0).optional(),
});
/** Job IDs that one request may name. */
export const MAX_JOB_IDS = 100;
export const jobsStatusRequestSchema = z.strictObject({
  jobIds: z.array(z.string()).min(1).max(MAX_JOB_IDS),
});
/** Failed jobs of the generation that the client saw; all of them, or those named. */
export const retrySchema = z.strictObject({
  generation: z.number().int().min(0).optional(),
  jobIds: z.array(z.string()).min(1).max(MAX_JOB_IDS).optional(),
});

export const acceptedJobSchema = z.object({ job_id: z.string() });
export const acceptedChunkSchema = z.object({ jobIds: z.array(z.string()) });
export const jobsStatusSchema = z.object({
  jobs: z.array(jobStatusInfoSchema),
  /** IDs that no job has. */
  unknown: z.array(z.string()),
});
export const jobsPageSchema = z.object({ jobs: z.array(resultLineSchema), cursor: z.string().nullable() });
export const submissionsPageSchema = z.object({
  submissions: z.array(submissionSchema),
  cursor: z.string().nullable(),
});
export const cancelledSchema = z.object({ cancelled: z.number() });
export const retriedSchema = z.object({ submission: submissionSchema, retried: z.boolean() });
/** `GET /settings`: what new jobs are pinned to. */
export const pinSchema = z.object({ model: z.string(), settings: settingsSchema });
/** `GET /open`: what would be left behind by an update to another schema version. */
export const openSchema = z.object({
  open: z.object({
    chunks: z.boolean().describe('jobs wait that no batch has'),
    batches: z.number().describe('batches that have not ended and are in no transform job'),
    transforms: z.number().describe('transform jobs that have not ended'),
    submissions: z.number().describe('submissions that have not ended, or are being cancelled or retried'),
  }),
  schemaVersion: z.number().describe('of stored items and of messages on their way'),
});
export const errorSchema = z.object({
  error: z.object({ code: z.union([z.enum(API_ERROR_CODES), z.string()]), message: z.string() }),
});
/** What API Gateway says itself, and where the key is wrong `batchml local` too. */
export const gatewayErrorSchema = z.object({ message: z.string() });

export type Job = z.infer<typeof jobSchema>;
export type JobStatusInfo = z.infer<typeof jobStatusInfoSchema>;
/** Where a large result is. */
export interface ResultLink {
  readonly resultUrl: string;
  readonly resultRange?: string | undefined;
}
export type ResultLine = z.infer<typeof resultLineSchema>;
export type SubmissionInfo = z.infer<typeof submissionSchema>;
export type OpenInfo = z.infer<typeof openSchema>;
export type WireSettings = z.infer<typeof settingsSchema>;
export type JobsStatus = z.infer<typeof jobsStatusSchema>;
export type SubmissionsPage = z.infer<typeof submissionsPageSchema>;
