"""Looks into a landmark model before dlib runs it: dlib follows the indices in the file wherever they point.

The format is dlib's own (`shape_predictor`, Kazemi and Sullivan, CVPR 2014): numbers of up to 8 bytes, each
behind a byte that tells how many. Cascades of trees; a tree compares pixels, which stand near points of the
face.
"""

from pathlib import Path

from face2face import cli, native_files
from face2face.file_cache import FileCache

POINTS = 68

KNOWN_MODEL = "fbdc2cb80eb9aa7a758672cbfdda32ba6300efe9b6e6c7a299ff7e736b11b92f"
"""The SHA-256 of dlib's own shape_predictor_68_face_landmarks.dat, which need not be looked into."""

MAX_BYTES = 2**29
"""Five times the size of dlib's own."""
_MAX_COUNT = 100_000
"""Of cascades, trees, splits and pixels, each; dlib's own has 15, 500, 15 and 400."""

_NOTE = "landmark model"
_NUMBERS_OF_A_FLOAT = 2  # mantissa and exponent
_SIZE_MASK, _SIGN = 0x0F, 0x80


class _Damaged(ValueError):
    """The text says what is wrong, in one line."""


def check(path: str | Path) -> Path:
    """Look into a landmark model, the first time that it is met: then it takes seconds.

    Raises:
        UserError: if it is missing, or no model of 68 points, or its indices point beyond its parts.
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
    """The numbers of a file, one after the other. Each method raises IndexError where the file ends."""

    def __init__(self, data: bytes):
        self._data, self._at = data, 0

    def next(self) -> int:
        control = self._data[self._at]
        end = self._at + 1 + (control & _SIZE_MASK)
        value = int.from_bytes(self._data[self._at + 1 : end], "little")
        self._data[end - 1]
        self._at = end
        return -value if control & _SIGN else value

    def count(self, most: int = _MAX_COUNT) -> int:
        count = self.next()
        if not 0 <= count <= most:
            raise _Damaged(f"{count} parts, where at most {most} are expected")
        return count

    def index(self, count: int) -> None:
        """A number that chooses among so many."""
        if not 0 <= self.next() < count:
            raise _Damaged(f"an index beyond {count} parts")

    def skip_floats(self, count: int) -> None:
        data, at = self._data, self._at
        for _ in range(count * _NUMBERS_OF_A_FLOAT):
            at += 1 + (data[at] & _SIZE_MASK)
        data[at - 1]
        self._at = at

    def skip_face(self) -> None:
        """A matrix of one column: x and y of each point. Its sides are stored as negative numbers."""
        rows, columns = -self.next(), -self.next()
        if (rows, columns) != (2 * POINTS, 1):
            raise _Damaged(f"faces of {rows} x {columns} numbers, not {2 * POINTS} x 1")
        self.skip_floats(rows)

    def has_more(self) -> bool:
        return self._at < len(self._data)


def _check_model(numbers: _Numbers) -> None:
    """Raises: _Damaged, IndexError."""
    if numbers.next() != 1:
        raise _Damaged("its first number is not dlib's")
    numbers.skip_face()
    pixels_read = []  # in each cascade, one more than the highest index of a pixel
    for _ in range(numbers.count()):
        highest = 0
        for _ in range(numbers.count()):
            highest = max(highest, _check_tree(numbers))
        pixels_read.append(highest)
    cascades = numbers.count()
    if cascades != len(pixels_read):
        raise _Damaged(f"pixels of {cascades} cascades, of {len(pixels_read)}")
    pixels = []
    for _ in range(cascades):
        pixels.append(numbers.count())
        for _ in range(pixels[-1]):
            numbers.index(POINTS)
    if numbers.count() != cascades:
        raise _Damaged("places of pixels that are not those of its cascades")
    for count, read in zip(pixels, pixels_read, strict=True):
        if read > count or numbers.count() != count:
            raise _Damaged(f"an index beyond {count} pixels")
        numbers.skip_floats(2 * count)
    if numbers.has_more():
        raise _Damaged("it goes on after its end")


def _check_tree(numbers: _Numbers) -> int:
    """A complete binary tree: splits, and a face's change for each leaf. Returns the pixels that it reads."""
    splits, highest = numbers.count(), 0
    for _ in range(splits):
        for _ in range(2):
            index = numbers.next()
            if not 0 <= index < _MAX_COUNT:
                raise _Damaged("an index beyond all pixels")
            highest = max(highest, index + 1)
        numbers.skip_floats(1)
    leaves = numbers.count()
    if leaves != splits + 1 or leaves & splits:
        raise _Damaged(f"a tree of {splits} splits and {leaves} leaves")
    for _ in range(leaves):
        numbers.skip_face()
    return highest
