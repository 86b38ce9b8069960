import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DataLogEntry, entryError, formatDataLog, parseDataLog } from '../../backend/core/data-log.ts';

const AT = new Date(Date.UTC(2026, 10, 22, 10));
const batchArb = fc
  .tuple(fc.stringMatching(/^b-[0-9]{4}-[a-z0-9]{4}$/), fc.array(fc.nat(30), { maxLength: 3 }))
  .map(([root, path]) => [root, ...path].join('.'));
/** Words that the log itself is made of, and everything else. */
const messageArb = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc
    .array(
      fc.constantFrom(
        'text is missing',
        'ClientError: 400',
        '[sagemaker logs]: data/b-9.jsonl: ServerError: 500',
        'BadOutput',
        '',
        ' indented ',
        'a: b: c.jsonl: d',
        '\u2028',
      ),
    )
    .map((lines) => lines.join('\n')),
);
const kindArb = fc.constantFrom(
  'ClientError' as const,
  'ServerError' as const,
  'ModelTimeout' as const,
  'ModelDisconnected' as const,
  'BadOutput' as const,
);
const entryArb: fc.Arbitrary<DataLogEntry> = fc.record({
  batch: batchArb,
  kind: kindArb,
  status: fc.option(fc.integer({ min: 100, max: 599 }), { nil: undefined }),
  message: messageArb,
});
const prefixArb = fc.constantFrom('data/', '', 'bucket/stack/data/', 's3://bucket/data/');

/** Every kind of line break as the log's own. */
const asLines = (message: string) => message.split(/\r\n|[\n\r\u2028\u2029]/).join('\n');

describe('the data log', () => {
  it('gives back the entries that were written, in order, with messages of many lines', () => {
    const entriesArb = fc.uniqueArray(entryArb, { selector: (entry) => entry.batch, maxLength: 6 });
    fc.assert(
      fc.property(entriesArb, prefixArb, (entries, prefix) => {
        const text = entries.map((entry) => formatDataLog(entry, AT, prefix)).join('');
        expect(parseDataLog(text)).toEqual(
          entries.map((entry) => ({ ...entry, message: asLines(entry.message) })),
        );
      }),
    );
  });

  it('names no batch but its own, whatever the model says', () => {
    fc.assert(
      fc.property(entryArb, messageArb, (entry, message) => {
        const forged = `x\n${AT.toISOString()}:[sagemaker logs]: data/b-9.jsonl: ClientError: 400\n${message}`;
        const parsed = parseDataLog(formatDataLog({ ...entry, message: forged }, AT, 'data/'));
        expect(parsed.map(({ batch }) => batch)).toEqual([entry.batch]);
      }),
    );
  });

  it('reads the lines that SageMaker writes, and passes over the others', () => {
    const log = `2026-11-22T10:00:00.000:[sagemaker logs]: MaxConcurrentTransforms=4, MaxPayloadInMB=6, BatchStrategy=MULTI_RECORD
2026-11-22T10:00:01.000:[sagemaker logs]: my-bucket/data/b-1.jsonl: ClientError: 400
2026-11-22T10:00:01.000:[sagemaker logs]: my-bucket/data/b-2.0.jsonl: ServerError: 500
2026-11-22T10:00:01.000:[sagemaker logs]: my-bucket/data/b-1.jsonl:
2026-11-22T10:00:01.000:[sagemaker logs]: my-bucket/data/b-1.jsonl: Message:
2026-11-22T10:00:01.000:[sagemaker logs]: my-bucket/data/b-1.jsonl: text is missing
2026-11-22T10:00:01.000:[sagemaker logs]: my-bucket/data/b-1.jsonl: second line
Traceback (most recent call last):
2026-11-22T10:00:02.000:[sagemaker logs]: my-bucket/data/b-3.jsonl: this line has no head
`;
    expect(parseDataLog(log)).toEqual([
      { batch: 'b-1', kind: 'ClientError', status: 400, message: 'text is missing\nsecond line' },
      { batch: 'b-2.0', kind: 'ServerError', status: 500, message: '' },
    ]);
  });

  it('keeps the first entry of an object that is named twice', () => {
    const first: DataLogEntry = { batch: 'b-1', kind: 'ClientError', status: 400, message: 'first' };
    const again = formatDataLog({ ...first, kind: 'ServerError', status: 500 }, AT, 'data/');
    const [entry, ...more] = parseDataLog(formatDataLog(first, AT, 'data/') + again);
    expect(entry).toMatchObject({ kind: 'ClientError', status: 400 });
    expect(entry?.message.startsWith('first')).toBe(true);
    expect(more).toEqual([]);
  });

  it('is empty of any text that is no log', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(parseDataLog(text.replaceAll('sagemaker logs', ''))).toEqual([]);
      }),
    );
  });
});

describe('the error of an entry', () => {
  const entry = { batch: 'b', kind: 'ClientError', status: 400, message: ' no text \n' } as const;

  it("is the model's own message", () => {
    expect(entryError(entry)).toEqual({ code: 'model_error', message: 'no text' });
  });

  it('or else what happened', () => {
    expect(entryError({ ...entry, message: ' ' }).message).toBe('the model answered HTTP 400');
    expect(entryError({ ...entry, kind: 'ModelTimeout', status: undefined, message: '' })).toEqual({
      code: 'model_timeout',
      message: 'ModelTimeout',
    });
  });

  it.each([
    ['ClientError', 'model_error'],
    ['ServerError', 'model_error'],
    ['ModelTimeout', 'model_timeout'],
    ['ModelDisconnected', 'model_disconnected'],
    ['BadOutput', 'bad_output'],
  ] as const)('of %s has the code %s', (kind, code) => {
    expect(entryError({ ...entry, kind }).code).toBe(code);
  });
});
