import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { DEFAULT_SETTINGS } from '../../backend/core/settings.ts';
import { createLedger } from '../../backend/ledger/index.ts';
import { localLimits } from '../../backend/local/limits.ts';
import { openSql } from '../../backend/local/sqlite/open.ts';
import { prepareTables } from '../../backend/local/sqlite/schema.ts';
import type { Sql } from '../../backend/local/sqlite/sql.ts';
import { sqliteStore } from '../../backend/local/sqlite-store.ts';
import { numbered, openPipeline, temporaryFolder } from '../support/local-pipeline.ts';

const folders: { remove: () => void }[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) folder.remove();
});

function folder(): string {
  const made = temporaryFolder();
  folders.push(made);
  return made.path;
}

const model = 'http://127.0.0.1:9';
/** A model of its own that gives back each record. */
const echo = `command:exec '${process.execPath}' -e "require('http').createServer((q, r) => { const b = []; q.on('data', (d) => b.push(d)).on('end', () => r.end(Buffer.concat(b))); }).listen(process.env.PORT, '127.0.0.1')"`;

describe('the data folder', () => {
  test('is used by one process at a time; the other is told which one', async () => {
    const dataDir = folder();
    const first = await openPipeline({ model, dataDir, command: 'batchml local' });
    await expect(openPipeline({ model, dataDir })).rejects.toMatchObject({
      code: 'DATA_DIR_IN_USE',
      message: expect.stringContaining(`process ${process.pid} (batchml local)`),
    });
    await first.close();
    const second = await openPipeline({ model, dataDir });
    await second.close();
    expect(existsSync(join(dataDir, 'lock'))).toBe(false);
  });

  test.each([
    ['a process that is gone', { pid: 2 ** 22 + 1, command: 'batchml run' }],
    ['an earlier process of a number in use', { pid: process.pid, command: 'batchml run', started: '1' }],
    ['no one (it is torn)', undefined],
  ])('is taken over from %s', async (_name, holder) => {
    const dataDir = folder();
    writeFileSync(join(dataDir, 'lock'), holder ? JSON.stringify(holder) : '{"pid"');
    const pipeline = await openPipeline({ model, dataDir });
    await pipeline.close();
  });

  test.runIf(existsSync('/proc/self/stat'))(
    'is taken over from a zombie: it has died, its parent has not heard',
    async () => {
      // The parent starts a child, and then becomes a program that never asks after it.
      const parent = spawn('sh', ['-c', 'sleep 60 & echo $!; exec sleep 60'], {
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      try {
        const pid = Number(String(await once(parent.stdout, 'data')));
        const started = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[19];
        const dataDir = folder();
        writeFileSync(join(dataDir, 'lock'), JSON.stringify({ pid, command: 'batchml local', started }));
        await expect(openPipeline({ model, dataDir })).rejects.toMatchObject({ code: 'DATA_DIR_IN_USE' });
        process.kill(pid, 'SIGKILL');
        while (!readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ')) await new Promise(setImmediate);
        const pipeline = await openPipeline({ model, dataDir });
        await pipeline.close();
      } finally {
        parent.kill('SIGKILL');
      }
    },
  );

  test.each([
    ['is made', undefined],
    ['was there, open to all', 0o777],
  ])('holds nothing that others may read or enter, whatever the umask: it %s', async (_name, mode) => {
    const dataDir = join(folder(), 'data');
    const umask = process.umask(0);
    try {
      if (mode !== undefined)
        for (const [made, file] of [
          ['.', 'batchml.db'],
          ['data', 'b-1.jsonl'],
          ['logs', 'model.log'],
          ['result/old', 'status.json'],
        ] as const) {
          mkdirSync(join(dataDir, made), { recursive: true, mode });
          writeFileSync(join(dataDir, made, file), '', { mode: 0o666 });
        }
      const pipeline = await openPipeline({ model: echo, dataDir });
      await pipeline.start();
      await pipeline.submit('s', numbered(20));
      await pipeline.finished('s');
      const open = readdirSync(dataDir, { recursive: true, encoding: 'utf8' })
        .map((path) => [path, statSync(join(dataDir, path)).mode & 0o077] as const)
        .filter(([, others]) => others !== 0);
      expect(open).toEqual([]);
      // The user's own folder keeps its rights: there may be other things in it.
      expect(statSync(dataDir).mode & 0o777).toBe(mode ?? 0o700);
      await pipeline.close();
    } finally {
      process.umask(umask);
    }
  });

  test('written by a newer version is refused, not harmed', async () => {
    const dataDir = folder();
    const sql = await openSql(join(dataDir, 'batchml.db'));
    prepareTables(sql);
    sql.exec('PRAGMA user_version = 99');
    sql.close();
    await expect(openPipeline({ model, dataDir })).rejects.toThrow(/newer batchml/);
  });

  test('keeps what was accepted over a restart', async () => {
    const dataDir = folder();
    const first = await openPipeline({ model, dataDir });
    await first.submit('s', numbered(700));
    await first.close();
    const second = await openPipeline({ model, dataDir });
    expect(await second.submission('s')).toMatchObject({ total: 700, state: 'Running' });
    await second.close();
  });
});

describe('a full disk', () => {
  test('acknowledges nothing that it did not store, and goes on when there is room', async () => {
    const path = join(folder(), 'batchml.db');
    const sql = await openSql(path);
    prepareTables(sql);
    const ledger = ledgerOver(sql);
    const pin = { model, settings: DEFAULT_SETTINGS };
    const draft = { id: 's', kind: 'batch', pin, content: undefined, name: undefined, createdAt: 1 } as const;
    const accept = (n: number) =>
      ledger.acceptChunk(
        {
          submission: 's',
          n,
          sha256: `${n}`,
          directory: { lines: [[n * 10 + 1, 10]] },
          lines: `${'x'.repeat(20_000)}\n`,
          jobs: 10,
          acceptedAt: 1,
        },
        draft,
      );
    sql.exec('PRAGMA max_page_count = 130');
    // Sent together, as by many clients: they share a commit, which stores all of them or none.
    const outcomes = await Promise.allSettled(Array.from({ length: 60 }, (_, n) => accept(n)));
    const more = await Promise.allSettled(Array.from({ length: 60 }, (_, n) => accept(n + 60)));
    const acknowledged = [...outcomes, ...more].flatMap((outcome, n) =>
      outcome.status === 'fulfilled' ? [n] : [],
    );
    expect(acknowledged).toEqual(Array.from({ length: 60 }, (_, n) => n));
    sql.exec('PRAGMA max_page_count = 1000000');
    expect(await accept(500)).toBe('accepted');
    sql.close();

    const again = await openSql(path);
    const reopened = ledgerOver(again);
    const chunks = await reopened.chunks('s', 0, 1000);
    expect(chunks.map((chunk) => chunk.n)).toEqual([...acknowledged, 500]);
    expect((await reopened.submission('s'))?.counters.total).toBe(chunks.length * 10);
    again.close();
  });
});

const ledgerOver = (sql: Sql) => createLedger({ ...localLimits({ now: () => 1 }), store: sqliteStore(sql) });

describe('a poll', () => {
  test('costs the same for ten jobs and for ten thousand', async () => {
    const sql = await openSql(join(folder(), 'batchml.db'));
    prepareTables(sql);
    let steps = 0;
    const counted = <T>(answer: T): T => {
      steps += 1 + (Array.isArray(answer) ? answer.length : 0);
      return answer;
    };
    const counting: Sql = {
      ...sql,
      get: (text, params) => counted(sql.get(text, params)),
      all: (text, params) => counted(sql.all(text, params)),
    };
    const ledger = ledgerOver(counting);
    const pin = { model, settings: DEFAULT_SETTINGS };
    const costs: number[] = [];
    for (const chunks of [16, 160]) {
      const id = `s${chunks}`;
      const draft = { id, kind: 'batch', pin, content: undefined, name: undefined, createdAt: 1 } as const;
      for (let n = 0; n < chunks; n++)
        await ledger.acceptChunk(
          {
            submission: id,
            n,
            sha256: 'a',
            directory: { lines: [[n + 1, 1]] },
            lines: '',
            jobs: 100,
            acceptedAt: 1,
          },
          draft,
        );
      // The pin is read once.
      await ledger.submission(id);
      steps = 0;
      await ledger.submission(id);
      costs.push(steps);
    }
    expect(costs[1]).toBe(costs[0]);
    sql.close();
  });
});
