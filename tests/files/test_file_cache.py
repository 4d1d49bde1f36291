"""The cache folder: where it lies, what is stored, what is deleted."""

import os
import sys
import time
from pathlib import Path

import pytest

from face2face import file_cache
from face2face.file_cache import FileCache
from face2face.generator.generator import Measured


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """An empty cache, to which nothing else writes."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return file_cache.root()


@pytest.fixture
def model(tmp_path) -> Path:
    path = tmp_path / "model.pb"
    path.write_text("a graph")
    return path


def fill(folder: Path) -> None:
    (folder / "model.bin").write_bytes(bytes(1000))


@pytest.mark.skipif(sys.platform != "linux", reason="other systems keep caches elsewhere")
def test_it_lies_where_the_system_keeps_caches(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    assert file_cache.root() == tmp_path / "caches" / "face2face"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert file_cache.root() == tmp_path / ".cache" / "face2face"


def test_a_folder_is_made_once_for_a_content_wherever_its_file_is(cache, model, tmp_path):
    made = FileCache([model]).folder("it", fill)
    assert made.is_relative_to(cache)
    moved = model.rename(tmp_path / "moved.pb")
    assert FileCache([moved]).folder("it", lambda _: pytest.fail("made again")) == made
    moved.write_text("another graph")
    assert FileCache([moved]).folder("it", fill) != made


def test_a_folder_that_cannot_be_finished_is_not_there(cache, model):
    def fail(folder: Path) -> None:
        fill(folder)
        raise OSError("disk full")

    assert FileCache([model]).folder("it", fail) is None
    assert not list(cache.rglob("model.bin"))
    assert FileCache([model]).folder("it", fill).is_dir()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        '{"a": 1}',
        '{"a": {"milliseconds": "1", "difference": 0}}',
        '{"OpenVINO": {"precision": "int4"}}',
    ],
)
def test_damaged_notes_are_made_anew(cache, model, content):
    FileCache([model]).write_note("a", Measured(1.0, 0.5))
    (path,) = cache.glob("*/*")
    path.write_text(content)
    assert FileCache([model]).note("a", Measured) is None
    FileCache([model]).write_note("a", Measured(2.0, 0.5))
    assert FileCache([model]).note("a", Measured) == Measured(2.0, 0.5)


def test_a_full_disk_leaves_the_notes_and_nothing_else(cache, model):
    resource = pytest.importorskip("resource")  # POSIX
    FileCache([model]).write_note("a", Measured(1.0, 0.5))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        FileCache([model]).write_note("b", Measured(2.0, 0.5))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert len(list(cache.glob("*/*"))) == 1
    assert FileCache([model]).note("a", Measured) == Measured(1.0, 0.5)
    assert FileCache([model]).note("b", Measured) is None


def test_it_forgets_what_was_not_used_for_longest(cache, tmp_path, monkeypatch):
    monkeypatch.setattr(file_cache, "MAX_BYTES", 2500)
    names = []
    for i in range(4):
        (tmp_path / f"{i}.pb").write_text(str(i))
        converted = FileCache([tmp_path / f"{i}.pb"]).folder("it", fill)
        names.append(converted.parent.name)
        os.utime(converted.parent, (1000 + i, 1000 + i))
    assert {path.name for path in cache.iterdir()} == set(names[2:])


def test_it_deletes_what_a_killed_process_left_and_not_what_another_is_writing(cache, model):
    left, in_work = (cache / "a" / f".unfinished.{name}.x" for name in ("left", "in work"))
    for folder in (left, in_work):
        folder.mkdir(parents=True)
    two_days_ago = time.time() - 2 * 24 * 3600
    os.utime(left, (two_days_ago, two_days_ago))
    FileCache([model]).folder("it", fill)
    assert in_work.is_dir() and not left.exists()
