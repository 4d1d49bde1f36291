"""GIF files: the colours of each picture, and the comment that FFmpeg's encoder does not write."""

from fractions import Fraction
from pathlib import Path
from typing import Any

from face2face.output import provenance

TIME_BASE = Fraction(1, 100)
"""Of a GIF's time stamps, in seconds."""

_HEADER_BYTES = 13  # before the global colours, if there are any


class Palettes:
    """Chooses 256 colours for each picture."""

    def __init__(self, width: int, height: int) -> None:
        """Build FFmpeg's graph of filters for pictures of a size in pixels."""
        import av

        self._av, self._graph = av, av.filter.Graph()
        source = self._graph.add_buffer(
            width=width, height=height, format=av.VideoFormat("rgb24"), time_base=TIME_BASE
        )
        split = self._graph.add("split")
        choose = self._graph.add("palettegen", "stats_mode=single:reserve_transparent=0")
        use = self._graph.add("paletteuse", "new=1:dither=bayer:bayer_scale=4")
        sink = self._graph.add("buffersink")
        source.link_to(split)
        split.link_to(choose, 0, 0)
        split.link_to(use, 1, 0)
        choose.link_to(use, 0, 1)
        use.link_to(sink)
        self._graph.configure()
        self._source, self._sink = source, sink

    def __call__(self, frame: Any) -> list:
        """Push a frame of PyAV, or None after the last one; return the frames that have their palettes."""
        self._source.push(frame)
        coloured = []
        while True:
            try:
                coloured.append(self._sink.pull())
            except (self._av.BlockingIOError, self._av.EOFError):
                return coloured


class GifFile:
    """The file that FFmpeg's GIF encoder writes to, with a comment inserted after the header.

    PyAV drops exceptions that are raised in `write`: the first one is kept for `check`, and nothing more is
    written.
    """

    def __init__(self, path: Path, date: str) -> None:
        """Open the file.

        Args:
            path: Of the file, which is overwritten.
            date: ISO 8601, for the comment.

        Raises:
            OSError: If it cannot be opened.
        """
        self._file = path.open("wb", buffering=0)
        self._comment = provenance.gif_block(date)
        self._head = b""
        self._error: OSError | None = None

    def write(self, data: bytes) -> int:
        """Write bytes, and return their number."""
        try:
            self._write(data)
        except OSError as error:
            self._error = error
        return len(data)

    def check(self) -> None:
        """Raise the first error.

        Raises:
            OSError: If something could not be written.
        """
        if self._error:
            raise self._error

    def _write(self, data: bytes) -> None:
        if self._error:
            return
        if self._comment:
            self._head += bytes(data)
            end = _header_end(self._head)
            if end is None or end > len(self._head):
                return
            data, self._comment = self._head[:end] + self._comment + self._head[end:], b""
        view = memoryview(data).cast("B")
        while view:  # a disk that is nearly full accepts a part first
            view = view[self._file.write(view) :]

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _header_end(head: bytes) -> int | None:
    """Offset of the end of a GIF's header with its global colours; None if `head` is too short to tell."""
    if len(head) < _HEADER_BYTES:
        return None
    has_colours, bits = head[10] & 0x80, (head[10] & 7) + 1
    return _HEADER_BYTES + (3 << bits if has_colours else 0)
