/** Records, results and rows for property tests, hostile ones among them. */
import fc from 'fast-check';

/** JSON texts on one line that mean to break out of what they are put into. */
const HOSTILE = [
  '"\\"}"',
  '"\\"},\\"input\\":1"',
  '{"a":"\\"}"}',
  '{"id":"other.0.0","input":{"id":"other.0.1"},"SageMakerOutput":1}',
  '{"x":",\\"input\\":"}',
  '{",\\"input\\":":2}',
  '[",\\"SageMakerOutput\\":"]',
  '"\u2028\u2029\u0085"',
  '12345678901234567890123',
  '-0',
  '1.0e+2',
  '{"b":1,"a":2,"1":3}',
  '{"k":1,"k":2}',
  '{"__proto__":{"id":"x.0.0"}}',
  '[ 1 ,\t2 ]',
  '""',
  'null',
  'false',
  '"\\ud800"',
  '"😀é日\\u0000"',
];

/** A JSON value's text on one line, as it might be written. */
export const jsonTextArb: fc.Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: fc.jsonValue({ maxDepth: 3, stringUnit: 'binary' }).map((v) => JSON.stringify(v)) },
  { weight: 2, arbitrary: fc.constantFrom(...HOSTILE) },
  {
    weight: 1,
    arbitrary: fc
      .array(fc.constantFrom(...HOSTILE), { maxLength: 3 })
      .map((all) => `{${all.map((text, i) => `"k${i}": ${text}`).join(', ')}}`),
  },
);

const keyArb = fc.constantFrom(
  ...['record', 'id', 'input', 'SageMakerOutput', 'line', '', 'a"b', 'back\\', '\\"', 'é', '__proto__', '{'],
);
export const spaceArb = fc.constantFrom('', '', ' ', '\t\r\n ', '  ');
/** A JSON string, some characters written as escapes. */
const literalArb = (text: fc.Arbitrary<string>) =>
  fc.tuple(text, fc.boolean()).map(([value, escaped]) => {
    const json = JSON.stringify(value);
    return escaped && /^"[a-z]/.test(json)
      ? `"\\u00${json.charCodeAt(1).toString(16)}${json.slice(2)}`
      : json;
  });
const scalarArb = fc.oneof(
  fc.constantFrom(
    ...['1', '1.0', '-0', '12345678901234567890', '1e400', '1E+2', 'true', 'false', 'null', '"\\\\"'],
  ),
  literalArb(fc.oneof(keyArb, fc.string({ unit: 'binary' }), fc.string({ minLength: 45, maxLength: 60 }))),
);
const spaced = fc.letrec<{ value: string; object: string; array: string }>((tie) => ({
  value: fc.oneof({ depthSize: 'small' }, scalarArb, tie('object'), tie('array')),
  object: fc
    .tuple(
      fc.array(fc.tuple(spaceArb, literalArb(keyArb), spaceArb, tie('value'), spaceArb), { maxLength: 5 }),
      spaceArb,
    )
    .map(
      ([members, space]) =>
        `{${members.map(([a, k, b, v, c]) => `${a}${k}${b}:${a}${v}${c}`).join(',') || space}}`,
    ),
  array: fc
    .array(fc.tuple(spaceArb, tie('value'), spaceArb))
    .map((all) => `[${all.map((each) => each.join('')).join(',')}]`),
}));
/** JSON texts with odd spacing, line breaks in it, and escaped and repeated keys. */
export const spacedJsonArb = spaced.value;
export const spacedObjectArb = spaced.object;
export const spacedArrayArb = spaced.array;

const cellArb = fc.oneof(
  fc.string({ unit: fc.constantFrom('a', '1', ' ', 'é', '\u2028', '.', ';') }),
  fc
    .string({ unit: fc.constantFrom('a', ',', '""', ' ', '\t', '}', 'other.0.0', '\u2028') })
    .map((text) => `"${text}"`),
  fc.constantFrom('', '""', '","', '-0', '007', 'other.0.0', '{"id":1}'.replaceAll('"', "'")),
);

/** A CSV row's text: cells with quotes, commas and nothing in them. */
export const csvRowArb: fc.Arbitrary<string> = fc
  .array(cellArb, { minLength: 1, maxLength: 6 })
  .map((cells) => cells.join(','))
  .filter((row) => row.trim() !== '');

export const jobRefArb = fc.record({
  submission: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_-]{0,12}$/),
  chunk: fc.nat(999),
  index: fc.nat(499),
});
