// How many `POST /job` a second the api function takes over a moto server (Python), and with how many requests each: without
// a stream and with one. Beside it, in the same run and in turn, what the AWS sample's function does for the same: a PutItem
// and a PutRecord, with clients made for each request as it does, and with clients kept. Prints JSON; where moto is not
// installed it says so.
// usage: node bench/single-jobs.mjs [--runs 5] [--jobs 300] [--at-once 1,8]
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    jobs: { type: 'string', default: '300' },
    'at-once': { type: 'string', default: '1,8' },
  },
});
const [runs, jobs] = [Number(values.runs), Number(values.jobs)];

const folder = mkdtempSync(join(tmpdir(), 'batchml-bench-'));
let moto;
try {
  const parts = join(folder, 'parts.mjs');
  await bundle(parts);
  const { motoAvailable, startMoto } = await import(pathToFileURL(parts).href);
  if (motoAvailable()) {
    moto = await startMoto();
    await report(parts);
  } else
    process.stderr.write(
      'skipped: moto is not installed. Install it with: python3 -m pip install "moto[server]"\n',
    );
} finally {
  await moto?.stop();
  rmSync(folder, { recursive: true, force: true });
}

/** The api function's parts, which Node 20 can't load as they are. */
async function bundle(outfile) {
  const exported = [
    `export { createClients } from './backend/aws/clients.ts';`,
    `export { readConfig } from './backend/aws/config.ts';`,
    `export { create } from './backend/handlers/api.ts';`,
    `export { createRuntime } from './backend/handlers/runtime.ts';`,
    `export { apiEvent } from './test/support/aws/lambda-events.ts';`,
    `export { motoAvailable, startMoto } from './test/support/aws/moto-server.ts';`,
    `export { createTable } from './test/support/aws/tables.ts';`,
    `export { CreateTableCommand, DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';`,
    `export { CreateStreamCommand, DescribeStreamSummaryCommand, KinesisClient, PutRecordCommand } from '@aws-sdk/client-kinesis';`,
    `export { CreateQueueCommand, PurgeQueueCommand } from '@aws-sdk/client-sqs';`,
    `export { NodeHttpHandler } from '@smithy/node-http-handler';`,
  ];
  await build({
    stdin: { contents: exported.join('\n'), resolveDir: here('..'), loader: 'ts' },
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    banner: {
      js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
    },
    logLevel: 'warning',
  });
}

/** All turns are another process's: the function logs to its standard output. */
async function report(parts) {
  const results = [];
  for (const atOnce of values['at-once'].split(',').map(Number)) {
    const turns = await turnsOf({ parts, endpoint: moto.endpoint, runs, jobs, atOnce });
    results.push({ atOnce, ...ratesOf(turns) });
  }
  const machine = {
    node: process.version,
    cores: availableParallelism(),
    cpu: cpus()[0]?.model,
    memoryGB: Math.round(totalmem() / 1e9),
  };
  process.stdout.write(
    `${JSON.stringify({ what: 'POST /job a second over a moto server', runs, jobs, machine, results }, null, 2)}\n`,
  );
}

function turnsOf(options) {
  const child = fork(here('single-jobs-turns.mjs'), [JSON.stringify(options)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  return new Promise((resolve, reject) => {
    child.once('message', resolve);
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the turns ended with ${code}`)));
  });
}

function ratesOf(turns) {
  const rates = Object.fromEntries(
    Object.entries(turns).map(([name, list]) => [
      name,
      {
        jobsPerSecond: round(jobs / median(list.map(({ seconds }) => seconds))),
        seconds: spread(list.map(({ seconds }) => seconds)),
        cpuMsPerJob: round((median(list.map(({ cpuSeconds }) => cpuSeconds)) * 1000) / jobs),
        requestsPerJob: perJob(list),
      },
    ]),
  );
  /** Median of the ratios turn by turn: so many times as fast. */
  const faster = (ours, theirs) =>
    round(median(turns[ours].map(({ seconds }, turn) => turns[theirs][turn].seconds / seconds)));
  const times = Object.fromEntries(
    ['batchml', 'batchmlWithStream'].map((ours) => [
      ours,
      { sample: faster(ours, 'sample'), sampleKeepingClients: faster(ours, 'sampleKeepingClients') },
    ]),
  );
  return { ...rates, timesAsFastAs: times };
}

/** Requests by service and operation, repeats of the SDK's among them. */
function perJob(list) {
  const sums = {};
  for (const { requests } of list)
    for (const [name, n] of Object.entries(requests)) sums[name] = (sums[name] ?? 0) + n;
  return Object.fromEntries(Object.entries(sums).map(([name, n]) => [name, round(n / list.length / jobs)]));
}

function median(list) {
  const sorted = [...list].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

function spread(list) {
  const [min, middle, max] = [Math.min(...list), median(list), Math.max(...list)].map(round);
  return { min, median: middle, max };
}

function round(value) {
  return Number(value.toFixed(2));
}
