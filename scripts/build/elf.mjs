/** What an ELF file says about how it is started. */

const PT_INTERP = 3;
const ET_DYN = 3;

/**
 * Reads the headers of a 64-bit little-endian ELF program (elf(5)).
 *
 * @param {Buffer} file
 * @returns {{static: boolean, anywhere: boolean}} whether it is started without a dynamic loader (no
 *   program header of type PT_INTERP), and at any address
 */
export function readElf(file) {
  if (file.toString('latin1', 0, 6) !== '\x7fELF\x02\x01') {
    throw new Error('not a 64-bit little-endian ELF file');
  }
  const first = Number(file.readBigUInt64LE(32));
  const size = file.readUInt16LE(54);
  const count = file.readUInt16LE(56);
  let interpreter = false;
  for (let index = 0; index < count; index += 1) {
    interpreter ||= file.readUInt32LE(first + index * size) === PT_INTERP;
  }
  return { static: !interpreter, anywhere: file.readUInt16LE(16) === ET_DYN };
}
