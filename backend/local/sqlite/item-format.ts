/**
 * Items as bytes: a checksum of all that follows, the length of a JSON text, that text, and after it what JSON can't hold or
 * holds dearly: bytes and long texts. Of an item with such attributes or with sets the JSON is a list: the other attributes, and
 * by name where bytes and texts stand after it, and what sets hold. Bytes are bound to a statement much faster than text,
 * which the WebAssembly driver copies character by character.
 */
import { crc32 } from 'node:zlib';
import type { Item } from '../../core/items.ts';
import { DataDirDamagedError } from './damaged.ts';

const HEAD = 8;
/** Longer texts stand as they are, not escaped as JSON. */
const LONG = 512;

type Parts = Record<string, readonly [from: number, to: number]>;
type Special = [rest: Item, bytes: Parts, texts: Parts, sets: Record<string, readonly string[]>];

/**
 * How much room an item's large attributes take.
 * @throws for what DynamoDB wouldn't store either
 */
export function roomOf(item: Item): number {
  let room = 0;
  for (const name in item) {
    const value: unknown = item[name];
    if (typeof value === 'string') room += value.length;
    else if (value instanceof Uint8Array) room += value.length;
    else if (
      typeof value === 'number'
        ? !Number.isFinite(value)
        : value instanceof Set
          ? value.size === 0
          : typeof value !== 'boolean' && value !== undefined
    )
      throw new TypeError(`not to be stored: ${name} of ${item['pk']}, ${item['sk']}`);
  }
  return room;
}

export function packItem(item: Item): Uint8Array {
  const special: Special = [{}, {}, {}, {}];
  const [rest, bytes, texts, sets] = special;
  const parts: Uint8Array[] = [];
  let length = 0;
  const append = (part: Uint8Array) => {
    parts.push(part);
    length += part.length;
    return [length - part.length, length] as const;
  };
  let plain = true;
  for (const name in item) {
    const value: unknown = item[name];
    if (typeof value === 'string' && value.length > LONG) texts[name] = append(Buffer.from(value));
    else if (value instanceof Uint8Array) bytes[name] = append(value);
    else if (value instanceof Set) sets[name] = [...value];
    else {
      rest[name] = value;
      continue;
    }
    plain = false;
  }
  const json = JSON.stringify(plain ? item : special);
  const jsonLength = Buffer.byteLength(json);
  const packed = Buffer.allocUnsafe(HEAD + jsonLength + length);
  packed.writeUInt32LE(jsonLength, 4);
  packed.write(json, HEAD);
  let at = HEAD + jsonLength;
  for (const part of parts) {
    packed.set(part, at);
    at += part.length;
  }
  packed.writeUInt32LE(crc32(packed.subarray(4)), 0);
  return packed;
}

/** @throws DataDirDamagedError for bytes that aren't as they were packed */
export function unpackItem(packed: Uint8Array): Item {
  const buffer = Buffer.from(packed.buffer, packed.byteOffset, packed.length);
  if (buffer.length < HEAD || buffer.readUInt32LE() !== crc32(buffer.subarray(4)))
    throw new DataDirDamagedError('an item is not as it was written');
  const start = HEAD + buffer.readUInt32LE(4);
  const read = JSON.parse(buffer.toString('utf8', HEAD, start)) as Item | Special;
  if (!Array.isArray(read)) return read;
  const [item, bytes, texts, sets] = read as Special;
  for (const [name, [from, to]] of Object.entries(bytes))
    item[name] = buffer.subarray(start + from, start + to);
  for (const [name, [from, to]] of Object.entries(texts))
    item[name] = buffer.toString('utf8', start + from, start + to);
  for (const [name, values] of Object.entries(sets)) item[name] = new Set(values);
  return item;
}
