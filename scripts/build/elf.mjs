/** What an ELF file says about how it is started. */

const PT_INTERP = 3;

/**
 * Whether a 64-bit little-endian ELF program is started without a dynamic loader (elf(5): no
 * program header of type PT_INTERP).
 *
 * @param {Buffer} file
 */
export function isStatic(file) {
  if (file.toString('latin1', 0, 6) !== '\x7fELF\x02\x01') {
    throw new Error('not a 64-bit little-endian ELF file');
  }
  const first = Number(file.readBigUInt64LE(32));
  const size = file.readUInt16LE(54);
  const count = file.readUInt16LE(56);
  for (let index = 0; index < count; index += 1) {
    if (file.readUInt32LE(first + index * size) === PT_INTERP) return false;
  }
  return true;
}
