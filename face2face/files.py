"""The rule of which paths may be written. Each script checks its outputs here, and writes most of them here.

- An output is never an input, nor a folder that holds one, nor another output.
- Only files that this project wrote are replaced, one by one; a file's content shows whether it is ours.
- Other files stay where they are.
- A new file is moved into place only when it is complete and not empty.
"""

import contextlib
import functools
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

from face2face.cli import UserError

IsOurs = Callable[[Path], bool]
"""Whether an existing file was written by this project, which may then replace it."""

SCRATCH_PREFIX = ".face2face."
"""The name prefix of the hidden folders that hold unfinished files."""

_SCRATCH = re.compile(re.escape(SCRATCH_PREFIX) + "[a-z0-9_]{8}")  # as `tempfile` names them
ABANDONED_SECONDS = 24 * 3600
"""An unfinished folder in which nothing has been written for so long is left of a process that was killed."""


def never_ours(path: Path) -> bool:
    """An `IsOurs` for files that cannot be told from a user's own: none of them is replaced."""
    return False


def check_apart(outputs: Mapping[str, Path | None], inputs: Mapping[str, Path | None]) -> None:
    """Refuse outputs that would destroy an input or each other; links are followed.

    Args:
        outputs: Paths by the name that the user knows them by (an option); None if not given.
        inputs: Likewise.

    Raises:
        UserError: If an output is an input, holds one, or is another output.
    """
    written: dict[tuple, str] = {}
    read = {name: path for name, path in inputs.items() if path is not None}
    for name, path in outputs.items():
        if path is None:
            continue
        this = _identity(path)
        if this in written:
            raise UserError(f"expected two files as {written[this]} and {name}, got one: {path}")
        written[this] = name
        for other, source in read.items():
            if this == _identity(source):
                raise UserError(f"expected another path as {name} than as {other}, got {path} for both")
            if this in {_identity(parent) for parent in _parents(source)}:
                raise UserError(
                    f"expected a {name} that does not hold {other}, got {path}, which holds {source}"
                )


def _identity(path: Path) -> tuple:
    """Device and inode of a path; if it does not exist, those of its nearest parent, and the rest."""
    whole = Path(os.path.realpath(path))
    for place in (whole, *whole.parents):
        with contextlib.suppress(OSError):
            found = os.stat(place)
            return found.st_dev, found.st_ino, *whole.parts[len(place.parts) :]
    return (whole,)


def _parents(path: Path) -> list[Path]:
    """The folders that hold a path, and those that hold what it links to."""
    return [*Path(os.path.abspath(path)).parents, *Path(os.path.realpath(path)).parents]


def check_replaceable(path: Path, is_ours: IsOurs) -> None:
    """Check that a path is free, or holds a file of ours.

    Raises:
        UserError: If it holds anything else.
    """
    if not os.path.lexists(path):
        return
    if path.is_dir():
        raise UserError(f"expected a file's name to write to, got a folder: {path}")
    if not path.exists():
        raise UserError(f"expected a file's name to write to, got a link that leads nowhere: {path}")
    if not path.is_file():
        raise UserError(f"expected a file's name to write to, got a device or a pipe: {path}")
    if path.stat().st_size and not is_ours(path):  # an empty file holds nothing to lose
        raise UserError(
            f"expected a new file, or an older one of this kind to replace, got another file: {path}"
        )


def check_folder(path: Path) -> None:
    """Check that a folder can be made, or is there already.

    Raises:
        UserError: If a file is in its place, or in that of a folder that would hold it.
    """
    whole = Path(os.path.realpath(path))
    there = next(place for place in (whole, *whole.parents) if os.path.lexists(place))
    if not there.is_dir():
        raise UserError(
            f"expected a folder's name to write to, got a file: {there if there != whole else path}"
        )


@contextlib.contextmanager
def whole_file(path: Path, is_ours: IsOurs) -> Iterator[Path]:
    """Yield a temporary path to write a file to, which is moved to `path` at the end.

    On any exception, and if nothing was written, `path` stays as it was. The temporary path has the suffix of
    `path`, from which encoders choose their format. If `path` is a link, the file it points to is replaced.

    Raises:
        UserError: Before anything is written, if `path` is not ours to replace.
        OSError: If the system refuses.
    """
    path = Path(os.path.realpath(path))
    check_replaceable(path, is_ours)
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(path.parent)
    with tempfile.TemporaryDirectory(prefix=SCRATCH_PREFIX, dir=path.parent) as scratch:
        unfinished = Path(scratch) / path.name
        yield unfinished
        if unfinished.is_file() and unfinished.stat().st_size:
            check_replaceable(path, is_ours)
            os.replace(unfinished, path)


def lock(descriptor: int) -> None:
    """Lock an open file or folder until it is closed, where the system has such locks (not on Windows).

    Raises:
        BlockingIOError: If it is locked.
    """
    if fcntl is not None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise
        except OSError:  # a file system without locks
            pass


