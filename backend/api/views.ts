/**
 * The pipeline's words as JSON text. A result is put in as the text that the model sent, so that its numbers and key
 * order come back as they were.
 */
import { formatJobId } from '../core/ids.ts';
import { isFinished, type Submission, statusCounts } from '../core/submission.ts';
import type { JobView } from '../ports/ledger.ts';
import type { JobStatusInfo, ResultLink, SubmissionInfo } from './wire.ts';

/** A job as `POST /jobs/status` shows it. */
export function jobStatus(job: JobView): JobStatusInfo {
  const { ref, status, acceptedAt, endedAt, error, line, customId, generation } = job;
  return {
    jobId: formatJobId(ref),
    status,
    arrivalTime: new Date(acceptedAt).toISOString(),
    processedTime: endedAt === undefined ? null : new Date(endedAt).toISOString(),
    ...(error === undefined ? {} : { error }),
    submissionId: ref.submission,
    line,
    ...(customId === undefined ? {} : { customId }),
    generation,
  };
}

/**
 * A job as `GET /job/{id}` shows it.
 * @param link where its result is, which is then left out
 */
export function jobJson(job: JobView, link: ResultLink | undefined): string {
  const { jobId, status, arrivalTime, processedTime, ...rest } = jobStatus(job);
  const head = JSON.stringify({ jobId, status, arrivalTime, processedTime });
  return `${head.slice(0, -1)},"result":${resultJson(job, link)},${JSON.stringify(rest).slice(1)}`;
}

/** A job as a line of its submission's results. */
export function resultLineJson(job: JobView, link: ResultLink | undefined): string {
  const { ref, line, customId, status, error } = job;
  const custom = customId === undefined ? '' : `,"customId":${JSON.stringify(customId)}`;
  const head = `{"line":${line},"jobId":"${formatJobId(ref)}"${custom},"status":"${status}"`;
  if (status === 'Processed') return `${head},"result":${resultJson(job, link)}}`;
  return error && status === 'Failed' ? `${head},"error":${JSON.stringify(error)}}` : `${head}}`;
}

/** What stands in an answer after `"result":`. */
function resultJson({ ref, status, result }: JobView, link: ResultLink | undefined): string {
  if (link !== undefined) return `null,${JSON.stringify(link).slice(1, -1)}`;
  if (status !== 'Processed') return 'null';
  if (result === undefined) throw new Error(`the result of ${formatJobId(ref)} was not read`);
  return result;
}

export function submissionInfo(submission: Submission): SubmissionInfo {
  const { id, name, content, createdAt, closed, counters, generation, pin } = submission;
  return {
    submissionId: id,
    ...(name === undefined ? {} : { name }),
    ...(content === undefined ? {} : { content }),
    createdTime: new Date(createdAt).toISOString(),
    state: isFinished(submission) ? 'Finished' : closed ? 'Running' : 'Open',
    total: counters.total,
    counts: statusCounts(counters),
    generation,
    model: pin.model,
    settings: pin.settings,
  };
}
