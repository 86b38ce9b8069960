/** The zips that are deployed: the same on every build, within their budget, and they run. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inflateRawSync } from 'node:zlib';
import { CreateStreamCommand } from '@aws-sdk/client-kinesis';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { CreateQueueCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createClients } from '../../backend/aws/clients.ts';
import { formatWireLine } from '../../backend/core/chunk.ts';
import { apiEvent } from '../support/aws/lambda-events.ts';
import { describeMoto, motoConfig } from '../support/aws/moto.ts';
import { environment, QUEUES } from '../support/aws/services.ts';
import { createTable } from '../support/aws/tables.ts';

type Manifest = Record<string, { file: string; sha256: string; bytes: number }>;
const { buildHandlers, HANDLERS } = (await import(
  new URL('../../scripts/build-handlers.mjs', import.meta.url).href
)) as { buildHandlers(outdir: string): Promise<Manifest>; HANDLERS: string[] };

/** Bytes of a zip: cold starts grow with them. */
const BUDGET = 240 * 1024;

let folder: string;
let manifest: Manifest;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'batchml-handlers-'));
  manifest = await buildHandlers(join(folder, 'one'));
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const zipOf = (handler: string) => readFileSync(join(folder, 'one', manifest[handler]?.file ?? ''));

/** Files of a zip whose headers say how long they are. */
function unzip(zip: Buffer): Record<string, Buffer> {
  const files: Record<string, Buffer> = {};
  let at = 0;
  while (zip.toString('latin1', at, at + 4) === 'PK\x03\x04') {
    const [packed, named] = [zip.readUInt32LE(at + 18), zip.readUInt16LE(at + 26)];
    const data = at + 30 + named;
    files[zip.toString('utf8', at + 30, data)] = inflateRawSync(zip.subarray(data, data + packed));
    at = data + packed;
  }
  return files;
}

/** What a handler gives for an event, in a process of its own with this environment. */
function invoke(handler: string, event: object, env: Record<string, string>) {
  const path = join(folder, `${handler}.mjs`);
  writeFileSync(path, unzip(zipOf(handler))['index.mjs'] ?? '');
  const script = `const { handler } = await import(${JSON.stringify(path)});
    const context = { awsRequestId: 'r-1', functionName: 'f', getRemainingTimeInMillis: () => 30000 };
    try {
      process.stderr.write(JSON.stringify(await handler(${JSON.stringify(event)}, context) ?? null));
    } catch (error) {
      process.stderr.write(JSON.stringify({ thrown: error.message }));
    }`;
  const options = {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] ?? '', NODE_NO_WARNINGS: '1', ...env },
  } as const;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], options);
  return { answer: JSON.parse(stderr), log: stdout };
}

describe('the zips', () => {
  it('are the same bytes on every build, and named by them', async () => {
    expect(await buildHandlers(join(folder, 'two'))).toEqual(manifest);
    const files = readdirSync(join(folder, 'one'));
    expect(files).toHaveLength(HANDLERS.length + 1);
    for (const file of files)
      expect(readFileSync(join(folder, 'two', file)).equals(readFileSync(join(folder, 'one', file)))).toBe(
        true,
      );
    for (const handler of HANDLERS) {
      const sha256 = createHash('sha256').update(zipOf(handler)).digest('hex');
      expect(manifest[handler]).toEqual({
        file: `${handler}-${sha256.slice(0, 16)}.zip`,
        sha256,
        bytes: zipOf(handler).length,
      });
    }
    expect(JSON.parse(readFileSync(join(folder, 'one', 'manifest.json'), 'utf8'))).toEqual(manifest);
  }, 60_000);

  it('are within their budget', () => {
    for (const handler of HANDLERS) expect(zipOf(handler).length).toBeLessThan(BUDGET);
  });

  it('hold nothing of the machine that built them', () => {
    for (const handler of HANDLERS)
      for (const contents of Object.values(unzip(zipOf(handler))))
        expect(contents.toString('latin1')).not.toContain(process.cwd());
  });

  it.each(HANDLERS)('have a handler that says what its environment lacks: %s', (handler) => {
    const { answer } = invoke(handler, {}, {});
    expect(answer.thrown).toContain('BATCHML_TABLE must be set');
  });
});

describeMoto('the bundled functions on a moto server', (endpoint) => {
  let env: Record<string, string>;
  beforeAll(async () => {
    env = {
      ...environment(),
      AWS_ENDPOINT_URL: endpoint(),
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
    };
    const clients = createClients(motoConfig(endpoint()));
    await createTable(clients.dynamo, env['BATCHML_TABLE'] ?? '');
    await clients.s3.send(new CreateBucketCommand({ Bucket: env['BATCHML_BUCKET'] }));
    await clients.kinesis.send(new CreateStreamCommand({ StreamName: env['BATCHML_STREAM'], ShardCount: 1 }));
    for (const queue of QUEUES) {
      const { QueueUrl = '' } = await clients.sqs.send(new CreateQueueCommand({ QueueName: queue }));
      env[`BATCHML_${queue.toUpperCase()}_QUEUE`] = QueueUrl;
    }
  });

  it('accept, gather and reconcile', () => {
    const url = new URL('https://api.example/submissions/s/chunks/0');
    const body = Buffer.from(`${formatWireLine(1, undefined, '{"n":1}')}\n`);
    const accepted = invoke('api', apiEvent('POST', url, { 'x-api-key': 'k3y' }, body, Date.now()), env);
    expect(accepted.answer).toMatchObject({ statusCode: 200, body: '{"jobIds":["s.0.0"]}' });
    expect(accepted.log).toContain('"submission":"s"');
    expect(accepted.log).toContain('"JobsAccepted":1');
    expect(accepted.log).not.toContain('k3y');
    expect(accepted.log).not.toContain('"level":"WARN"');
    const gather = { Records: [{ messageId: 'm', body: '{"v":2,"kind":"gather"}' }] };
    const gathered = invoke('gather', gather, env);
    expect(gathered.answer).toEqual({ batchItemFailures: [] });
    expect(gathered.log).toContain('"gathered"');
    const reconciled = invoke('reconcile', {}, env);
    expect(reconciled.answer).toBeNull();
    expect(reconciled.log).toContain('"OldestWaitingJobSeconds"');
  }, 60_000);
});
