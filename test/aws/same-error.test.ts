/** The same bad records, on this machine and in the cloud: each ends with the same error. */
import { expect, it, onTestFinished } from 'vitest';
import { Cloud } from '../support/aws/cloud.ts';
import { openPipeline } from '../support/local-pipeline.ts';
import { numberOf, records } from '../support/memory-pipeline.ts';
import { startModel } from '../support/model-server.ts';

const REFUSALS = new Map([
  [17, { status: 400, message: 'record 17 is poison: "text" is missing' }],
  [41, { status: 500, message: 'Traceback:\n  KeyError: é日😀' }],
]);
const COUNT = 60;

interface Line {
  readonly line: number;
  readonly status: string;
  readonly error?: { readonly code: string; readonly message: string };
}
const failed = (lines: readonly Line[]) =>
  lines.flatMap(({ line, status, error }) => (status === 'Failed' ? [{ line, error }] : []));

async function onThisMachine(): Promise<Line[]> {
  const model = await startModel({
    wrong: (sent) => {
      const refusal = sent.map((record) => REFUSALS.get(numberOf(record))).find((found) => found);
      return refusal && { status: refusal.status, body: refusal.message };
    },
  });
  onTestFinished(() => model.close());
  const settings = { contentType: 'application/jsonlines', batchStrategy: 'MultiRecord' } as const;
  const pipeline = await openPipeline({ model: model.url, settings });
  onTestFinished(() => pipeline.close());
  await pipeline.start();
  await pipeline.submit('s', records(COUNT));
  await pipeline.finished('s');
  return (await pipeline.results('s')) as Line[];
}

async function inTheCloud(): Promise<Line[]> {
  const cloud = await Cloud.open((record) => REFUSALS.get(numberOf(record)) ?? '{"ok":true}');
  await cloud.submit('s', records(COUNT));
  await cloud.finish(['s']);
  const { jobs } = await cloud.call<{ jobs: Line[] }>('GET', '/submissions/s/jobs');
  return jobs;
}

it('give the same errors', async () => {
  const [local, cloud] = [failed(await onThisMachine()), failed(await inTheCloud())];
  expect(cloud).toEqual(local);
  expect(cloud).toEqual([
    { line: 18, error: { code: 'model_error', message: REFUSALS.get(17)?.message } },
    { line: 42, error: { code: 'model_error', message: REFUSALS.get(41)?.message } },
  ]);
});