@contextlib.contextmanager
def only_writer(folder: Path, name: str) -> Iterator[None]:
    """Refuse a folder that another process writes to; others refuse it as long as this context lasts.

    Args:
        folder: An existing folder.
        name: Of the option that gave it.

    Raises:
        UserError: If another process is in such a context.
    """
    if fcntl is None:
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            lock(descriptor)
        except BlockingIOError:
            raise UserError(f"expected {name} that no other program writes to, got {folder}") from None
        yield
    finally:
        os.close(descriptor)


def write_bytes(path: Path, data: bytes, is_ours: IsOurs) -> None:
    """Write a file completely or not at all.

    Raises:
        UserError: As `whole_file`.
        OSError: If the system refuses.
    """
    with whole_file(path, is_ours) as unfinished:
        unfinished.write_bytes(data)


def write_text(path: Path, text: str, is_ours: IsOurs) -> None:
    """Write a UTF-8 file completely or not at all.

    Raises:
        UserError: As `whole_file`.
        OSError: If the system refuses.
    """
    write_bytes(path, text.encode(), is_ours)


@contextlib.contextmanager
def whole_folder(path: Path, is_ours: IsOurs, last: str, content: re.Pattern[str]) -> Iterator[Path]:
    """Yield a temporary folder to fill, whose files are moved into `path` one by one at the end.

    Args:
        path: The folder to write to; it may exist and hold other files, which stay.
        is_ours: Which existing files may be replaced.
        last: The name of the file that describes the others (a sidecar, an index). The old one is removed
            first and the new one is moved last: if the process is killed in between, the folder does not
            look complete.
        content: Matches the whole path in the folder, with /, of each file that can be written. Such files
            that are there, are ours, and are not written again are removed: they are an older one's. No / of
            the pattern matches more than one of a path.

    Raises:
        UserError: Before anything is changed, if a file that is not ours would be replaced.
        OSError: If the system refuses.
    """
    check_folder(path)
    path = Path(os.path.realpath(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    # A folder may be a disk of its own, and nothing is moved from one to another in one step.
    same_disk = path if path.is_dir() else path.parent
    _remove_abandoned(same_disk)
    with tempfile.TemporaryDirectory(prefix=SCRATCH_PREFIX, dir=same_disk) as scratch, ExitStack() as stack:
        unfinished = Path(scratch) / path.name
        unfinished.mkdir()
        yield unfinished
        names = [file.relative_to(unfinished) for file in sorted(unfinished.rglob("*")) if file.is_file()]
        for name in names:
            for folder in [path / parent for parent in name.parents]:
                if folder.exists() and not folder.is_dir():
                    raise UserError(f"expected a folder, got a file of that name: {folder}")
            check_replaceable(path / name, is_ours)
        stale = [
            path / name
            for name in (file.relative_to(path) for file in _files(path, depth=content.pattern.count("/")))
            if name not in names and content.fullmatch(name.as_posix()) and is_ours(path / name)
        ]
        moves = {name: _move(unfinished / name, path / name, stack) for name in names}
        if Path(last) in moves:
            moves[Path(last)][1].unlink(missing_ok=True)
        for file in stale:
            file.unlink(missing_ok=True)
        for name in sorted(moves, key=lambda name: name.as_posix() == last):
            source, target = moves[name]
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(source, target)


def _move(file: Path, path: Path, stack: ExitStack) -> tuple[Path, Path]:
    """What to move where, so that a new file takes the place of what is at a path.

    Args:
        file: The new file.
        path: Where it goes. What a link leads to, and a subfolder, may be on another disk: the file is copied
            there first.
        stack: Removes the copy.
    """
    target = Path(os.path.realpath(path))
    place = next(parent for parent in target.parents if parent.is_dir())
    if target == path and place.stat().st_dev == file.parent.stat().st_dev:
        return file, target
    scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix=SCRATCH_PREFIX, dir=place))
    return Path(shutil.copy(file, scratch)), target


@functools.cache
def _remove_abandoned(folder: Path) -> None:
    """Remove what killed processes left unfinished in a folder; once in each process."""
    with contextlib.suppress(OSError):  # another process removes it, too
        for scratch in folder.glob(f"{SCRATCH_PREFIX}*"):
            if is_scratch(scratch) and scratch.is_dir() and not scratch.is_symlink():
                newest = max(path.lstat().st_mtime for path in (scratch, *scratch.rglob("*")))
                if time.time() - newest > ABANDONED_SECONDS:
                    shutil.rmtree(scratch, ignore_errors=True)


def is_scratch(path: Path) -> bool:
    """Whether a path has the name of an unfinished folder of ours."""
    return _SCRATCH.fullmatch(path.name) is not None


def _files(folder: Path, depth: int) -> Iterator[Path]:
    """The files in a folder and so many levels of subfolders; linked ones, too, which may form a circle."""
    with contextlib.suppress(FileNotFoundError, PermissionError):
        for path in sorted(folder.iterdir()):
            if path.is_file():
                yield path
            elif path.is_dir() and depth:
                yield from _files(path, depth - 1)
