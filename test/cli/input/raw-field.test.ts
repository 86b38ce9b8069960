import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rawField } from '../../../cli/src/input/raw-field.ts';

const keyArb = fc.constantFrom('body', 'id', '', 'a"b', 'back\\', '\\"', 'é', '__proto__', 'bo', '{');
const spaceArb = fc.constantFrom('', ' ', '\t\r\n ', '  ');
/** A JSON string with some characters written as escapes. */
const literalArb = (text: fc.Arbitrary<string>) =>
  fc.tuple(text, fc.boolean()).map(([value, escaped]) => {
    const json = JSON.stringify(value);
    return escaped && /^"[a-z]/.test(json)
      ? `"\\u00${json.charCodeAt(1).toString(16)}${json.slice(2)}`
      : json;
  });
const scalarArb = fc.oneof(
  fc.constantFrom(
    '1',
    '1.0',
    '-0',
    '12345678901234567890',
    '1e+2',
    'true',
    'false',
    'null',
    '{}',
    '[]',
    '"\\\\"',
  ),
  literalArb(fc.oneof(keyArb, fc.string({ unit: 'binary' }))),
);

/** JSON texts with odd spacing, escaped and repeated keys. */
const { object } = fc.letrec<{ value: string; object: string; array: string }>((tie) => ({
  value: fc.oneof({ depthSize: 'small' }, scalarArb, tie('object'), tie('array')),
  object: fc
    .tuple(
      fc.array(fc.tuple(spaceArb, literalArb(keyArb), spaceArb, tie('value'), spaceArb), { maxLength: 5 }),
      spaceArb,
    )
    .map(
      ([fields, space]) =>
        `{${fields.map(([a, k, b, v, c]) => `${a}${k}${b}:${a}${v}${c}`).join(',') || space}}`,
    ),
  array: fc
    .array(fc.tuple(spaceArb, tie('value'), spaceArb))
    .map((all) => `[${all.map((v) => v.join('')).join(',')}]`),
}));

describe('rawField', () => {
  it('finds what JSON.parse finds, as a slice of the text', () => {
    fc.assert(
      fc.property(object, spaceArb, keyArb, (text, space, key) => {
        const json = space + text + space;
        const parsed = JSON.parse(json) as Record<string, unknown>;
        const raw = rawField(json, key);
        if (!Object.hasOwn(parsed, key)) {
          expect(raw).toBeUndefined();
          return;
        }
        expect(json).toContain(raw);
        expect(raw).toBe(raw?.trim());
        expect(JSON.parse(raw as string)).toEqual(parsed[key]);
      }),
      { numRuns: 2000 },
    );
  });

  it('keeps what parsing would change, and takes the last of equal keys', () => {
    expect(rawField('{"a":1.0}', 'a')).toBe('1.0');
    expect(rawField('{"a":1,"b":{"a":2},"\\u0061":[12345678901234567890 ]}', 'a')).toBe(
      '[12345678901234567890 ]',
    );
    expect(rawField('[{"a":1}]', 'a')).toBeUndefined();
    expect(rawField('"a"', 'a')).toBeUndefined();
  });

  it('takes linear time for many backslashes and quotes', () => {
    const started = performance.now();
    const text = JSON.stringify({ a: '\\'.repeat(500_000) + '"'.repeat(500_000), b: 1 });
    expect(rawField(text, 'b')).toBe('1');
    expect(performance.now() - started).toBeLessThan(1000);
  });
});
