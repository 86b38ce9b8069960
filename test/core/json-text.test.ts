import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  elementsOf,
  JsonTextError,
  MAX_DEPTH,
  membersOf,
  onOneLine,
  spanOf,
} from '../../backend/core/json-text.ts';
import { jsonTextArb, spaceArb, spacedArrayArb, spacedJsonArb, spacedObjectArb } from './arbitraries.ts';

const problemOf = (check: () => unknown): string => {
  try {
    check();
  } catch (error) {
    if (error instanceof JsonTextError) return error.message;
    throw error;
  }
  return 'taken';
};
const parses = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};
const nested = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`;

/** What is near to JSON: a piece of a text taken out, or another put in. */
const nearJsonArb = fc
  .tuple(
    fc.oneof(spacedJsonArb, jsonTextArb),
    fc.array(
      fc.tuple(
        fc.nat(),
        fc.nat(2),
        fc.oneof(
          fc.constantFrom(
            ...'{}[]",:\\ntfue0123456789.-+E/',
            '',
            'u00',
            '\\u12',
            '\\x',
            'null',
            '--',
            '01',
            '1.',
          ),
          fc.constantFrom('\t', '\n', '\r', '\0', '\u001f', '\u007f', '\u00a0', '\ufeff', '\u2028', '\ud800'),
        ),
      ),
      { maxLength: 3 },
    ),
    fc.constantFrom('', 'x'.repeat(60), '\\"'.repeat(30), '\\\\'.repeat(25)),
  )
  .map(([json, edits, padding]) => {
    let text = padding === '' ? json : `[${json},"${padding}"]`;
    for (const [at, gone, put] of edits) {
      const from = at % (text.length + 1);
      text = text.slice(0, from) + put + text.slice(from + gone);
    }
    return text;
  });

describe('spanOf', () => {
  it('takes what JSON.parse takes, and nothing else', () => {
    fc.assert(
      fc.property(nearJsonArb, (text) => {
        expect(problemOf(() => spanOf(text)) === 'taken').toBe(parses(text));
      }),
      { numRuns: 5000 },
    );
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'{}[]",:\\ntrue0.-e \t') }), (text) => {
        expect(problemOf(() => spanOf(text)) === 'taken').toBe(parses(text));
      }),
      { numRuns: 5000 },
    );
  });

  it('finds the value between white space', () => {
    fc.assert(
      fc.property(spaceArb, spacedJsonArb, spaceArb, (before, json, after) => {
        const text = before + json + after;
        const { from, to } = spanOf(text);
        expect(text.slice(from, to)).toBe(json.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, ''));
      }),
    );
  });

  it.each([
    ['', 'it ends before the value does'],
    [' {"a":[1,', 'it ends before the value does'],
    ['"abc', 'it ends before the value does'],
    [`"${'x'.repeat(99)}\\"`, 'it ends before the value does'],
    ['hello', 'expected a value at column 1, found "hello"'],
    ['NaN', 'expected a value at column 1, found "NaN"'],
    ['{"a":tru}', 'expected true at column 9, found "}"'],
    ["{'a':1}", 'expected a key in double quotes at column 2, found "\'a\':1}"'],
    ['{"a":1,}', 'expected a key in double quotes at column 8, found "}"'],
    ['{"a" 1}', 'expected ":" at column 6, found "1}"'],
    ['{"a":1]', 'expected "," or "}" at column 7, found "]"'],
    ['[1}', 'expected "," or "]" at column 3, found "}"'],
    ['[1,]', 'expected a value at column 4, found "]"'],
    ['-x', 'expected a digit at column 2, found "x"'],
    ['01', 'expected nothing more at column 2, found "1"'],
    ['"\\x"', 'expected the letter of an escape at column 3, found "x\\""'],
    ['"\\u12g4"', 'expected a hex digit at column 6, found "g4\\""'],
    ['"a\tb"', 'expected no control character in a string at column 3, found "\\tb\\""'],
    [`"${'x'.repeat(98)}\tb"`, 'expected no control character in a string at column 100, found "\\tb\\""'],
  ])('says what is wrong with %j, and where', (text, detail) => {
    expect(problemOf(() => spanOf(text))).toBe(`not JSON: ${detail}`);
  });

  it('takes nesting up to its limit, whatever the brackets', () => {
    expect(problemOf(() => spanOf(nested(MAX_DEPTH)))).toBe('taken');
    expect(problemOf(() => spanOf(nested(MAX_DEPTH + 1)))).toBe(
      'nested deeper than 512 levels at column 513',
    );
    expect(problemOf(() => spanOf(nested(200_000), Number.POSITIVE_INFINITY))).toBe('taken');
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 200 }), fc.nat(200), (levels, cut) => {
        const text =
          levels.map((object) => (object ? '{"a":' : '[1,')).join('') +
          '0' +
          levels
            .map((object) => (object ? '}' : ']'))
            .reverse()
            .join('');
        expect(problemOf(() => spanOf(text, levels.length))).toBe('taken');
        expect(problemOf(() => spanOf(text, levels.length - 1))).toMatch(/^nested deeper than/);
        const at = text.length - 1 - (cut % levels.length);
        const other = text[at] === '}' ? ']' : '}';
        expect(problemOf(() => spanOf(text.slice(0, at) + other + text.slice(at + 1)))).toMatch(/^not JSON/);
      }),
    );
  });

  it('takes linear time for many backslashes and quotes', () => {
    const started = performance.now();
    const text = JSON.stringify({ a: '\\'.repeat(500_000) + '"'.repeat(500_000), b: 1 });
    expect(membersOf(text)?.get('b')).toEqual({ from: text.length - 2, to: text.length - 1 });
    expect(performance.now() - started).toBeLessThan(1000);
  });
});

describe('membersOf', () => {
  it('finds what JSON.parse finds, as slices of the text', () => {
    fc.assert(
      fc.property(spaceArb, spacedObjectArb, spaceArb, (before, object, after) => {
        const text = before + object + after;
        const parsed = JSON.parse(text) as Record<string, unknown>;
        const members = membersOf(text) ?? new Map();
        expect(new Set(members.keys())).toEqual(new Set(Object.keys(parsed)));
        for (const [key, { from, to }] of members) {
          const raw = text.slice(from, to);
          expect(raw).toBe(raw.trim());
          expect(JSON.parse(raw)).toEqual(parsed[key]);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('refuses what JSON.parse refuses, and gives nothing for what is no object', () => {
    fc.assert(
      fc.property(nearJsonArb, (text) => {
        const members = parses(text) ? membersOf(text) : undefined;
        if (!parses(text)) expect(problemOf(() => membersOf(text))).toMatch(/^not JSON: /);
        else expect(members !== undefined).toBe(text.trim().startsWith('{'));
      }),
      { numRuns: 2000 },
    );
  });

  it('keeps what parsing would change, and takes the last of equal keys', () => {
    const text = '{"a":1,"b":{"a":2},"\\u0061":[12345678901234567890 ] }';
    const { from, to } = membersOf(text)?.get('a') ?? { from: 0, to: 0 };
    expect(text.slice(from, to)).toBe('[12345678901234567890 ]');
  });

  it('counts the depth of each value by itself', () => {
    expect(problemOf(() => membersOf(`{"a":${nested(MAX_DEPTH)}}`))).toBe('taken');
    expect(problemOf(() => membersOf(`{"a":${nested(MAX_DEPTH + 1)}}`))).toMatch(/^nested deeper/);
  });
});

describe('elementsOf', () => {
  it('cuts an array into the texts of its elements', () => {
    fc.assert(
      fc.property(spaceArb, spacedArrayArb, spaceArb, (before, array, after) => {
        const elements = elementsOf(before + array + after);
        expect(elements?.map((each) => JSON.parse(each) as unknown)).toEqual(JSON.parse(array));
        expect(elements).toEqual(elements?.map((each) => each.trim()));
      }),
    );
    expect(elementsOf('[1.0, {"a":[1,2]} ,"],["]')).toEqual(['1.0', '{"a":[1,2]}', '"],["']);
    expect(elementsOf('{"a":[1]}')).toBeUndefined();
    expect(problemOf(() => elementsOf('[1,2'))).toBe('not JSON: it ends before the value does');
    expect(problemOf(() => elementsOf('[1 2]'))).toMatch(/^not JSON: expected "," or "]"/);
  });
});

describe('onOneLine', () => {
  it('takes line breaks out of white space and nothing else', () => {
    fc.assert(
      fc.property(spacedJsonArb, (json) => {
        expect(onOneLine(json)).not.toMatch(/[\r\n]/);
        expect(JSON.parse(onOneLine(json))).toEqual(JSON.parse(json));
      }),
    );
    expect(onOneLine('{\r "n":\r\n  1.0 }')).toBe('{"n":1.0 }');
    expect(onOneLine('[1,\r 2]')).toBe('[1,2]');
  });
});
