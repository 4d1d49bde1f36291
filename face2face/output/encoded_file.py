"""Files that an encoder writes, where it cannot do all itself: a mark it knows nothing of, a broken end."""

import contextlib
import os
import struct
from collections.abc import Callable
from pathlib import Path

_UNKNOWN = 1 << 62  # further than any file is long


def after_first_box(head: bytes) -> int:
    """Where an MP4's first box ends, which tells its kind."""
    return struct.unpack(">I", head[:4])[0] if len(head) >= 4 else _UNKNOWN


def after_gif_header(head: bytes) -> int:
    """Where a GIF's header ends, with its global colours if it has any."""
    if len(head) < 13:
        return _UNKNOWN
    has_colours, bits = head[10] & 0x80, (head[10] & 7) + 1
    return 13 + (3 << bits if has_colours else 0)


class MarkedFile:
    """A file that the encoder writes through, and that gets a mark which the encoder knows nothing of.

    PyAV loses what is raised in here, so an error is kept for `check`, and nothing more is written.
    """

    def __init__(self, path: Path, mark: bytes, place: Callable[[bytes], int]):
        """place: tells of a file's first bytes where the mark goes."""
        self._file = path.open("wb", buffering=0)
        self._mark, self._place = mark, place
        self._head = b""
        self._error: OSError | None = None

    def write(self, data) -> int:
        try:
            self._write(data)
        except OSError as error:
            self._error = error
        return len(data)

    def check(self) -> None:
        """Raises: OSError if something could not be written."""
        if self._error:
            raise self._error

    def _write(self, data) -> None:
        if self._error:
            return
        if self._mark:
            self._head += bytes(data)
            at = self._place(self._head)
            if at > len(self._head):
                return
            data, self._mark = self._head[:at] + self._mark + self._head[at:], b""
        view = memoryview(data).cast("B")
        while view:  # a disk that is nearly full takes a part first
            view = view[self._file.write(view) :]

    def close(self) -> None:
        self._file.close()


def cut_broken_fragment(path: Path) -> bool:
    """Shorten an MP4 to its last whole fragment, a box `moof` and a box `mdat`; false if there is none."""
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
