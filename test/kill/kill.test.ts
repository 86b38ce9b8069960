/**
 * `kill -9` of a run of 2,000 jobs, again and again, then the same command: every job has exactly one result, in
 * order, and the counts are right. Counted are kills inside accept, gather, transform and filing, and kills at random
 * moments while some but not all jobs are final.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { numbered, openPipeline, temporaryFolder } from '../support/local-pipeline.ts';
import { type ModelServer, startModel } from '../support/model-server.ts';

const JOBS = 2000;
/** More of them, to search longer: BATCHML_KILLS=14 makes thirty in all. */
const RANDOM_KILLS = Number(process.env['BATCHML_KILLS'] ?? 4);
const MOST_TRIES = 60;

const program = fileURLToPath(new URL('../../node_modules/.cache/batchml/killable-run.mjs', import.meta.url));
const folder = temporaryFolder();
const input = join(folder.path, 'input.jsonl');
let model: ModelServer;
let onRequest: (() => void) | undefined;

beforeAll(async () => {
  writeFileSync(input, `${numbered(JOBS).join('\n')}\n`);
  await build({
    entryPoints: [fileURLToPath(new URL('killable-run.ts', import.meta.url))],
    outfile: program,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    alias: {
      '@batchml/backend/wire': fileURLToPath(new URL('../../backend/api/wire.ts', import.meta.url)),
      '@batchml/backend/words': fileURLToPath(new URL('../../backend/api/words.ts', import.meta.url)),
      '@batchml/backend/local': fileURLToPath(new URL('../../backend/local/index.ts', import.meta.url)),
    },
  });
  model = await startModel({
    gate: async () => {
      onRequest?.();
    },
  });
});
afterAll(async () => {
  await model.close();
  folder.remove();
});

interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

function start(dataDir: string, killAt?: string): { child: ChildProcess; ended: Promise<Ended> } {
  const settings = [
    '--batch-size',
    '100',
    '--content-type',
    'application/jsonlines',
    '--batch-strategy',
    'MultiRecord',
  ];
  const child = spawn(
    process.execPath,
    [
      program,
      'run',
      input,
      '--model',
      model.url,
      '--data-dir',
      dataDir,
      '--submission-id',
      'killed',
      ...settings,
    ],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...(killAt === undefined ? {} : { KILL_AT: killAt }) },
    },
  );
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<Ended>((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  return { child, ended };
}

/** How many jobs are final in a folder that no process uses. */
async function finalJobs(dataDir: string): Promise<number> {
  const pipeline = await openPipeline({ model: model.url, dataDir });
  try {
    const answer = await pipeline.call('GET', '/submissions/killed');
    if (answer.status === 404) return 0;
    const { Processed, Failed, Cancelled } = (await pipeline.submission('killed')).counts;
    return Processed + Failed + Cancelled;
  } finally {
    await pipeline.close();
  }
}

async function expectWhole(dataDir: string): Promise<void> {
  const { code, stdout, stderr } = await start(dataDir).ended;
  expect(code, stderr).toBe(0);
  const lines = stdout.trimEnd().split('\n');
  expect(lines.length).toBe(JOBS);
  for (const [n, text] of lines.entries()) {
    const { line, jobId, status, result } = JSON.parse(text);
    expect([line, jobId, status, result]).toEqual([
      n + 1,
      `killed.${Math.floor(n / 500)}.${n % 500}`,
      'Processed',
      { echo: { n } },
    ]);
  }
  const pipeline = await openPipeline({ model: model.url, dataDir });
  const { state, total, counts } = await pipeline.submission('killed');
  await pipeline.close();
  expect({ state, total, counts }).toEqual({
    state: 'Finished',
    total: JOBS,
    counts: { Queued: 0, Processing: 0, Processed: JOBS, Failed: 0, Cancelled: 0 },
  });
}

describe('kill -9, then the same command', () => {
  test.each([
    ['accept', 'ledger.acceptChunk:2:before'],
    ['accept', 'ledger.acceptChunk:3:after'],
    ['accept', 'ledger.closeSubmission:1:before'],
    ['accept', 'ledger.closeSubmission:1:after'],
    ['gather', 'ledger.formBatches:2:after'],
    ['gather', 'objects.writeBatches:1:before'],
    ['gather', 'objects.writeBatches:2:after'],
    ['gather', 'ledger.markWaiting:2:after'],
    ['transform', 'ledger.claimTransformJob:1:after'],
    ['transform', 'transforms.create:1:after'],
    ['transform', 'ledger.markCreated:1:after'],
    ['transform', 'ledger.endTransformJob:1:before'],
    ['filing', 'transforms.readOutput:3:after'],
    ['filing', 'ledger.fileResults:1:before'],
    ['filing', 'ledger.fileResults:2:after'],
    ['filing', 'ledger.endTransformJob:1:after'],
  ])('inside %s: %s', async (_phase, killAt) => {
    const { path, remove } = temporaryFolder();
    const { signal, stderr } = await start(path, killAt).ended;
    expect(signal, stderr).toBe('SIGKILL');
    await expectWhole(path);
    remove();
  });

  test(`at ${RANDOM_KILLS} random moments while some but not all jobs are final`, {
    timeout: 60_000 + 15_000 * RANDOM_KILLS,
  }, async () => {
    let counted = 0;
    for (let tries = 0; counted < RANDOM_KILLS; tries++) {
      if (tries === MOST_TRIES)
        throw new Error(`only ${counted} of ${tries} kills came while some jobs were final`);
      const { path, remove } = temporaryFolder();
      const { child, ended } = start(path);
      // At a random one of the twenty requests, or of the turns of the event loop after it.
      let left = 2 + Math.floor(Math.random() * 18);
      onRequest = () => {
        if (--left === 0) afterTurns(Math.floor(Math.random() * 200), () => child.kill('SIGKILL'));
      };
      await ended;
      onRequest = undefined;
      const final = await finalJobs(path);
      if (final > 0 && final < JOBS) {
        counted++;
        await expectWhole(path);
      }
      remove();
    }
    expect(counted).toBe(RANDOM_KILLS);
  });
});

function afterTurns(turns: number, act: () => void): void {
  if (turns === 0) act();
  else setImmediate(() => afterTurns(turns - 1, act));
}
