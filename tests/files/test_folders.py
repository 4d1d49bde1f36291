"""The rule of what may be written where, for folders that are replaced as a whole."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from face2face import files
from face2face.cli import UserError
from tests import made
from tests.files.test_files import is_ours, notes

CONTENT = re.compile(r"index|\d|sub/\d")
"""The files of a folder in these tests."""


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


@pytest.fixture
def elsewhere(tmp_path) -> Iterator[Path]:
    """A folder on another disk."""
    disk = Path("/dev/shm")
    if not disk.is_dir() or disk.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("needs another disk at /dev/shm")
    with tempfile.TemporaryDirectory(dir=disk) as folder:
        yield Path(folder)


@pytest.mark.parametrize("deeper", [False, True])
def test_a_linked_subfolder_is_replaced_whatever_disk_it_is_on(older, elsewhere, deeper):
    """Nothing stays of the older one, nor of the move; also if what the link leads to is not there yet."""
    place = elsewhere / "new" / "folder" if deeper else elsewhere
    if not deeper:
        (place / "notes.txt").write_text("notes")
        (place / "2").write_text("ours, older 2")
    shutil.rmtree(older / "sub")
    (older / "sub").symlink_to(place)
    with files.whole_folder(older, is_ours, last="index", content=CONTENT) as unfinished:
        (unfinished / "sub").mkdir()
        for name in ("index", "sub/3", "sub/4"):
            (unfinished / name).write_text(f"ours, newer {name}")
    assert (older / "sub").is_symlink() and (older / "index").read_text() == "ours, newer index"
    names = {"3", "4"} if deeper else {"3", "4", "notes.txt"}
    assert {path.name for path in place.iterdir()} == names
    assert (place / "3").read_text() == "ours, newer sub/3"
    assert {path.name for path in elsewhere.iterdir()} == ({"new"} if deeper else names)
    assert {path.name for path in older.iterdir()} == {"index", "sub"}


def test_a_linked_subfolder_that_cannot_be_written_leaves_all_as_it_is(older, elsewhere):
    """Another file system, in which nobody can make a file."""
    before = {path.name: path.read_text() for path in older.iterdir() if path.is_file()}
    shutil.rmtree(older / "sub")
    (older / "sub").symlink_to("/proc/self/fd")
    with (
        pytest.raises(OSError),
        files.whole_folder(older, is_ours, last="index", content=CONTENT) as unfinished,
    ):
        (unfinished / "sub").mkdir()
        for name in ("index", "sub/x"):
            (unfinished / name).write_text("ours, newer")
    assert {path.name: path.read_text() for path in older.iterdir() if path.is_file()} == before


def test_links_in_a_circle_are_followed_to_their_end(older):
    (older / "sub" / "back").symlink_to(older)
    (older / "self").symlink_to(older)
    with files.whole_folder(older, is_ours, last="index", content=CONTENT) as unfinished:
        (unfinished / "index").write_text("ours, newer")
    found = {path.name for path in older.iterdir()}, {path.name for path in (older / "sub").iterdir()}
    assert found == ({"index", "sub", "self"}, {"notes.txt", "back"})


def test_what_a_link_leads_to_is_replaced_whatever_disk_it_is_on(older, elsewhere, tmp_path):
    for name in ("index", "1"):
        (older / name).rename(tmp_path / name)
        (elsewhere / name).write_text("ours, older")
        (older / name).symlink_to(elsewhere / name)
    with files.whole_folder(older, is_ours, last="index", content=CONTENT) as unfinished:
        for name in ("index", "1"):
            (unfinished / name).write_text("ours, newer")
    for name in ("index", "1"):
        assert (older / name).is_symlink() and (elsewhere / name).read_text() == "ours, newer"
    assert len(list(elsewhere.iterdir())) == 2


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
