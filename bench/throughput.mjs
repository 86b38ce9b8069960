// How many jobs a second, and in how much memory, `batchml run` takes a file through a trivial model: as shipped, with
// its defaults and its durability. Beside it, in the same run and in turn: a bare client that sends the same
// mini-batches to the same server, and SQLite's own bulk insert. Prints JSON.
// usage: node bench/throughput.mjs [--runs 5] [--jobs 10000,100000]
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const { values } = parseArgs({
  options: { runs: { type: 'string', default: '5' }, jobs: { type: 'string', default: '10000,100000' } },
});
const runs = Number(values.runs);
const sizes = values.jobs.split(',').map(Number);
const BATCH = 5000;
const AT_A_TIME = 4;

const folder = mkdtempSync(join(tmpdir(), 'batchml-bench-'));
const server = spawn(process.execPath, [here('model-server.mjs')], { stdio: ['ignore', 'pipe', 'inherit'] });
try {
  const port = await new Promise((resolve) => server.stdout.once('data', (text) => resolve(Number(text))));
  const url = `http://127.0.0.1:${port}`;
  const results = [];
  for (const jobs of sizes) results.push(await measure(jobs, url));
  const machine = {
    node: process.version,
    cores: availableParallelism(),
    cpu: cpus()[0]?.model,
    memoryGB: Math.round(totalmem() / 1e9),
  };
  process.stdout.write(
    `${JSON.stringify({ what: 'jobs a second, end to end', runs, machine, results }, null, 2)}\n`,
  );
} finally {
  server.kill();
  rmSync(folder, { recursive: true, force: true });
}

async function measure(jobs, url) {
  const file = join(folder, `${jobs}.jsonl`);
  writeRecords(file, jobs);
  const contenders = {
    batchml: (turn) => {
      const output = join(folder, `out-${turn}.jsonl`);
      const data = join(folder, `data-${turn}`);
      return {
        args: [
          here('../cli/bin/batchml.js'),
          'run',
          file,
          '--model',
          url,
          '--data-dir',
          data,
          '--output',
          output,
          '--quiet',
        ],
        check: output,
      };
    },
    bareClient: () => ({ args: [here('bare-client.mjs'), file, url, String(BATCH), String(AT_A_TIME)] }),
    sqliteInsert: (turn) => ({
      args: [here('sqlite-insert.mjs'), file, join(folder, `rows-${turn}.db`), String(BATCH)],
    }),
  };
  const seen = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]));
  // One turn first that doesn't count, then all in turn: a machine that slows down slows down all of them.
  for (let turn = 0; turn <= runs; turn++)
    for (const [name, contender] of Object.entries(contenders)) {
      const { args, check } = contender(`${jobs}-${turn}`);
      const took = await time(args);
      if (check && lines(check) !== jobs) throw new Error(`${check} has ${lines(check)} lines, not ${jobs}`);
      if (turn > 0) seen[name].push(took);
    }
  const rates = Object.fromEntries(
    Object.entries(seen).map(([name, list]) => [
      name,
      {
        jobsPerSecond: Math.round(jobs / median(list.map((took) => took.seconds))),
        seconds: spread(list.map((took) => took.seconds)),
        peakMemoryMB: Math.round(median(list.map((took) => took.memoryKB)) / 1024),
      },
    ]),
  );
  return {
    jobs,
    bytesPerRecord: Math.round(statSync(file).size / jobs),
    ...rates,
    ratio: {
      toBareClient: ratio(seen.batchml, seen.bareClient),
      toSqliteInsert: ratio(seen.batchml, seen.sqliteInsert),
    },
  };
}

/** Runs a program of Node's; its wall time, start-up included, and its peak memory. */
function time(args) {
  const memory = join(folder, 'memory');
  const start = performance.now();
  const child = spawn(process.execPath, ['--import', here('report-memory.mjs'), ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, BENCH_MEMORY: memory },
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => {
      const seconds = (performance.now() - start) / 1000;
      if (code === 0) resolve({ seconds, memoryKB: Number(readFileSync(memory, 'utf8')) });
      else reject(new Error(`${args.join(' ')} exited with ${code}`));
    });
  });
}

function writeRecords(file, jobs) {
  const text =
    'It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness, ';
  const lines = Array.from({ length: jobs }, (_, i) =>
    JSON.stringify({
      id: `record-${i}`,
      text: `${text}${text}`.slice(0, 200 + (i % 60)),
      length: i % 97,
      source: 'bench',
    }),
  );
  writeFileSync(file, `${lines.join('\n')}\n`);
}

function lines(file) {
  return readFileSync(file, 'utf8').trimEnd().split('\n').length;
}

function median(list) {
  const sorted = [...list].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

function spread(list) {
  const round = (value) => Number(value.toFixed(3));
  return { min: round(Math.min(...list)), median: round(median(list)), max: round(Math.max(...list)) };
}

/** Median of the ratios turn by turn: times that long. */
function ratio(ours, theirs) {
  return Number(median(ours.map((took, turn) => took.seconds / theirs[turn].seconds)).toFixed(2));
}
