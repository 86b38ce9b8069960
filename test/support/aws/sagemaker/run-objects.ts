/** A transform job's work: its objects go through the model; the object is the unit of failure. */
import type { CreateTransformJobCommandInput } from '@aws-sdk/client-sagemaker';
import type { Model, Refusal } from '../../fake-transforms.ts';
import { inputOf, outputOf, recordsOf } from './data-processing.ts';

export interface Objects {
  read(bucket: string, key: string): string | undefined;
  keys(bucket: string, prefix: string): string[];
}

export interface ObjectEnd {
  readonly bucket: string;
  readonly key: string;
  /** Its `.out` text, or else what the model refused of it. */
  readonly output: string | undefined;
  readonly refusal: Refusal | undefined;
}

export function parseUri(uri: string): { bucket: string; key: string } {
  const [, bucket = '', key = ''] = /^s3:\/\/([^/]+)\/(.*)$/.exec(uri) ?? [];
  return { bucket, key };
}

/** Input objects by the request; undefined when what it names can't be read. */
export function inputObjects(
  request: CreateTransformJobCommandInput,
  objects: Objects,
): { bucket: string; key: string; text: string }[] | undefined {
  const source = request.TransformInput?.DataSource?.S3DataSource;
  const { bucket, key } = parseUri(source?.S3Uri ?? '');
  let found = objects.keys(bucket, key).map((each) => ({ bucket, key: each }));
  if (source?.S3DataType === 'ManifestFile') {
    const manifest = objects.read(bucket, key);
    if (manifest === undefined) return undefined;
    const [{ prefix }, ...names] = JSON.parse(manifest) as [{ prefix: string }, ...string[]];
    found = names.map((name) => parseUri(prefix + name));
  }
  const read = found.map((each) => ({ ...each, text: objects.read(each.bucket, each.key) }));
  if (read.length === 0 || read.some(({ text }) => text === undefined)) return undefined;
  return read as { bucket: string; key: string; text: string }[];
}

/**
 * Runs one object through the model, record by record. Every record of it counts as sent, as a request carries many.
 * @param onSent told of each record
 */
export function runObject(
  { bucket, key, text }: { bucket: string; key: string; text: string },
  request: CreateTransformJobCommandInput,
  model: Model,
  onSent: (record: string) => void,
): ObjectEnd {
  const csv = request.TransformInput?.ContentType === 'text/csv';
  const processing = request.DataProcessing ?? {};
  const lines: string[] = [];
  let refusal: Refusal | undefined;
  for (const line of recordsOf(text)) {
    const record = inputOf(line, csv, processing);
    onSent(record);
    const answer = model(record);
    if (typeof answer === 'string') lines.push(outputOf(line, answer, csv, processing));
    else refusal ??= answer;
  }
  return { bucket, key, output: refusal ? undefined : `${lines.join('\n')}\n`, refusal };
}

/** Lines of the data log for an object that failed, as SageMaker's documentation shows them. */
export function dataLogLines({ bucket, key, refusal }: ObjectEnd, at: Date): string[] {
  if (!refusal) return [];
  const { status, message } = refusal;
  const head =
    status === 0 ? 'ModelDisconnected' : `${status < 500 ? 'ClientError' : 'ServerError'}: ${status}`;
  const said = status === 0 ? [] : ['', 'Message:', ...message.split(/\r\n|[\n\r\u2028\u2029]/)];
  const time = at.toISOString().slice(0, 23);
  return [head, ...said].map((text) => `${time}:[sagemaker logs]: ${bucket}/${key}: ${text}`);
}
