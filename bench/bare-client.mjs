// The bare rival: reads the file and sends the same mini-batches to the same server, and does nothing else with them.
// usage: node bare-client.mjs FILE URL JOBS_A_REQUEST REQUESTS_AT_A_TIME
import { createReadStream } from 'node:fs';
import { Pool } from 'undici';

const [file, url, size, atATime] = process.argv.slice(2);
const pool = new Pool(url, { connections: Number(atATime) });
const open = new Set();

async function send(body) {
  const { body: answer } = await pool.request({
    method: 'POST',
    path: '/invocations',
    headers: { 'content-type': 'application/jsonlines', accept: 'application/jsonlines' },
    body,
  });
  await answer.text();
}

let lines = [];
let rest = '';
async function flush() {
  const sending = send(`${lines.join('\n')}\n`);
  lines = [];
  const done = sending.finally(() => open.delete(done));
  open.add(done);
  if (open.size >= Number(atATime)) await Promise.race(open);
}
for await (const block of createReadStream(file, { encoding: 'utf8', highWaterMark: 1 << 18 })) {
  const parts = (rest + block).split('\n');
  rest = parts.pop();
  for (const line of parts) {
    lines.push(line);
    if (lines.length === Number(size)) await flush();
  }
}
if (lines.length > 0) await flush();
await Promise.all(open);
await pool.close();
