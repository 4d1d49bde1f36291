"""MP4 and MOV files whose writing was interrupted."""

import contextlib
import os
import struct
from pathlib import Path


def cut_broken_fragment(path: Path) -> bool:
    """Shorten a fragmented MP4 to its last complete fragment, which is a box `moof` and a box `mdat`.

    Returns:
        Whether a complete fragment is left.
    """
    has_fragment = False
    with contextlib.suppress(OSError), path.open("rb+") as file:
        size = file.seek(0, os.SEEK_END) if path.is_file() else 0
        at = whole = 0
        while at + 8 <= size:
            file.seek(at)
            length, kind = struct.unpack(">I4s", file.read(8))
            if length < 8 or at + length > size:
                break
            at += length
            if kind != b"moof":
                whole = at
            has_fragment |= kind == b"mdat"
        if size:
            file.truncate(whole)
    return has_fragment
