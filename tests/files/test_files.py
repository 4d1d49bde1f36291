"""The rule of what may be written where."""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from face2face import files
from face2face.cli import UserError
from tests import made

CONTENT = re.compile(r"index|\d|sub/\d")
"""The files of a folder in these tests."""


def is_ours(path: Path) -> bool:
    return path.read_text().startswith("ours")


# --- inputs and outputs ---------------------------------------------------------------------------------


@pytest.fixture
def place(tmp_path) -> Path:
    """A folder a/b with a file in it, a link to the folder and one to the file, and a second name of it."""
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "in.txt").write_text("ours")
    (tmp_path / "folder-link").symlink_to(tmp_path / "a" / "b")
    (tmp_path / "file-link").symlink_to(tmp_path / "a" / "b" / "in.txt")
    os.link(tmp_path / "a" / "b" / "in.txt", tmp_path / "hard-link")
    return tmp_path


@pytest.mark.parametrize(
    "output, source",
    [
        ("a/b/in.txt", "a/b/in.txt"),
        ("a/../a/b/in.txt", "a/b/in.txt"),
        ("file-link", "a/b/in.txt"),
        ("hard-link", "a/b/in.txt"),
        ("folder-link/in.txt", "a/b/in.txt"),
        ("a/b", "folder-link"),
        ("a", "a/b/in.txt"),
        ("a", "folder-link"),
        ("a", "file-link"),
        ("folder-link", "a/b/in.txt"),
        (".", "folder-link/in.txt"),
        ("new/x", "new/x"),
        ("folder-link/new", "a/b/new"),
    ],
)
def test_an_output_that_is_an_input_or_holds_one_is_refused(place, output, source):
    with pytest.raises(UserError, match="--out"):
        files.check_apart({"--out": place / output}, {"--in": place / source})


@pytest.mark.parametrize(
    "output, source", [("a/new", "a/b"), ("a/b/new", "a/b"), ("a/b/in.txt", "a/b"), ("new", "a"), ("a", None)]
)
def test_other_outputs_pass(place, output, source):
    """Also those that an input's folder holds."""
    files.check_apart({"--out": place / output, "--not-given": None}, {"--in": source and place / source})


def test_two_outputs_in_one_place_are_refused(place):
    outputs = {"--record": place / "a" / "b" / "new", "--report": place / "folder-link" / "new"}
    with pytest.raises(UserError, match="expected two files as --record and --report, got one: "):
        files.check_apart(outputs, {})


# --- files ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("before", [None, "", "ours, older"], ids=["nothing", "an empty file", "ours"])
def test_a_new_file_takes_its_place_when_it_is_whole(before, tmp_path):
    path = tmp_path / "new" / "a.txt"
    if before is not None:
        path.parent.mkdir()
        path.write_text(before)
    with files.whole_file(path, is_ours) as unfinished:
        assert unfinished.suffix == ".txt" and unfinished != path
        unfinished.write_text("ours, newer")
        assert (path.read_text() if path.exists() else None) == before
    assert path.read_text() == "ours, newer"
    assert [file.name for file in path.parent.iterdir()] == ["a.txt"]


