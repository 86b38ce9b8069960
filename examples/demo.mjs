// What `npm run demo` runs: scores examples/sentiment/data.jsonl on this machine with the model server in
// examples/sentiment/server.mjs. No AWS account. Further arguments go to `batchml run` as they are.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

const command = ['run', 'examples/sentiment/data.jsonl', '--id-field', 'id'];
const model = ['--model-command', 'node examples/sentiment/server.mjs'];
const child = spawn(
  process.execPath,
  ['cli/bin/batchml.js', ...command, ...model, ...process.argv.slice(2)],
  {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    stdio: 'inherit',
  },
);

// A terminal sends Ctrl-C to the child too: passing it on would interrupt the child twice.
const inTerminal = process.stdin.isTTY || process.stderr.isTTY;
process.on('SIGINT', () => inTerminal || child.kill('SIGINT'));
process.on('SIGTERM', () => child.kill('SIGTERM'));

child.on('exit', (code, signal) => {
  process.exitCode = code ?? 128 + constants.signals[signal];
});
