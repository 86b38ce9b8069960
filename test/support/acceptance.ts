/**
 * What a deployed pipeline must do, by its HTTP API alone: the same scenarios over the harness that plays AWS and over a
 * real stack.
 */
import { expect, it } from 'vitest';
import { formatWireLine } from '../../backend/core/chunk.ts';

export interface Target {
  /** Headers as given, with the key where there are none. */
  fetch(
    method: string,
    path: string,
    init?: { body?: Buffer | string; headers?: Record<string, string> },
  ): Promise<Response>;
  /** Lets the pipeline work for a while. */
  wait(): Promise<void>;
  /** A record (JSON text) that the model takes. */
  record(n: number): string;
  /** One that it refuses, if that is known. */
  readonly badRecord?: string | undefined;
  /** A new submission ID. */
  id(name: string): string;
}

/** Waits of one scenario: on a real account a transform job takes minutes to start. */
const WAITS = 240;

interface Line {
  readonly line: number;
  readonly jobId: string;
  readonly status: string;
  readonly result?: unknown;
  readonly error?: { readonly code: string; readonly message: string };
}

export function acceptance(target: () => Target): void {
  const ask = async (
    method: string,
    path: string,
    body?: Buffer | string,
    headers?: Record<string, string>,
  ) => {
    const answer = await target().fetch(method, path, {
      ...(body === undefined ? {} : { body }),
      ...(headers === undefined ? {} : { headers }),
    });
    return { status: answer.status, json: (await answer.json()) as Record<string, unknown> };
  };
  const send = (id: string, n: number, records: readonly string[], first: number) => {
    const lines = records.map((record, i) => formatWireLine(first + i, undefined, record));
    return ask('POST', `/submissions/${id}/chunks/${n}`, Buffer.from(`${lines.join('\n')}\n`));
  };
  const until = async <T>(look: () => Promise<T | undefined>): Promise<T> => {
    for (let waits = 0; waits < WAITS; waits++) {
      const found = await look();
      if (found !== undefined) return found;
      await target().wait();
    }
    throw new Error('it took too long');
  };
  const finished = (id: string) =>
    until(async () => {
      const { json } = await ask('GET', `/submissions/${id}`);
      return json['state'] === 'Finished' ? json : undefined;
    });
  const results = async (id: string): Promise<Line[]> => {
    const lines: Line[] = [];
    for (let cursor = '0.0'; cursor; ) {
      const { json } = await ask('GET', `/submissions/${id}/jobs?cursor=${cursor}`);
      lines.push(...(json['jobs'] as Line[]));
      cursor = json['cursor'] as string;
    }
    return lines;
  };

  it('asks for the key', async () => {
    const answer = await ask('GET', '/settings', undefined, { 'x-api-key': 'no-such-key-000000000000' });
    expect(answer).toEqual({ status: 403, json: { message: 'Forbidden' } });
  });

  it('says what is wrong with a request, and stores nothing', async () => {
    expect((await ask('GET', '/job/unknown.0.0')).status).toBe(404);
    expect((await ask('POST', '/job', '')).status).toBe(400);
    const id = target().id('wrong');
    const broken = await ask('POST', `/submissions/${id}/chunks/0`, Buffer.from('{"line":1,"record":'));
    expect(broken.status).toBe(400);
    expect((await ask('GET', `/submissions/${id}`)).status).toBe(404);
  });

  it('takes one record by POST /job, once for an Idempotency-Key, and files its result', async () => {
    const headers = { 'Idempotency-Key': target().id('key') };
    const sent = await ask('POST', '/job', target().record(1), headers);
    expect(sent.status).toBe(200);
    expect(await ask('POST', '/job', target().record(1), headers)).toEqual(sent);
    const job = await until(async () => {
      const { json } = await ask('GET', `/job/${sent.json['job_id']}`);
      return json['processedTime'] === null ? undefined : json;
    });
    expect(job).toMatchObject({ jobId: sent.json['job_id'], status: 'Processed' });
    // A result that no answer holds is at an address.
    expect(job['result'] ?? job['resultUrl'] ?? null).not.toBeNull();
  });

  it('gives every record of a submission its result, in order; a chunk sent again changes nothing', async () => {
    const id = target().id('whole');
    const records = Array.from({ length: 700 }, (_, n) => target().record(n));
    const first = await send(id, 0, records.slice(0, 500), 1);
    expect(await send(id, 0, records.slice(0, 500), 1)).toEqual(first);
    expect((await send(id, 0, records.slice(0, 10), 1)).status).toBe(409);
    await send(id, 1, records.slice(500), 501);
    expect((await ask('POST', `/submissions/${id}/close`, JSON.stringify({ jobs: 699 }))).status).toBe(409);
    expect((await ask('POST', `/submissions/${id}/close`, JSON.stringify({ jobs: 700 }))).status).toBe(200);
    expect(await finished(id)).toMatchObject({ total: 700, counts: { Processed: 700 } });
    const lines = await results(id);
    expect(lines.map(({ line }) => line)).toEqual(records.map((_, i) => i + 1));
    expect(lines.filter(({ status, result }) => status !== 'Processed' || result === undefined)).toEqual([]);
  });

  it('cancels what waits', async () => {
    const id = target().id('cancelled');
    await send(id, 0, [target().record(1), target().record(2)], 1);
    await ask('POST', `/submissions/${id}/cancel`);
    expect(await finished(id)).toMatchObject({ total: 2, counts: { Cancelled: 2 } });
  });

  it('cancels what runs: each job has its result, or none for good', async () => {
    const id = target().id('running');
    await send(id, 0, [target().record(1), target().record(2)], 1);
    await ask('POST', `/submissions/${id}/close`, JSON.stringify({ jobs: 2 }));
    await until(async () => {
      const { json } = await ask('GET', `/submissions/${id}`);
      return (json['counts'] as { Queued: number }).Queued === 0 || undefined;
    });
    await ask('POST', `/submissions/${id}/cancel`);
    await finished(id);
    const ended = await results(id);
    const whole = ({ status, result }: Line) =>
      status === 'Cancelled' ? (result ?? null) === null : status === 'Processed' && result !== undefined;
    expect(ended.map(({ line }) => line)).toEqual([1, 2]);
    expect(ended.filter((line) => !whole(line))).toEqual([]);
    await target().wait();
    expect(await results(id)).toEqual(ended);
  });

  it('fails a bad record alone, and tries it again when asked', async ({ skip }) => {
    const { badRecord, record } = target();
    if (badRecord === undefined) skip('no record is known that the model refuses');
    const id = target().id('poison');
    await send(id, 0, [record(1), badRecord as string, record(2)], 1);
    await ask('POST', `/submissions/${id}/close`, JSON.stringify({ jobs: 3 }));
    expect(await finished(id)).toMatchObject({ counts: { Processed: 2, Failed: 1 } });
    const [, bad] = await results(id);
    expect(bad).toMatchObject({ line: 2, status: 'Failed', error: { code: 'model_error' } });
    expect((await ask('POST', `/submissions/${id}/retry`, '{}')).json).toMatchObject({ retried: true });
    expect(await finished(id)).toMatchObject({ generation: 1, counts: { Processed: 2, Failed: 1 } });
  });
}
