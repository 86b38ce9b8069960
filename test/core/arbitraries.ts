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
