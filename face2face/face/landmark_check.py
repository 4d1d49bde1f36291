"""Checks a landmark model before dlib loads it, because dlib uses the file's indices without a check.

The format is that of dlib's `shape_predictor` (Kazemi and Sullivan, CVPR 2014): integers of up to 8 bytes,
each after a byte that holds their number. The model is cascades of regression trees; a tree compares pixels,
whose positions are relative to points of the face.
"""

from pathlib import Path

from face2face import cli, native_files
from face2face.face.geometry import LANDMARKS
from face2face.file_cache import FileCache

KNOWN_MODEL = "fbdc2cb80eb9aa7a758672cbfdda32ba6300efe9b6e6c7a299ff7e736b11b92f"
"""SHA-256 of dlib's own shape_predictor_68_face_landmarks.dat, which needs no check."""

MAX_BYTES = 2**29
"""Five times the size of dlib's own model."""
_MAX_COUNT = 100_000
"""Limit of cascades, trees, splits and pixels, each; dlib's own model has 15, 500, 15 and 400."""

_NOTE = "landmark model"
_INTEGERS_PER_FLOAT = 2  # mantissa and exponent
_SIZE_MASK, _SIGN = 0x0F, 0x80


class _Damaged(ValueError):
    """The model cannot be used. The text says why, in one line."""


def check(path: str | Path) -> Path:
    """Check a landmark model. A new one takes seconds; the result is cached.

    Returns:
        The path of the model.

    Raises:
        UserError: If it is missing, is no model of 68 points, or holds an index out of range.
    """
    path = native_files.existing(path, "the landmark model")
    if path.stat().st_size > MAX_BYTES:
        raise _expected(path, f"a file of over {MAX_BYTES >> 20} MB")
    cache = FileCache([path])
    if cache.digest == KNOWN_MODEL or cache.note(_NOTE, bool):
        return path
    try:
        _check_model(_Numbers(path.read_bytes()))
    except IndexError:
        raise _expected(path, "it ends too early") from None
    except _Damaged as error:
        raise _expected(path, str(error)) from None
    cache.write_note(_NOTE, True)
    return path


def _expected(path: Path, reason: str) -> cli.UserError:
    return cli.UserError(f"expected a 68-point landmark model of dlib's, got {path} ({reason})")


class _Numbers:
    """Reads the numbers of a file in order. Each method raises IndexError at the end of the file."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def next(self) -> int:
        """Read an integer."""
        control = self._data[self._at]
        end = self._at + 1 + (control & _SIZE_MASK)
        value = int.from_bytes(self._data[self._at + 1 : end], "little")
        self._data[end - 1]
        self._at = end
        return -value if control & _SIGN else value

    def count(self, most: int = _MAX_COUNT) -> int:
        """Read a count of parts, from 0 to `most`."""
        count = self.next()
        if not 0 <= count <= most:
            raise _Damaged(f"{count} parts, where at most {most} are expected")
        return count

    def index(self, count: int) -> None:
        """Read an index of one of `count` parts."""
        if not 0 <= self.next() < count:
            raise _Damaged(f"an index beyond {count} parts")

    def skip_floats(self, count: int) -> None:
        """Skip floats."""
        data, at = self._data, self._at
        for _ in range(count * _INTEGERS_PER_FLOAT):
            at += 1 + (data[at] & _SIZE_MASK)
        data[at - 1]
        self._at = at

    def skip_face(self) -> None:
        """Skip a face: a matrix of one column, x and y of each point. The file holds its sides negated."""
        rows, columns = -self.next(), -self.next()
        if (rows, columns) != (2 * LANDMARKS, 1):
            raise _Damaged(f"faces of {rows} x {columns} numbers, not {2 * LANDMARKS} x 1")
        self.skip_floats(rows)

    def has_more(self) -> bool:
        """Whether the end of the file is not reached."""
        return self._at < len(self._data)


def _check_model(numbers: _Numbers) -> None:
    """Read a whole model.

    Raises:
        _Damaged: If it is no model of 68 points, or holds an index out of range.
        IndexError: If the file ends too early.
    """
    if numbers.next() != 1:
        raise _Damaged("its format version is not 1")
    numbers.skip_face()
    pixels_read = []  # for each cascade, the highest index of a pixel plus 1
    for _ in range(numbers.count()):
        highest = 0
        for _ in range(numbers.count()):
            highest = max(highest, _check_tree(numbers))
        pixels_read.append(highest)
    cascades = numbers.count()
    if cascades != len(pixels_read):
        raise _Damaged(f"pixels for {cascades} cascades, expected {len(pixels_read)}")
    pixels = []
    for _ in range(cascades):
        pixels.append(numbers.count())
        for _ in range(pixels[-1]):
            numbers.index(LANDMARKS)
    if numbers.count() != cascades:
        raise _Damaged("pixel offsets for another number of cascades")
    for count, read in zip(pixels, pixels_read, strict=True):
        if read > count or numbers.count() != count:
            raise _Damaged(f"an index beyond {count} pixels")
        numbers.skip_floats(2 * count)
    if numbers.has_more():
        raise _Damaged("it has bytes after its end")


def _check_tree(numbers: _Numbers) -> int:
    """Read a complete binary tree: splits, and a change of the face at each leaf.

    Returns:
        The highest index of a pixel plus 1.
    """
    splits, highest = numbers.count(), 0
    for _ in range(splits):
        for _ in range(2):
            index = numbers.next()
            if not 0 <= index < _MAX_COUNT:
                raise _Damaged("a pixel index out of range")
            highest = max(highest, index + 1)
        numbers.skip_floats(1)
    leaves = numbers.count()
    if leaves != splits + 1 or leaves & splits:
        raise _Damaged(f"a tree of {splits} splits and {leaves} leaves")
    for _ in range(leaves):
        numbers.skip_face()
    return highest