@pytest.mark.parametrize("content", [None, "", "ours, newer"], ids=["nothing", "an empty file", "an error"])
def test_what_is_not_whole_changes_nothing(content, tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("ours, older")
    before = made.tree(tmp_path)
    if content:
        with pytest.raises(KeyboardInterrupt), files.whole_file(path, is_ours) as unfinished:
            unfinished.write_text(content)
            raise KeyboardInterrupt
    else:
        with files.whole_file(path, is_ours) as unfinished:
            if content is not None:
                unfinished.write_text(content)
    assert made.tree(tmp_path) == before


def fifo(path: Path) -> None:
    os.mkfifo(path)


def folder(path: Path) -> None:
    path.mkdir()
    (path / "notes.txt").write_text("notes")


def notes(path: Path) -> None:
    path.write_text("notes")


def link_to_notes(path: Path) -> None:
    notes(path.with_name("notes.txt"))
    path.symlink_to("notes.txt")


@pytest.mark.parametrize(
    "make, message",
    [
        (notes, "expected a new file, or an older one of this kind to replace, got another file: "),
        (link_to_notes, "expected a new file, or an older one of this kind to replace, got another file: "),
        (folder, "expected a file's name to write to, got a folder: "),
        (fifo, "expected a file's name to write to, got a device or a pipe: "),
    ],
)
def test_what_is_not_ours_is_not_replaced(make, message, tmp_path):
    path = tmp_path / "a.txt"
    make(path)
    before = {name: value for name, value in made.tree(tmp_path).items()}
    with pytest.raises(UserError, match=message), files.whole_file(path, is_ours):
        raise AssertionError("nothing may be written")
    assert made.tree(tmp_path) == before


def test_what_came_in_the_meantime_is_not_replaced(tmp_path):
    path = tmp_path / "a.txt"
    with (
        pytest.raises(UserError, match="expected a new file"),
        files.whole_file(path, files.never_ours) as unfinished,
    ):
        unfinished.write_text("ours")
        notes(path)
    assert path.read_text() == "notes"


def test_a_link_stays_and_what_it_points_to_is_replaced(tmp_path):
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "a.txt").write_text("ours, older")
    (tmp_path / "link.txt").symlink_to("kept/a.txt")
    files.write_text(tmp_path / "link.txt", "ours, newer", is_ours)
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "kept" / "a.txt").read_text() == "ours, newer"


# --- folders --------------------------------------------------------------------------------------------


@pytest.fixture
def older(tmp_path) -> Path:
    """A folder of ours with a file of the user's own."""
    path = tmp_path / "out"
    (path / "sub").mkdir(parents=True)
    for name in ("index", "1", "sub/2"):
        (path / name).write_text(f"ours, older {name}")
    (path / "sub" / "notes.txt").write_text("notes")
    return path


def test_a_new_folder_takes_the_place_of_ours_alone(older):
    with files.whole_folder(older, is_ours, last="index", content=CONTENT) as unfinished:
        (unfinished / "sub").mkdir()
        for name in ("index", "sub/3"):
            (unfinished / name).write_text(f"ours, newer {name}")
    found = {str(p.relative_to(older)): p.read_text() for p in older.rglob("*") if p.is_file()}
    assert found == {"index": "ours, newer index", "sub/3": "ours, newer sub/3", "sub/notes.txt": "notes"}
    assert [path.name for path in older.parent.iterdir()] == ["out"]


def test_files_of_ours_that_are_no_part_of_the_folder_stay(older):
    (older / "other").mkdir()
    for name in ("other/1", "11", "other/index"):
        (older / name).write_text("ours, of something else")
    with files.whole_folder(older, is_ours, last="index", content=CONTENT) as unfinished:
        (unfinished / "index").write_text("ours, newer")
    found = {str(p.relative_to(older)) for p in older.rglob("*") if p.is_file()}
    assert found == {"index", "sub/notes.txt", "other/1", "11", "other/index"}


def test_a_folder_that_is_a_disk_of_its_own_is_written(tmp_path):
    """What is unfinished is on the same disk: nothing can be moved from another one in one step."""
    code = (
        "import pathlib, re\nfrom face2face import files\nout = pathlib.Path('out')\n"
        "with files.whole_folder(out, lambda path: True, 'index', re.compile('index|1')) as unfinished:\n"
        "    (unfinished / 'index').write_text('newer')\n"
        "print((out / 'index').read_text(), [path.name for path in out.iterdir()])"
    )
    (tmp_path / "out").mkdir()
    mounted = 'mount -t tmpfs none out && echo older | tee out/index > out/1 && exec "$@"'
    command = ["unshare", "-rm", "sh", "-c", mounted, "sh", sys.executable, "-c", code]
    environment = os.environ | {"PYTHONPATH": str(made.ROOT)}
    try:
        result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("needs unshare (Linux)")
    if "unshare" in result.stderr or "mount" in result.stderr:
        pytest.skip(f"may not mount here: {result.stderr}")
    assert (result.stdout, result.stderr) == ("newer ['index']\n", "")


