/**
 * The data log of a transform job: which object failed, with which HTTP status, and what the model said. SageMaker
 * writes it to CloudWatch Logs (group `/aws/sagemaker/TransformJobs`), the local runner to a file, in the same lines:
 *
 *     2026-11-22T10:00:00.000:[sagemaker logs]: bucket/data/b-1.jsonl: ClientError: 400
 *     2026-11-22T10:00:00.000:[sagemaker logs]: bucket/data/b-1.jsonl: Message:
 *     2026-11-22T10:00:00.000:[sagemaker logs]: bucket/data/b-1.jsonl: text is missing
 */
import { clipMessage, type JobError, type JobErrorCode } from './job.ts';

/** One object's failure. `status` is the HTTP status, where the model answered at all. */
export interface DataLogEntry {
  /** The batch whose object it was. */
  readonly batch: string;
  readonly kind: 'ClientError' | 'ServerError' | 'ModelTimeout' | 'ModelDisconnected' | 'BadOutput';
  readonly status: number | undefined;
  readonly message: string;
}

const CODES: Record<DataLogEntry['kind'], JobErrorCode> = {
  ClientError: 'model_error',
  ServerError: 'model_error',
  ModelTimeout: 'model_timeout',
  ModelDisconnected: 'model_disconnected',
  BadOutput: 'bad_output',
};

const KINDS = Object.keys(CODES) as DataLogEntry['kind'][];
const LINE = /\[sagemaker logs\]: (?:\S*\/)?([^/\s:]+?)(?:\.(?:jsonl|csv|json))?: (.*)$/;
const HEAD = new RegExp(`^(${KINDS.join('|')})(?:: (\\d{3}))?$`);

/** The job error that an entry stands for: the model's own message, or else what happened. */
export function entryError(entry: DataLogEntry): JobError {
  const said = clipMessage(entry.message);
  const status = entry.status === undefined ? '' : `the model answered HTTP ${entry.status}`;
  return { code: CODES[entry.kind], message: said === '' ? status || entry.kind : said };
}

/** Lines of the log for one entry. `prefix` is what stands before the object's name (bucket and folder). */
export function formatDataLog(entry: DataLogEntry, at: Date, prefix: string): string {
  const head = entry.status === undefined ? entry.kind : `${entry.kind}: ${entry.status}`;
  const message = entry.message.split(/\r\n|[\n\r\u2028\u2029]/);
  return [head, 'Message:', ...message]
    .map(
      (text) => `${at.toISOString().slice(0, 23)}:[sagemaker logs]: ${prefix}${entry.batch}.jsonl: ${text}\n`,
    )
    .join('');
}

/** Entries of a log, one for each failed object, in the order in which they first appear. Other lines are passed over. */
export function parseDataLog(text: string): DataLogEntry[] {
  const entries = new Map<
    string,
    { kind: DataLogEntry['kind']; status: number | undefined; message: string[] }
  >();
  for (const line of text.split('\n')) {
    const match = LINE.exec(line);
    if (!match) continue;
    const [, batch = '', said = ''] = match;
    const head = HEAD.exec(said);
    const known = entries.get(batch);
    if (head && !known) {
      entries.set(batch, {
        kind: head[1] as DataLogEntry['kind'],
        status: head[2] === undefined ? undefined : Number(head[2]),
        message: [],
      });
    } else if (known && said !== 'Message:') known.message.push(said);
  }
  return [...entries].map(([batch, { kind, status, message }]) => ({
    batch,
    kind,
    status,
    message: message.join('\n'),
  }));
}
