"""What is written: no file of somebody else changes, whatever the arguments and whatever is there already."""

import contextlib
import os
import pickle
import re
from collections.abc import Collection
from pathlib import Path

import pytest
from hypothesis import strategies as st

import generate_train_data
from examples import samples
from face2face import cli, files, pictures
from face2face.face.landmarks import default_landmark_model
from face2face.target import sidecar
from pix2pix.tools import process, split
from tests import made
from tests.fuzz import harness
from tests.fuzz.harness import Reader
from tests.fuzz.valid import SIZE, pairs_sidecar, picture_files

TREE, CALL = "tree", "call"
"""In a case's folder: what is there already, and what is called."""

OURS, FOREIGN = b"ours", b"somebody else's"

_CONTENTS = st.sampled_from(
    ["ours", "foreign", "picture", "our picture", "sidecar", "empty", "settings", "junk"]
)
_LINKS = ("file", "folder", "nowhere", "pipe")


def trees(names: Collection[str]) -> st.SearchStrategy[dict[str, tuple]]:
    """Files, folders, links and pipes, by name: what kind, and which name a link leads to."""
    entry = st.tuples(st.one_of(_CONTENTS, _CONTENTS, st.sampled_from(_LINKS)), st.sampled_from(list(names)))
    return st.dictionaries(st.sampled_from(list(names)), entry, max_size=7)


def place(folder: Path, data: object) -> set[str]:
    """Returns the names of files that are ours, which may be replaced."""
    tree, call = data
    (folder / CALL).write_bytes(pickle.dumps(call))
    (folder / TREE).mkdir()
    for name, (kind, other) in tree.items():
        path = folder / TREE / name
        with contextlib.suppress(OSError):  # something else is in the way
            path.parent.mkdir(parents=True, exist_ok=True)
            if kind == "folder":
                path.mkdir()
            elif kind == "pipe":
                os.mkfifo(path)
            elif kind in ("file", "nowhere"):
                path.symlink_to(folder / TREE / other if kind == "file" else "nowhere")
            elif not os.path.lexists(path):
                _write(path, kind)
    return {
        path.relative_to(folder).as_posix()
        for path in (folder / TREE).rglob("*")
        if path.is_file() and (is_ours(path) or not path.stat().st_size)
    }


def _write(path: Path, kind: str) -> None:
    contents = {"ours": OURS, "foreign": FOREIGN, "empty": b"", "junk": b"\x89PNG\r\n\x1a\n"}
    if kind == "sidecar":
        scratch = path.with_name(f"{path.name}.scratch")
        scratch.mkdir()
        pairs_sidecar().write(scratch)
        (scratch / sidecar.SIDECAR_NAME).rename(path)
        scratch.rmdir()
    elif kind == "settings":
        path.write_text('{"operation": "grayscale", "marked": true}')
    elif kind == "our picture":
        path.write_bytes(pictures.encode(made.noise(SIZE, SIZE), ".png"))
    else:
        path.write_bytes(contents.get(kind) or (picture_files()[2] if kind == "picture" else b""))


def is_ours(path: Path) -> bool:
    if path.name in (sidecar.SIDECAR_NAME, process.SETTINGS):
        return sidecar.is_sidecar(path) or path.read_bytes().startswith(b'{"operation"')
    return path.read_bytes().startswith(OURS) or pictures.is_ours(path)


@contextlib.contextmanager
def told():
    """An OSError ends in one line at a script's edge."""
    try:
        yield
    except OSError as error:
        raise cli.UserError(ascii(str(error))) from None


def called(folder: Path) -> tuple:
    return pickle.loads((folder / CALL).read_bytes())


# --- the rule of all writers ------------------------------------------------------------------------------

NAMES = (
    "out",
    "out/a.png",
    "out/b/c.png",
    "out/index.json",
    "in",
    "in/a.png",
    "in/b",
    "other",
    "link",
    "out/b",
)
_WAYS = ("whole", "empty", "fails")
ANY, NONE = re.compile(".*", re.S), re.compile(r"(?!)")


def rule_calls() -> st.SearchStrategy[tuple]:
    name, way = st.sampled_from(NAMES), st.sampled_from(_WAYS)
    inside = st.sampled_from(("a.png", "b/c.png", "index.json", "b", "new"))
    one = st.tuples(st.just("file"), name, way)
    folder = st.tuples(st.just("folder"), name, way, st.sets(inside, max_size=4), inside, st.booleans())
    apart = st.tuples(st.just("apart"), st.sets(name, max_size=3), st.sets(name, max_size=3))
    return st.tuples(trees(NAMES), st.lists(st.one_of(one, folder, apart), min_size=1, max_size=3))


ONE_FILE = ({}, [("file", "out", "whole")])


class _Failed(Exception):
    """What a writer meets while it writes."""


def write_by_the_rule(folder: Path) -> None:
    tree = folder / TREE
    for kind, *rest in called(folder):
        with told(), contextlib.suppress(_Failed):
            if kind == "file":
                _write_file(tree / rest[0], rest[1], is_ours)
            elif kind == "folder":
                _write_folder(tree / rest[0], *rest[1:])
            else:
                _write_apart(tree, *rest)


