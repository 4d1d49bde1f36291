"""The rule of what may be written where."""

import os
from pathlib import Path

import pytest

from face2face import files
from face2face.cli import UserError
from tests import made


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
