const magic = 0x73717368;
const superblockSize = 96;
const blockSize = 4096;
const none = 0xffffffffffffffffn;
/** In the size of a block: it is stored as it is. */
const storedBlock = 1 << 24;
const storedMetadata = 1 << 15;
/** Inodes, data and fragments are stored; there are no fragments and no xattrs. */
const flags = 0x001 | 0x002 | 0x008 | 0x010 | 0x200;
const typeDirectory = 1;
const typeFile = 2;

function numbers(...values: [width: 2 | 4 | 8, value: number | bigint][]): Buffer {
  return Buffer.concat(
    values.map(([width, value]) => {
      const bytes = Buffer.alloc(8);
      bytes.writeBigUInt64LE(BigInt(value));
      return bytes.subarray(0, width);
    }),
  );
}

function metadata(content: Buffer): Buffer {
  return Buffer.concat([numbers([2, content.length | storedMetadata]), content]);
}

function inodeHead(type: number, mode: number, number: number): Buffer {
  return numbers([2, type], [2, mode], [2, 0], [2, 0], [4, 0], [4, number]);
}

/**
 * A squashfs image (version 4, nothing compressed, all of root) with one file in its root, of at
 * most one block. Padded to whole pages, as every image that goes on a loop device should be.
 */
export function tinySquashfs(name: string, content: string): Buffer {
  const data = Buffer.from(content);
  const file = Buffer.concat([
    inodeHead(typeFile, 0o644, 1),
    numbers([4, superblockSize], [4, 0xffffffff], [4, 0], [4, data.length]),
    numbers([4, data.length | storedBlock]),
  ]);
  const listing = Buffer.concat([
    numbers([4, 0], [4, 0], [4, 1]),
    numbers([2, 0], [2, 0], [2, typeFile], [2, name.length - 1]),
    Buffer.from(name),
  ]);
  // The length of a directory counts `.` and `..` as three bytes.
  const root = Buffer.concat([
    inodeHead(typeDirectory, 0o755, 2),
    numbers([4, 0], [4, 2], [2, listing.length + 3], [2, 0], [4, 3]),
  ]);
  const inodes = metadata(Buffer.concat([file, root]));
  const directories = metadata(listing);
  const ids = metadata(numbers([4, 0]));

  const inodesStart = superblockSize + data.length;
  const directoriesStart = inodesStart + inodes.length;
  const idsStart = directoriesStart + directories.length;
  const idIndex = numbers([8, idsStart]);
  const used = idsStart + ids.length + idIndex.length;
  const superblock = Buffer.concat([
    numbers([4, magic], [4, 2], [4, 0], [4, blockSize], [4, 0]),
    numbers([2, 1], [2, Math.log2(blockSize)], [2, flags], [2, 1], [2, 4], [2, 0]),
    numbers([8, file.length], [8, used], [8, idsStart + ids.length], [8, none]),
    numbers([8, inodesStart], [8, directoriesStart], [8, none], [8, none]),
  ]);
  const padding = Buffer.alloc(blockSize - (used % blockSize));
  return Buffer.concat([superblock, data, inodes, directories, ids, idIndex, padding]);
}
