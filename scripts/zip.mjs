/**
 * A zip of a few files in memory, the same for the same files (PKWARE APPNOTE 6.3, without ZIP64): deflated, dated
 * 1980-01-01, readable by all.
 */
import { crc32, deflateRawSync } from 'node:zlib';

const VERSION = 20;
const UNIX = 3 << 8;
const UTF8_NAME = 0x0800;
const DEFLATED = 8;
/** 1980-01-01 00:00 as MS-DOS writes it, the earliest that it can. */
const DATE = (1 << 5) | 1;
/** A plain file that its owner may write and all may read. */
const MODE = 0o100644;

/**
 * @param {readonly { name: string, contents: Uint8Array }[]} files
 * @returns {Buffer}
 */
export function zip(files) {
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const { name, contents } of files) {
    const path = Buffer.from(name);
    const data = deflateRawSync(contents, { level: 9 });
    const shared = Buffer.alloc(26);
    shared.writeUInt16LE(VERSION, 0);
    shared.writeUInt16LE(UTF8_NAME, 2);
    shared.writeUInt16LE(DEFLATED, 4);
    shared.writeUInt16LE(0, 6);
    shared.writeUInt16LE(DATE, 8);
    shared.writeUInt32LE(crc32(contents), 10);
    shared.writeUInt32LE(data.length, 14);
    shared.writeUInt32LE(contents.length, 18);
    shared.writeUInt16LE(path.length, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), shared, path, data]);
    const place = Buffer.alloc(14);
    place.writeUInt32LE(MODE * 0x10000, 6);
    place.writeUInt32LE(offset, 10);
    const made = Buffer.alloc(2);
    made.writeUInt16LE(UNIX | VERSION);
    directory.push(Buffer.from('PK\x01\x02', 'latin1'), made, shared, place, path);
    parts.push(local);
    offset += local.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(files.length, 4);
  end.writeUInt16LE(files.length, 6);
  end.writeUInt32LE(central.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...parts, central, Buffer.from('PK\x05\x06', 'latin1'), end]);
}
