import { afterEach, describe, expect, it } from 'vitest';
import { MemoryPipeline } from '../support/memory-pipeline.ts';

let pipeline: MemoryPipeline;
afterEach(() => pipeline.close());

/** Answers in the texts that parsing would change. */
const RESULTS = ['9007199254740993', '1.0', '{"b":1e400,"a":[-0, 0.10]}', '"\\u00e9"'];
const model = (record: string) => RESULTS[Number(record)] as string;

describe('results of an output', () => {
  it.each<[string, (text: string) => string]>([
    ['with CRLF line ends', (text) => text.replaceAll('\n', '\r\n')],
    ['with blank last lines', (text) => `${text}\n \r\n`],
    ['without a line end', (text) => text.trimEnd()],
    ['with its keys sorted', (text) => text.replace(/^\{("id":"[^"]+"),(.*)\}$/gm, '{$2,$1}')],
    [
      'with spaces',
      (text) => text.replace(/^\{"id":("[^"]+"),"SageMakerOutput":/gm, '{ "id": $1, "SageMakerOutput": '),
    ],
    ['with carriage returns in white space', (text) => text.replaceAll('Output":', 'Output":\r')],
  ])('%s are filed as their own text', async (_, spelling) => {
    pipeline = await MemoryPipeline.open(model);
    pipeline.transforms.trouble.spoil = spelling;
    await pipeline.submit(
      's',
      RESULTS.map((_, i) => `${i}`),
    );
    await pipeline.settle();
    expect((await pipeline.jobs('s')).map(({ result }) => result)).toEqual(RESULTS);
  });
});
