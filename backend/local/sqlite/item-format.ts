/**
 * Items as bytes: the length of a JSON text, that text, and what JSON can't hold after it. In the text bytes stand as
 * `{"$bytes":[from,to]}` (counted from the text's end), sets as `{"$set":[...]}`. Bytes are bound to a statement much faster than
 * text, which the WebAssembly driver copies character by character.
 */
import type { Item } from '../../core/items.ts';

export function packItem(item: Item): Uint8Array {
  const parts: Uint8Array[] = [];
  let end = 0;
  const text = JSON.stringify(item, function (this: Record<string, unknown>, name, value) {
    // Buffers have a toJSON of their own, which comes first.
    const given = this[name];
    if (given instanceof Uint8Array) {
      parts.push(given);
      end += given.length;
      return { $bytes: [end - given.length, end] };
    }
    return given instanceof Set ? { $set: [...given] } : value;
  });
  const head = Buffer.allocUnsafe(4 + Buffer.byteLength(text));
  head.writeUInt32LE(head.length - 4);
  head.write(text, 4);
  return parts.length === 0 ? head : Buffer.concat([head, ...parts]);
}

export function unpackItem(bytes: Uint8Array): Item {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const start = 4 + buffer.readUInt32LE();
  const text = buffer.toString('utf8', 4, start);
  if (start === buffer.length && !text.includes('"$set"')) return JSON.parse(text) as Item;
  return JSON.parse(text, (_, value: unknown) => {
    if (typeof value !== 'object' || value === null) return value;
    const { $bytes, $set } = value as { $bytes?: [number, number]; $set?: string[] };
    if ($bytes) return buffer.subarray(start + $bytes[0], start + $bytes[1]);
    return $set ? new Set($set) : value;
  }) as Item;
}
