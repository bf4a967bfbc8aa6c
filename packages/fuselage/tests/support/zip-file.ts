import { writeFileSync } from 'node:fs';
import { crc32, deflateRawSync } from './checksums.js';

/** One entry of a zip that a test makes. */
export interface ZipEntry {
  name: string;
  /** The content, or the target of a link. */
  content?: string | Buffer;
  /** Permission bits with the file type, as in stat(2). */
  mode?: number;
}

const regular = 0o100644;

/** Writes a zip (APPNOTE 6.3.10): entries of a regular file, unless the mode says otherwise. */
export function writeZip(path: string, entries: ZipEntry[]): string {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const entry of entries) {
    const name = Buffer.from(entry.name);
    const content = Buffer.from(entry.content ?? '');
    const packed = deflateRawSync(content);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(8, 4);
    // 2001-02-03 04:05:06, as MS-DOS writes it.
    common.writeUInt16LE((4 << 11) | (5 << 5) | 3, 6);
    common.writeUInt16LE((21 << 9) | (2 << 5) | 3, 8);
    common.writeUInt32LE(crc32(content), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(content.length, 18);
    common.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, name, packed]);
    const trailer = Buffer.alloc(14);
    trailer.writeUInt32LE(((entry.mode ?? regular) << 16) >>> 0, 6);
    trailer.writeUInt32LE(offset, 10);
    // Made by Unix.
    directory.push(Buffer.from('PK\x01\x02\x14\x03', 'latin1'), common, trailer, name);
    parts.push(local);
    offset += local.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(offset, 16);
  writeFileSync(path, Buffer.concat([...parts, central, end]));
  return path;
}
