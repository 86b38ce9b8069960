/** One line into its record and custom ID, for each format; what no other line matters to. */
import { csvRowProblem, JsonTextError, MAX_DEPTH, membersOf, spanOf } from '@batchml/backend/words';
import { printable } from '../ui/printable.ts';
import type { InputOptions, LineParser } from './input.ts';
import { jsonProblem, kindOf } from './problem-text.ts';

/** The parser of the lines of a format. */
export function lineParser(options: InputOptions): LineParser {
  switch (options.format) {
    case 'plain':
      if (options.rows) return parseRow;
      return options.idField === undefined ? parsePlain : plainWithId(options.idField);
    case 'openai':
      return envelope('custom_id', true, 'body');
    case 'bedrock':
      return envelope('recordId', false, 'modelInput');
    case 'csv':
      return parseCsv;
  }
}

/** A parser of lines of JSON: what `parse` throws for bad ones becomes their problem. */
function ofJson(parse: LineParser): LineParser {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      if (!(error instanceof JsonTextError)) throw error;
      return text.trim() === '' ? undefined : jsonProblem(error);
    }
  };
}

const parsePlain = ofJson((text) => {
  spanOf(text);
  return { customId: undefined, record: text };
});

/**
 * The texts of an object's members by key, or what the text is instead of an object.
 * @param maxDepth of each member's value
 */
function readMembers(text: string, maxDepth: number): ((key: string) => string | undefined) | string {
  const members = membersOf(text, maxDepth);
  if (!members) return kindOf(text.trimStart());
  return (key) => {
    const span = members.get(key);
    return span && text.slice(span.from, span.to);
  };
}

function plainWithId(field: string): LineParser {
  const name = printable(JSON.stringify(field));
  return ofJson((text) => {
    // The record is the object itself: a level.
    const member = readMembers(text, MAX_DEPTH - 1);
    if (typeof member === 'string')
      return `the custom ID's field ${name} is missing: the record is ${member}`;
    const id = member(field);
    if (id === undefined) return `the custom ID's field ${name} is missing`;
    const kind = kindOf(id);
    if (kind === 'a string') return { customId: JSON.parse(id) as string, record: text };
    if (kind !== 'a number') return `field ${name} must be a string or a number, not ${kind}`;
    // Beyond 2^53 two numbers may parse to one: the text tells them apart.
    const value = Number(id);
    return { customId: Number.isSafeInteger(value) ? String(value) : id, record: text };
  });
}

/** Lines that wrap the record: `{ID field, other fields that don't matter here, record field}`. */
function envelope(idField: string, idRequired: boolean, recordField: string): LineParser {
  return ofJson((text) => {
    const member = readMembers(text, MAX_DEPTH);
    if (typeof member === 'string')
      return `must be an object with "${idField}" and "${recordField}", not ${member}`;
    const id = member(idField);
    if (id === undefined && idRequired) return `"${idField}" is missing`;
    if (id !== undefined && kindOf(id) !== 'a string')
      return `"${idField}" must be a string, not ${kindOf(id)}`;
    const record = member(recordField);
    if (record === undefined) return `"${recordField}" is missing`;
    if (kindOf(record) !== 'an object') return `"${recordField}" must be an object, not ${kindOf(record)}`;
    return { customId: id === undefined ? undefined : (JSON.parse(id) as string), record };
  });
}

const parseCsv: LineParser = (text) => {
  if (text.trim() === '') return undefined;
  return csvRowProblem(text) ?? { customId: undefined, record: JSON.stringify(text) };
};

/** A JSON string that holds a row. */
const parseRow = ofJson((text) => {
  const { from } = spanOf(text);
  const kind = kindOf(text.slice(from));
  if (kind !== 'a string')
    return `the model is sent text/csv: a record must be a string that holds a row, not ${kind}`;
  return csvRowProblem(JSON.parse(text) as string) ?? { customId: undefined, record: text };
});
