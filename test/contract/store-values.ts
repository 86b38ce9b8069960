/** What may stand in items and in their keys: it is read as it was written. */
import { expect, it } from 'vitest';
import { absent, equal, type Item, type Key } from '../../backend/core/items.ts';
import { allOf, type Store, type Write } from '../../backend/ports/store.ts';

const key = (sk: string, pk = 'p') => ({ pk, sk });
const put = (item: Item & Key): Write => ({ key: { pk: item.pk, sk: item.sk }, item });
const DONE = { done: true };

export function valueContract(store: () => Store): void {
  const change = (sk: string, changes: Write['changes'] = {}) => store().write({ key: key(sk), changes });
  const get = (sk: string) => store().get(key(sk));

  it('of an item: it is read as it was written, whole', async () => {
    expect(await get('a')).toBeUndefined();
    const item = {
      ...key('a'),
      ...{
        text: 'é日😀"\\\n',
        empty: '',
        integer: 2 ** 53 - 1,
        negative: -1.5,
        small: 1e-9,
        yes: true,
        no: false,
      },
      set: new Set(['b', 'a']),
      $bytes: 'a name like any other',
    };
    expect(await store().write(put(item))).toEqual(DONE);
    expect(await get('a')).toEqual(item);
    expect(await store().write(put({ ...key('a'), other: 1 }))).toEqual(DONE);
    expect(await get('a')).toEqual({ ...key('a'), other: 1 });
  });

  it('leave out attributes without a value', async () => {
    await store().putAll([{ ...key('a'), none: undefined, one: 1 }]);
    expect(await get('a')).toEqual({ ...key('a'), one: 1 });
    expect(await store().write({ key: key('a'), condition: absent('none') })).toEqual(DONE);
  });

  it.each([
    ['NUL', 'a\u0000b\u0000'],
    ['line separators', '\u2028\u2029\u0085\r\n'],
    ['what looks like an encoding of ours', '{"$bytes":[0,1],"$set":["a"]}'],
    ['every control character', String.fromCharCode(...Array.from({ length: 32 }, (_, code) => code), 127)],
    ['noncharacters', '\ufeff\ufffe\uffff\u{10ffff}'],
  ])('keep text with %s', async (_name, text) => {
    await store().putAll([{ ...key('a'), text, set: new Set([text]), bytes: Buffer.from(text) }]);
    const item = await get('a');
    expect([item?.['text'], ...(item?.['set'] ?? [])]).toEqual([text, text]);
    expect(Buffer.from(item?.['bytes']).toString()).toBe(text);
    expect(await store().write({ key: key('a'), condition: equal('text', text) })).toEqual(DONE);
  });

  it('keep a lone surrogate as it is, or put U+FFFD in its place; the text beside it stays', async () => {
    const [high, low] = ['a\ud800b', 'é\udc00日'];
    await store().putAll([{ ...key('a'), high, low }]);
    const item = await get('a');
    expect(['a\ud800b', 'a\ufffdb']).toContain(item?.['high']);
    expect(['é\udc00日', 'é\ufffd日']).toContain(item?.['low']);
  });

  it('keep bytes, none and many, of every kind of array', async () => {
    const every = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    const part = new Uint8Array([9, ...every, 9]).subarray(1, 257);
    const large = Buffer.alloc(300_000, every);
    await store().write(put({ ...key('a'), every, part, large, none: new Uint8Array(), text: 'beside' }));
    const item = await get('a');
    const hex = (bytes: unknown) => Buffer.from(bytes as Uint8Array).toString('hex');
    expect(item?.['every']).toBeInstanceOf(Uint8Array);
    expect(hex(item?.['every'])).toBe(hex(every));
    expect(hex(item?.['part'])).toBe(hex(every));
    expect(hex(item?.['large'])).toBe(hex(large));
    expect(hex(item?.['none'])).toBe('');
    expect(item?.['text']).toBe('beside');
    await change('a', { set: { part: large.subarray(7, 9) } });
    expect(hex((await get('a'))?.['part'])).toBe('0708');
  });

  it('keep 300 KB of text', async () => {
    const text = '0123456789é日😀 '.repeat(15_000);
    await store().write(put({ ...key('a'), text }));
    expect((await get('a'))?.['text']).toBe(text);
  });

  it('keep items apart whose keys look alike', async () => {
    const odd = [
      'a',
      'a ',
      ' a',
      'A',
      'a#b',
      "a'b",
      'a"b',
      'a%',
      'a_',
      '*',
      'é',
      'e\u0301',
      '日',
      '\u{1f600}',
      '\u2028',
    ];
    const keys = odd.flatMap((pk) => odd.map((sk) => ({ pk, sk })));
    await store().putAll(keys.map((each, n) => ({ ...each, n })));
    const read = await store().getAll(keys);
    expect(read.map((item) => item?.['n'])).toEqual(keys.map((_, n) => n));
    for (const pk of odd.slice(0, 4)) expect(await allOf(store(), { pk })).toHaveLength(odd.length);
  });

  it('keep items apart whose keys differ after a NUL', async () => {
    const keys = ['a', 'a\u0000', 'a\u0000b', 'a\u0000\u0000'].flatMap((pk) =>
      ['s', 's\u0000', '\u0000s', 'b\u0000s'].map((sk) => ({ pk, sk })),
    );
    await store().putAll(keys.map((each, n) => ({ ...each, n })));
    expect((await store().getAll(keys)).map((item) => item?.['n'])).toEqual(keys.map((_, n) => n));
    const read = await allOf(store(), { pk: 'a' });
    expect(read.map(({ sk }) => sk)).toEqual(['\u0000s', 'b\u0000s', 's', 's\u0000']);
  });

  it('what was read is the reader’s own', async () => {
    await store().write(put({ ...key('a'), n: 1, set: new Set(['x']) }));
    const read = (await get('a')) as Item;
    Object.assign(read, { n: 2 });
    (read['set'] as Set<string>).add('y');
    expect(await get('a')).toEqual({ ...key('a'), n: 1, set: new Set(['x']) });
    await change('a', { add: { n: 1 } });
    expect(await get('a')).toEqual({ ...key('a'), n: 2, set: new Set(['x']) });
  });

  it('what was written may be changed by the writer afterwards', async () => {
    const bytes = Buffer.from('bytes');
    const [item, set] = [{ ...key('a'), n: 1, bytes } as Item & { pk: string; sk: string }, new Set(['x'])];
    await store().write(put(item));
    await change('a', { set: { set } });
    Object.assign(item, { n: 2 });
    bytes.fill(0);
    set.add('y');
    const read = await get('a');
    expect([read?.['n'], Buffer.from(read?.['bytes']).toString(), read?.['set']]).toEqual([
      1,
      'bytes',
      new Set(['x']),
    ]);
  });

  it('of what can not be stored are refused, and leave nothing', async () => {
    for (const value of [new Set<string>(), Number.NaN, Number.POSITIVE_INFINITY])
      await expect(store().write(put({ ...key('a'), value }))).rejects.toThrow();
    await expect(store().transact([put(key('b')), put({ ...key('a'), value: new Set() })])).rejects.toThrow();
    expect(await store().getAll([key('a'), key('b')])).toEqual([undefined, undefined]);
  });
}