def test_what_a_link_leads_to_is_replaced_whatever_disk_it_is_on(older, tmp_path):
    elsewhere = Path("/dev/shm")
    if not elsewhere.is_dir() or elsewhere.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("needs another disk at /dev/shm")
    with tempfile.TemporaryDirectory(dir=elsewhere) as folder:
        for name in ("index", "1"):
            (older / name).rename(tmp_path / name)
            (Path(folder) / name).write_text("ours, older")
            (older / name).symlink_to(Path(folder) / name)
        with files.whole_folder(older, is_ours, last="index", content=CONTENT) as unfinished:
            for name in ("index", "1"):
                (unfinished / name).write_text("ours, newer")
        for name in ("index", "1"):
            assert (older / name).is_symlink() and (Path(folder) / name).read_text() == "ours, newer"
        assert len(list(Path(folder).iterdir())) == 2


@pytest.mark.parametrize("name", ["sub/notes.txt", "sub"])
def test_a_folder_with_a_foreign_file_in_the_way_stays_as_it_is(older, name):
    before = made.tree(older.parent)
    with (
        pytest.raises(UserError, match="expected a"),
        files.whole_folder(older, is_ours, last="index", content=CONTENT) as unfinished,
    ):
        (unfinished / "index").write_text("ours, newer")
        (unfinished / name).parent.mkdir(exist_ok=True)
        (unfinished / name).write_text("ours, newer")
    assert made.tree(older.parent) == before


def test_an_error_leaves_a_folder_as_it_is(older):
    before = made.tree(older.parent)
    with (
        pytest.raises(OSError),
        files.whole_folder(older, is_ours, last="index", content=CONTENT) as unfinished,
    ):
        (unfinished / "index").write_text("ours, newer")
        raise OSError
    assert made.tree(older.parent) == before


def test_no_kill_leaves_a_folder_that_looks_whole_and_is_not(older, monkeypatch):
    """Ended between any two changes, either all is new or the file that makes sense of it is missing."""
    names = ("index", "1", "sub/2")
    for changes in range(1, 4):
        for name in names:
            (older / name).write_text(f"ours, older {name}")
        left, replace = iter(range(changes - 1)), os.replace

        def killed(source, target, left=left, replace=replace):
            next(left)
            replace(source, target)

        monkeypatch.setattr(os, "replace", killed)
        with (
            pytest.raises((StopIteration, RuntimeError)),
            files.whole_folder(older, is_ours, last="index", content=CONTENT) as unfinished,
        ):
            (unfinished / "sub").mkdir()
            for name in names:
                (unfinished / name).write_text(f"ours, newer {name}")
        monkeypatch.setattr(os, "replace", replace)
        assert not (older / "index").exists()


def test_a_file_in_the_place_of_a_folder_stays(tmp_path):
    path = tmp_path / "out"
    notes(path)
    with (
        pytest.raises(UserError, match="got a file"),
        files.whole_folder(path, is_ours, last="index", content=CONTENT),
    ):
        raise AssertionError("nothing may be written")
    assert path.read_text() == "notes"


def test_what_a_killed_process_left_is_removed_after_a_day(tmp_path):
    old, new, mine = (
        tmp_path / name for name in (".face2face.abcd1234", ".face2face.efgh5678", ".face2face.me")
    )
    for folder in (old, new, mine):
        (folder / "photos").mkdir(parents=True)
        (folder / "photos" / "1.png").write_text("unfinished")
        for path in (folder / "photos" / "1.png", folder / "photos", folder):
            os.utime(path, (1e9, 1e9))
    (new / "photos" / "2.png").write_text("just now")
    files.write_text(tmp_path / "notes", "ours", is_ours)
    assert not old.exists() and (new / "photos" / "1.png").exists() and (mine / "photos" / "1.png").exists()