def _write_file(path: Path, way: str, replaceable: files.IsOurs) -> None:
    with files.whole_file(path, replaceable) as unfinished:
        unfinished.write_bytes(b"" if way == "empty" else OURS + b" and new")
        if way == "fails":
            raise _Failed


def _write_folder(path: Path, way: str, names: set[str], last: str, removes_stale: bool) -> None:
    with files.whole_folder(path, is_ours, last, ANY if removes_stale else NONE) as unfinished:
        for name in sorted(names):
            with contextlib.suppress(OSError):  # a file where a folder should be
                (unfinished / name).parent.mkdir(parents=True, exist_ok=True)
                (unfinished / name).write_bytes(b"" if way == "empty" else OURS + b" and new")
        if way == "fails":
            raise _Failed


def _write_apart(tree: Path, outputs: set[str], inputs: set[str]) -> None:
    """Whatever passes leaves the inputs alone, even if everything may be replaced."""
    read = [tree / name for name in sorted(inputs) if (tree / name).is_file()]
    before = [path.read_bytes() for path in read]
    written = [tree / name for name in sorted(outputs)]
    files.check_apart({str(path): path for path in written}, {str(path): path for path in read})
    for path in written:
        _write_file(path, "fails", lambda path: True)
        if not os.path.lexists(path):
            _write_file(path, "whole", is_ours)
    assert [path.read_bytes() for path in read] == before


# --- the scripts ------------------------------------------------------------------------------------------

PICTURES = ("1.png", "2.png", "2.jpg", "10.png", "landmarks.json", ".process.json", "train", "notes.txt")
FOLDERS = ("a", "b", "out", "a/train", "a/val")
PLACES = tuple(f"{folder}/{name}" for folder in FOLDERS for name in PICTURES) + FOLDERS


def filled(folder: str) -> dict[str, tuple]:
    """A folder that the scripts accept, before anything is put over it."""
    return {f"{folder}/{name}": ("our picture", "") for name in ("1.png", "2.png", "10.png")}


def process_calls() -> st.SearchStrategy[tuple]:
    folder = st.sampled_from(("a", "b", "out", "out/new", "a/train", "a/1.png"))
    calls = st.tuples(
        folder, folder, st.sampled_from(process.OPERATIONS), folder, st.sampled_from([1, 8, 64])
    )
    usual = st.builds(lambda operation: ("a", "out", operation, "b", 8), st.sampled_from(process.OPERATIONS))
    tree = trees(PLACES).map(lambda tree: filled("a") | filled("b") | tree)
    return st.tuples(tree, st.one_of(calls, usual, usual))


RESIZED = (filled("a"), ("a", "out", "resize", "b", 8))


def run_process(folder: Path) -> None:
    tree = folder / TREE
    source, output, operation, right, size = called(folder)
    with told():
        process.process(
            tree / source,
            tree / output,
            operation,
            b_dir=tree / right if operation == "combine" else None,
            size=size if operation == "resize" else None,
        )


def split_calls() -> st.SearchStrategy[tuple]:
    calls = st.tuples(st.floats(0, 1), st.sampled_from([None, "sort", "shuffle"]), st.integers(0, 9))
    return st.tuples(trees(PLACES).map(lambda tree: filled("a") | tree), calls)


def place_split(folder: Path, data: object) -> set[str]:
    """Pictures are moved, whoever made them: that none is lost is looked at afterwards."""
    moved = (path for path in (folder / TREE / "a").rglob("*") if path.suffix in (".png", ".jpg"))
    return place(folder, data) | {path.relative_to(folder).as_posix() for path in moved}


def run_split(folder: Path) -> None:
    top = folder / TREE / "a"

    def foreign() -> list[bytes]:
        found = (path for path in top.rglob("*") if path.is_file() and not path.is_symlink())
        return sorted(path.read_bytes() for path in found if path.stat().st_size and not is_ours(path))

    before = foreign()
    try:
        with told():
            split.split(top, *called(folder))
    finally:
        assert foreign() == before, "a picture of somebody else was lost"


def generate_calls() -> st.SearchStrategy[tuple]:
    names = [f"{folder}/{name}" for folder in ("original", "landmarks") for name in PICTURES]
    tree = trees([*names, "original", "landmarks", "preview.png", "notes.txt"])
    return st.tuples(tree, st.tuples(st.integers(1, 2), st.booleans(), st.booleans()))


ONE_PAIR = ({}, (1, False, True))


def run_generate(folder: Path) -> None:
    count, overwrite, preview = called(folder)
    clip = str(samples.fetch() / "single_face.mp4")
    model = default_landmark_model()
    with told():
        generate_train_data.generate(
            [clip], count, folder / TREE, model, "first", end=0.2, overwrite=overwrite, preview=preview
        )


READERS = [
    Reader("rule of outputs", write_by_the_rule, rule_calls, lambda: [ONE_FILE], 500, place),
    Reader("process.py", run_process, process_calls, lambda: [RESIZED], 160, place),
    Reader("split.py", run_split, split_calls, lambda: [(filled("a"), (0.5, None, 0))], 100, place_split),
    Reader("generate_train_data.py", run_generate, generate_calls, lambda: [ONE_PAIR], 40, place),
]


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
def test_no_foreign_file_changes(reader, process):
    harness.fuzz(reader, process)
