"""The rule of what may be written where. Every script writes through this module.

- An output is never an input, nor a folder that holds one, nor another output.
- Only what this project wrote is replaced, file by file; a file's content tells whether it is ours.
- Other files stay where they are.
- A new file takes its place only when it is whole and has something in it.
"""

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from face2face.cli import UserError

IsOurs = Callable[[Path], bool]
"""Tells of an existing file whether this project wrote it, and so may replace it."""

SCRATCH_PREFIX = ".face2face."
"""Of the hidden folders that hold what is not whole yet."""


def never_ours(path: Path) -> bool:
    """Of files that nothing tells from a user's own: none is replaced."""
    return False


def check_apart(outputs: Mapping[str, Path | None], inputs: Mapping[str, Path | None]) -> None:
    """Refuse outputs that would destroy an input or each other, whatever links lead to them.

    Args:
        outputs, inputs: paths by the name that the user knows them by (an option); None: not given.
    Raises:
        UserError: if the system refuses.
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
    """Device and inode of a path; where nothing is yet, those of the nearest folder above, and the rest."""
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
    """Raises: UserError if something is at `path` that is not ours to replace."""
    if not os.path.lexists(path):
        return
    if path.is_dir():
        raise UserError(f"expected a file's name to write to, got a folder: {path}")
    if not path.exists():
        raise UserError(f"expected a file's name to write to, got a link that leads nowhere: {path}")
    if not path.is_file():
        raise UserError(f"expected a file's name to write to, got a device or a pipe: {path}")
    if path.stat().st_size and not is_ours(path):  # of an empty file nothing can be lost
        raise UserError(
            f"expected a new file, or an older one of this kind to replace, got another file: {path}"
        )


@contextlib.contextmanager
def whole_file(path: Path, is_ours: IsOurs) -> Iterator[Path]:
    """Yield a name to write a file under; it takes its place if all goes well.

    On any exception, and if nothing was written, `path` stays as it was. The name keeps the ending of `path`,
    from which encoders choose their format. A link stays, and what it points to is replaced.

    Raises:
        UserError: before anything is written, if `path` is not ours to replace.
        OSError: if the system refuses.
    """
    path = Path(os.path.realpath(path))
    check_replaceable(path, is_ours)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=SCRATCH_PREFIX, dir=path.parent) as scratch:
        unfinished = Path(scratch) / path.name
        yield unfinished
        if unfinished.is_file() and unfinished.stat().st_size:
            check_replaceable(path, is_ours)
            os.replace(unfinished, path)


def write_bytes(path: Path, data: bytes, is_ours: IsOurs) -> None:
    """Write a file whole or not at all. Raises: as `whole_file`."""
    with whole_file(path, is_ours) as unfinished:
        unfinished.write_bytes(data)


def write_text(path: Path, text: str, is_ours: IsOurs) -> None:
    """Write a UTF-8 file whole or not at all. Raises: as `whole_file`."""
    write_bytes(path, text.encode(), is_ours)


@contextlib.contextmanager
def whole_folder(path: Path, is_ours: IsOurs, last: str, removes_stale: bool = True) -> Iterator[Path]:
    """Yield a new folder to fill; its files take their places in `path` one by one if all goes well.

    Args:
        last: the name of the file that makes sense of the others (a sidecar, an index). The old one goes
            first and the new one comes last: a process that is killed in between leaves no folder that looks
            whole and is not.
        removes_stale: files in `path` that are ours and have no successor are removed.
    Raises:
        UserError: before anything is changed, if a file that is not ours is in the way.
        OSError: if the system refuses.
    """
    path = Path(os.path.realpath(path))
    if path.exists() and not path.is_dir():
        raise UserError(f"expected a folder's name to write to, got a file: {path}")
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=SCRATCH_PREFIX, dir=path.parent) as scratch:
        unfinished = Path(scratch) / path.name
        unfinished.mkdir()
        yield unfinished
        names = [file.relative_to(unfinished) for file in _files(unfinished)]
        for name in names:
            for folder in [path / parent for parent in name.parents]:
                if folder.exists() and not folder.is_dir():
                    raise UserError(f"expected a folder, got a file of that name: {folder}")
            check_replaceable(path / name, is_ours)
        stale = [file for file in _files(path) if file.relative_to(path) not in names and is_ours(file)]
        if Path(last) in names:
            (path / last).unlink(missing_ok=True)
        for file in stale if removes_stale else []:
            file.unlink(missing_ok=True)
        for name in sorted(names, key=lambda name: name.as_posix() == last):
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            os.replace(unfinished / name, os.path.realpath(path / name))


def foreign_files(path: Path, is_ours: IsOurs) -> list[Path]:
    """The files below a folder that are not ours."""
    return [file for file in _files(path) if not is_ours(file)]


def _files(folder: Path) -> list[Path]:
    return [file for file in sorted(folder.rglob("*")) if file.is_file()] if folder.is_dir() else []
