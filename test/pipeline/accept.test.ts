import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { formatWireLine, MAX_CHUNK_BYTES } from '../../backend/core/chunk.ts';
import { DEFAULT_SETTINGS, type Pin, type Settings } from '../../backend/core/settings.ts';
import { acceptChunk, acceptJob, maxRecordBytes, RefusedError } from '../../backend/pipeline/accept.ts';
import { doubling, MemoryPipeline, records } from '../support/memory-pipeline.ts';

let pipeline: MemoryPipeline;
beforeEach(async () => {
  pipeline = await MemoryPipeline.open(doubling());
});
afterEach(() => pipeline.close());

const pinOf = (settings: Partial<Settings> = {}): Pin => ({
  model: 'http://model',
  settings: { ...DEFAULT_SETTINGS, ...settings },
});
const bodyOf = (list: readonly string[]) =>
  Buffer.from(list.map((record, i) => `${formatWireLine(i + 1, undefined, record)}\n`).join(''));
const send = (body: Buffer, n = 0, pin = pinOf()) => acceptChunk(pipeline.ports, pin, 's', n, body);
const post = (body: string | Buffer, key?: string, pin = pinOf()) =>
  acceptJob(pipeline.ports, pin, Buffer.from(body as string), key);

const nested = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`;

/** The code of the refusal, with which nothing was stored. */
async function refusal(promise: Promise<unknown>): Promise<string> {
  const total = async () => (await pipeline.ports.ledger.submission('s'))?.counters.total;
  const before = await total();
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(await total()).toBe(before);
  if (error instanceof RefusedError) return error.code;
  throw error ?? new Error('it was accepted');
}

describe('acceptChunk', () => {
  it('answers with the IDs of its jobs, the same ones when it is sent again', async () => {
    const ids = await send(bodyOf(records(3)), 7);
    expect(ids).toEqual(['s.7.0', 's.7.1', 's.7.2']);
    expect(await send(bodyOf(records(3)), 7)).toEqual(ids);
    expect(await Promise.all([1, 2, 3].map(() => send(bodyOf(records(3)), 7)))).toEqual([ids, ids, ids]);
    expect((await pipeline.submission('s')).counters.total).toBe(3);
  });

  it('refuses other content under the same number, and any new chunk once closed', async () => {
    await send(bodyOf(records(3)));
    expect(await refusal(send(bodyOf(records(4))))).toBe('conflict');
    await pipeline.ports.ledger.closeSubmission('s', 3);
    expect(await refusal(send(bodyOf(records(3)), 1))).toBe('closed');
    expect(await send(bodyOf(records(3)))).toHaveLength(3);
  });

  it('keeps the pin of the first chunk for all of them', async () => {
    await send(bodyOf(['"a,b"']), 0, pinOf({ contentType: 'text/csv' }));
    expect(await refusal(send(bodyOf(['{"n":1}']), 1))).toBe('bad_record');
    await send(bodyOf(['"c,d"']), 1);
    expect((await pipeline.submission('s')).pin).toEqual(pinOf({ contentType: 'text/csv' }));
  });

  it.each([
    ['that is empty', Buffer.from(' \n\n'), 'empty'],
    ['that is not UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), 'bad_record'],
    ['with a line that is not JSON', Buffer.from('{"line":1,"record":1}\n{"line":2,"rec'), 'bad_record'],
    ['of more than 500 records', bodyOf(records(501)), 'too_large'],
    ['over 4 MiB', Buffer.alloc(MAX_CHUNK_BYTES + 1, 32), 'too_large'],
  ])('refuses a body %s', async (_, body, code) => {
    expect(await refusal(send(body))).toBe(code);
  });

  it('says which line is wrong', async () => {
    const body = Buffer.from('{"line":1,"record":1}\n{"line":2,"record":nope}\n');
    await expect(send(body)).rejects.toThrow(/^line 2 of the chunk: not JSON/);
  });

  it('takes records nested to 512 levels, and says which line is nested deeper', async () => {
    expect(await send(bodyOf([nested(512), '1']))).toHaveLength(2);
    for (const levels of [513, 5000, 100_000]) {
      const bodies = [bodyOf(['1', nested(levels)]), Buffer.from(`\n{"record": ${nested(levels)},"line":1}`)];
      for (const body of bodies) {
        expect(await refusal(send(body, 1))).toBe('bad_record');
        await expect(send(body, 1)).rejects.toThrow(/^line 2 of the chunk: nested deeper than 512 levels/);
      }
    }
  });

  it('takes a record as large as a request to the model may be, and none larger', async () => {
    const pin = pinOf({ maxPayloadMb: 1 });
    expect(maxRecordBytes(pin)).toBe(1024 * 1024);
    const record = (bytes: number) => JSON.stringify('x'.repeat(bytes - 2));
    expect(await send(bodyOf([record(1024 * 1024)]), 0, pin)).toHaveLength(1);
    expect(await refusal(send(bodyOf([record(1024 * 1024 + 8192)]), 1, pin))).toBe('too_large');
    expect(await send(bodyOf([record(700_000), record(700_000)]), 2, pin)).toHaveLength(2);
    expect(maxRecordBytes(pinOf())).toBeLessThan(MAX_CHUNK_BYTES);
  });
});

describe('acceptJob', () => {
  it('makes a job of its own each time, or one for an idempotency key', async () => {
    const ids = [
      await post('{"n":1}'),
      await post('{"n":1}'),
      await post('{"n":1}', 'k'),
      await post('{"n":1}', 'k'),
    ];
    expect(new Set(ids).size).toBe(3);
    expect(ids[2]).toBe(ids[3]);
    expect(await refusal(post('{"n":2}', 'k'))).toBe('conflict');
    expect(await post('{"n":2}', 'other')).not.toBe(ids[2]);
  });

  it('takes JSON of several lines as one record', async () => {
    const id = await post('\n{\r\n "n":\n 21 }\n');
    await pipeline.settle();
    const [submission] = id.split('.');
    expect((await pipeline.jobs(submission ?? ''))[0]?.result).toBe('{"twice":42}');
  });

  it.each([
    ['', 'empty'],
    [' \n', 'empty'],
    ['{"n":', 'bad_record'],
    ['{"n":1}{"n":2}', 'bad_record'],
    [`"${'x'.repeat(MAX_CHUNK_BYTES)}"`, 'too_large'],
  ])('refuses the body %.20j', async (body, code) => {
    expect(await refusal(post(body))).toBe(code);
  });

  it('takes a record nested to 512 levels and none deeper', async () => {
    expect(await post(` ${nested(512)}\n`)).toMatch(/^j/);
    for (const levels of [513, 5000]) {
      expect(await refusal(post(nested(levels)))).toBe('bad_record');
      await expect(post(nested(levels))).rejects.toThrow(/^the body is nested deeper than 512 levels/);
    }
  });

  it('refuses what is not UTF-8', async () => {
    expect(await refusal(post(Buffer.from([0x22, 0xc3, 0x28, 0x22])))).toBe('bad_record');
  });
});
