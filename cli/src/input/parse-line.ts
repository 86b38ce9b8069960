/** One line into its record and custom ID, for each format; what no other line matters to. */
import { printable } from '../ui/printable.ts';
import { csvRowProblem } from './csv-row.ts';
import type { InputOptions, LineParser } from './input.ts';
import { jsonProblem } from './json-problem.ts';
import { isObject, kindOf } from './problem-text.ts';
import { rawField } from './raw-field.ts';

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

/** `text` was refused by JSON.parse: undefined if it is blank, else what is wrong with it. */
function refused(text: string, error: unknown): string | undefined {
  return text.trim() === '' ? undefined : jsonProblem(text, error);
}

const parsePlain: LineParser = (text) => {
  try {
    JSON.parse(text);
  } catch (error) {
    return refused(text, error);
  }
  return { customId: undefined, record: text };
};

function plainWithId(field: string): LineParser {
  const name = printable(JSON.stringify(field));
  return (text) => {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      return refused(text, error);
    }
    if (!isObject(value)) return `the custom ID's field ${name} is missing: the record is ${kindOf(value)}`;
    if (!Object.hasOwn(value, field)) return `the custom ID's field ${name} is missing`;
    const id = value[field];
    if (typeof id === 'string') return { customId: id, record: text };
    if (typeof id !== 'number') return `field ${name} must be a string or a number, not ${kindOf(id)}`;
    // Beyond 2^53 two numbers may parse to one: the text tells them apart.
    return { customId: Number.isSafeInteger(id) ? String(id) : rawField(text, field), record: text };
  };
}

/** Lines that wrap the record: `{ID field, other fields that don't matter here, record field}`. */
function envelope(idField: string, idRequired: boolean, recordField: string): LineParser {
  return (text) => {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      return refused(text, error);
    }
    if (!isObject(value))
      return `must be an object with "${idField}" and "${recordField}", not ${kindOf(value)}`;
    const id = Object.hasOwn(value, idField) ? value[idField] : undefined;
    if (id === undefined && idRequired) return `"${idField}" is missing`;
    if (id !== undefined && typeof id !== 'string') return `"${idField}" must be a string, not ${kindOf(id)}`;
    if (!Object.hasOwn(value, recordField)) return `"${recordField}" is missing`;
    const record = value[recordField];
    if (!isObject(record)) return `"${recordField}" must be an object, not ${kindOf(record)}`;
    return { customId: id, record: rawField(text, recordField) ?? JSON.stringify(record) };
  };
}

const parseCsv: LineParser = (text) => {
  if (text.trim() === '') return undefined;
  return csvRowProblem(text) ?? { customId: undefined, record: JSON.stringify(text) };
};

/** A JSON string that holds a row. */
const parseRow: LineParser = (text) => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return refused(text, error);
  }
  if (typeof value !== 'string')
    return `the model is sent text/csv: a record must be a string that holds a row, not ${kindOf(value)}`;
  return csvRowProblem(value) ?? { customId: undefined, record: text };
};
