/** What the functions write to standard output, by a process of its own: Powertools has a console of its own. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { errorFacts } from '../../backend/handlers/log.ts';

const source = fileURLToPath(new URL('../../backend/handlers/powertools.ts', import.meta.url));

/** Lines, as JSON, that a script with `log` and `meter` writes. */
function linesOf(script: string): Record<string, unknown>[] {
  const { outputFiles } = buildSync({
    stdin: {
      contents: `import { powertoolsLog, powertoolsMeter } from ${JSON.stringify(source)};
        const log = powertoolsLog({ stack: 'mine', logLevel: 'INFO' });
        const meter = powertoolsMeter({ stack: 'mine' });
        ${script}`,
      resolveDir: fileURLToPath(new URL('.', import.meta.url)),
    },
    bundle: true,
    format: 'esm',
    platform: 'node',
    mainFields: ['module', 'main'],
    write: false,
    banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
  });
  const code = outputFiles[0]?.text ?? '';
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '-'], {
    input: code,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] },
  });
  expect([status, stderr]).toEqual([0, '']);
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

describe('the log', () => {
  it('is JSON with the request ID, the stack and the facts', () => {
    const [line] = linesOf(
      "log.begin({ awsRequestId: 'r-1', functionName: 'f' }); log.info('settled', { transform: 't', batch: 'b' });",
    );
    expect(line).toMatchObject({
      level: 'INFO',
      message: 'settled',
      stack: 'mine',
      transform: 't',
      batch: 'b',
      function_request_id: 'r-1',
    });
  });
});

describe('metrics', () => {
  it('have the dimension `stack` alone, and are added up', () => {
    const lines = linesOf(
      "meter.count('JobsAccepted', 2); meter.count('JobsAccepted', 3); meter.age(1.5); meter.publish(); meter.publish();",
    );
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({ stack: 'mine', JobsAccepted: 5, OldestWaitingJobSeconds: 1.5 });
    expect(lines[0]?.['_aws']).toMatchObject({
      CloudWatchMetrics: [
        {
          Namespace: 'batchml',
          Dimensions: [['stack']],
          Metrics: [
            { Name: 'JobsAccepted', Unit: 'Count' },
            { Name: 'OldestWaitingJobSeconds', Unit: 'Seconds' },
          ],
        },
      ],
    });
    expect(lines[0]).not.toHaveProperty('service');
  });

  it('that were not measured are not written', () => {
    expect(linesOf("meter.count('JobsFailed', 0); meter.publish();")).toEqual([]);
  });
});

describe('an error', () => {
  it('is told by its name, its message and the request at AWS', () => {
    const error = Object.assign(new Error('x'.repeat(600)), {
      name: 'ThrottlingException',
      $metadata: { requestId: 'aws-1' },
    });
    expect(errorFacts(error)).toEqual({
      error: 'ThrottlingException',
      reason: 'x'.repeat(500),
      awsRequestId: 'aws-1',
    });
    expect(errorFacts('thrown')).toEqual({ error: 'Error', reason: 'thrown' });
  });

  it('of a parser keeps what it quotes to itself', () => {
    try {
      JSON.parse('{"secret":geheim}');
    } catch (error) {
      expect(errorFacts(error)).toEqual({ error: 'SyntaxError' });
    }
  });
});
