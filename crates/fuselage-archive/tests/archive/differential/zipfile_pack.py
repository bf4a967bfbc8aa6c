"""Packs the working directory with zipfile: python3 -m zipfile_pack METHOD OUTPUT ARCHIVE

METHOD: STORED, DEFLATED, BZIP2 or LZMA. OUTPUT: file; or pipe, in which nothing can be put right.
"""

import os
import sys
import time
import zipfile


class Pipe:
    def __init__(self, file):
        self.write = file.write
        self.flush = file.flush


def pack_link(archive, path):
    facts = os.lstat(path)
    # ZipInfo.from_file would take what the link leads to.
    date = max(time.localtime(facts.st_mtime)[:6], (1980, 1, 1, 0, 0, 0))
    info = zipfile.ZipInfo(path, date)
    info.external_attr = facts.st_mode << 16
    archive.writestr(info, os.readlink(path))


def pack(archive, path):
    info = zipfile.ZipInfo.from_file(path, strict_timestamps=False)
    info.compress_type = archive.compression
    if info.is_dir():
        archive.writestr(info, b"", zipfile.ZIP_STORED)
        return
    with open(path, "rb") as source, archive.open(info, "w") as entry:
        while data := source.read(1 << 16):
            entry.write(data)


method, output, path = sys.argv[1:]
with open(path, "wb") as file:
    file = Pipe(file) if output == "pipe" else file
    with zipfile.ZipFile(file, "w", getattr(zipfile, "ZIP_" + method)) as archive:
        for directory, directories, files in os.walk("."):
            for name in directories + files:
                entry = os.path.join(directory, name).removeprefix("./")
                (pack_link if os.path.islink(entry) else pack)(archive, entry)
