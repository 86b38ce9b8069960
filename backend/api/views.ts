/**
 * The pipeline's words as JSON text. A result is put in as the text that the model sent, so that its numbers and key
 * order come back as they were.
 */
import { formatJobId } from '../core/ids.ts';
import { isFinished, type Submission, statusCounts } from '../core/submission.ts';
import type { JobView } from '../ports/ledger.ts';
import type { SubmissionInfo } from './wire.ts';

/** A job as `GET /job/{id}` shows it. */
export function jobJson(job: JobView): string {
  const { ref, status, acceptedAt, endedAt, result, place, error, line, customId, generation } = job;
  const head = JSON.stringify({
    jobId: formatJobId(ref),
    status,
    arrivalTime: new Date(acceptedAt).toISOString(),
    processedTime: endedAt === undefined ? null : new Date(endedAt).toISOString(),
  });
  const rest = JSON.stringify({
    resultPlace: place,
    error,
    submissionId: ref.submission,
    line,
    customId,
    generation,
  });
  return `${head.slice(0, -1)},"result":${result ?? 'null'},${rest.slice(1)}`;
}

/** A job as a line of its submission's results. */
export function resultLineJson({ ref, line, customId, status, result, place, error }: JobView): string {
  const custom = customId === undefined ? '' : `,"customId":${JSON.stringify(customId)}`;
  const head = `{"line":${line},"jobId":"${formatJobId(ref)}"${custom},"status":"${status}"`;
  const where = place === undefined ? '' : `,"resultPlace":${JSON.stringify(place)}`;
  if (status === 'Processed') return `${head},"result":${result ?? 'null'}${where}}`;
  return error && status === 'Failed' ? `${head},"error":${JSON.stringify(error)}}` : `${head}}`;
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
