// How long commands take from start to end, as shipped: beside a bare `node -e 0`, in the same run and in turn. `status` asks
// a local fake of the API, `deploy` a local fake of AWS (test/support/fake-aws) that holds the stack as it would be deployed,
// so that nothing changes. Prints JSON.
// usage: node bench/startup.mjs [--runs 21]
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { availableParallelism, cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const { values } = parseArgs({ options: { runs: { type: 'string', default: '21' } } });
const runs = Number(values.runs);
const CLI = here('../cli/bin/batchml.js');
const ID = 's-20260801120000-3f9a2c';

const folder = mkdtempSync(join(tmpdir(), 'batchml-bench-'));
const home = join(folder, 'home');
mkdirSync(home);
const api = await serveApi();
const aws = await startAws();
try {
  const env = {
    PATH: process.env.PATH,
    HOME: home,
    BATCHML_HOME: join(home, 'batchml'),
    AWS_ENDPOINT_URL: aws.endpoint,
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'bench',
    AWS_SECRET_ACCESS_KEY: 'bench',
    AWS_EC2_METADATA_DISABLED: 'true',
  };
  const there = { ...env, BATCHML_ENDPOINT: api.url, BATCHML_API_KEY: 'bench' };
  await time([CLI, 'deploy', '--model', 'my-model'], env);
  const contenders = {
    node: { args: ['-e', '0'], env },
    version: { args: [CLI, '--version'], env },
    status: { args: [CLI, 'status', ID], env: there },
    deployDryRun: { args: [CLI, 'deploy', '--dry-run', '--exit-code'], env },
    deployNoChange: { args: [CLI, 'deploy'], env },
  };
  const seen = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]));
  // One turn first that doesn't count, then all in turn: a machine that slows down slows down all of them.
  for (let turn = 0; turn <= runs; turn++)
    for (const [name, { args, env: its }] of Object.entries(contenders)) {
      const took = await time(args, its);
      if (turn > 0) seen[name].push(took);
    }
  const results = Object.fromEntries(
    Object.entries(seen).map(([name, list]) => [
      name,
      {
        milliseconds: spread(list),
        // Median of the differences turn by turn.
        moreThanNode: Number(median(list.map((ms, turn) => ms - seen.node[turn])).toFixed(1)),
      },
    ]),
  );
  const machine = {
    node: process.version,
    cores: availableParallelism(),
    cpu: cpus()[0]?.model,
    memoryGB: Math.round(totalmem() / 1e9),
  };
  process.stdout.write(
    `${JSON.stringify({ what: 'milliseconds from start to end', runs, machine, results }, null, 2)}\n`,
  );
} finally {
  api.close();
  await aws.stop();
  rmSync(folder, { recursive: true, force: true });
}

/** Runs a program of Node's; its wall time in ms. */
function time(args, env) {
  const start = performance.now();
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'], env });
  let said = '';
  child.stderr.on('data', (text) => {
    said += text;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      const ms = performance.now() - start;
      if (code === 0) resolve(ms);
      else reject(new Error(`${args.join(' ')} exited with ${code}:\n${said}`));
    });
  });
}

/** The API as far as `status` asks it. */
async function serveApi() {
  const counts = { Queued: 0, Processing: 0, Processed: 1000, Failed: 0, Cancelled: 0 };
  const answer = JSON.stringify({
    submissionId: ID,
    createdTime: '2026-08-01T12:00:00.000Z',
    state: 'Finished',
    total: 1000,
    counts,
    generation: 0,
    model: 'my-model',
    settings: {},
  });
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(answer);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}

/** The fake of AWS that the tests have. */
async function startAws() {
  const outfile = join(folder, 'fake-aws.mjs');
  await build({
    entryPoints: [here('../test/support/fake-aws/index.ts')],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'warning',
  });
  const { FakeAws } = await import(pathToFileURL(outfile).href);
  const aws = await FakeAws.start();
  aws.sageMaker.models.set('my-model', 'arn:aws:iam::123456789012:role/model-role');
  aws.iam.roles.set('model-role', 'sagemaker.amazonaws.com');
  return aws;
}

function median(list) {
  const sorted = [...list].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

function spread(list) {
  const round = (value) => Number(value.toFixed(1));
  return { min: round(Math.min(...list)), median: round(median(list)), max: round(Math.max(...list)) };
}
