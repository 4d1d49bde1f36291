"""generate_train_data.py replaces an earlier run's pairs, all or none of them, and nothing else."""

import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

import generate_train_data
from face2face import pictures
from face2face.output.recording import open_recording
from face2face.sources.open import open_source
from face2face.target import pairs
from face2face.target.sidecar import read_sidecar
from tests.kept import GENERATE, errors_of, run_on_full_disk, tree
from tests.made import edge

FOREIGN = np.full((9, 9, 3), 7, np.uint8)

posix = pytest.mark.skipif(os.name == "nt", reason="Windows knows no limit of a file's size")


@pytest.fixture(scope="module")
def earlier(clips, tmp_path_factory) -> Path:
    """Four pairs of an earlier run, and their preview."""
    folder = tmp_path_factory.mktemp("earlier")
    arguments = ("--file", clips / "single_face.mp4", "--num", 4, "--select", "first", "--preview")
    assert edge(generate_train_data.main, *arguments, "--output-dir", folder) == 0
    return folder


@pytest.fixture
def here(earlier, clips, tmp_path, monkeypatch) -> Path:
    """A copy of it, in which the test runs."""
    shutil.copytree(earlier, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    shutil.copy(clips / "single_face.mp4", "clip.mp4")
    return Path.cwd()


def again(*arguments, count: int = 2) -> int:
    given = ("--file", "clip.mp4", "--num", count, "--select", "first", "--overwrite")
    return edge(generate_train_data.main, *given, *arguments)


def test_everything_that_is_written_is_known_as_ours(here):
    written = [*here.glob("*/*.png"), here / pairs.PREVIEW]
    assert len(written) == 9 and all(pictures.is_ours(path) for path in written)
    assert not list(here.glob(".*"))


def test_an_earlier_run_is_replaced_and_foreign_files_stay(here):
    for folder in ("original", "landmarks"):
        Path(folder, "holiday").mkdir()
        cv2.imwrite(f"{folder}/holiday/1.png", FOREIGN)
        cv2.imwrite(f"{folder}/0.png", FOREIGN)
        cv2.imwrite(f"{folder}/77.png", FOREIGN)
        Path(folder, "notes.txt").write_text("mine")
    shutil.copy("clip.mp4", "original/film.mp4")
    before = tree(here)
    assert again() == 0
    after = tree(here)
    gone = {f"{folder}/{number}.png" for folder in ("original", "landmarks") for number in (3, 4)}
    assert set(before) - set(after) == gone and set(after) <= set(before)
    changed = {name for name in after if after[name] != before[name]}
    new = {f"{folder}/{number}.png" for folder in ("original", "landmarks") for number in (1, 2)}
    assert changed <= new | {"landmarks/landmarks.json"}
    assert list(read_sidecar(Path("landmarks")).images) == ["1.png", "2.png"]


@pytest.mark.parametrize("place", ["original/7.png", "landmarks/7.png", "preview.png", "original/2.png"])
def test_a_foreign_picture_in_the_way_is_refused_before_the_search(place, here, capsys):
    Path(place).unlink(missing_ok=True)
    cv2.imwrite(place, FOREIGN)
    before = tree(here)
    assert again("--preview", count=10) == 2
    (error,) = capsys.readouterr().err.splitlines()
    assert error.startswith("error: expected a new file, or an older one of this kind to replace")
    assert place in error and tree(here) == before


@pytest.mark.parametrize("content", ["{}", '{"mine": 1}', "{"])
def test_a_foreign_or_damaged_sidecar_is_refused(content, here, capsys):
    Path("landmarks/landmarks.json").write_text(content)
    before = tree(here)
    assert again() == 2
    (error,) = capsys.readouterr().err.splitlines()
    assert "landmarks.json" in error and tree(here) == before


@pytest.mark.parametrize("source", ["original/film.mp4", "original", "link.mp4"])
def test_the_source_is_never_written_to(source, here, capsys):
    shutil.copy("clip.mp4", "original/film.mp4")
    Path("link.mp4").symlink_to("original/film.mp4")
    before = tree(here)
    assert edge(generate_train_data.main, "--file", source, "--num", 2, "--overwrite") == 2
    (error,) = capsys.readouterr().err.splitlines()
    assert f"--file {source}" in error and tree(here) == before


def test_pairs_of_older_versions_have_no_marks_and_are_known_by_their_sidecar(here):
    for path in here.glob("*/*.png"):
        cv2.imwrite(str(path), cv2.imread(str(path)))
        assert not pictures.is_ours(path)
    cv2.imwrite("original/9.png", FOREIGN)
    assert again() == 0
    assert sorted(os.listdir("original")) == ["1.png", "2.png", "9.png"]
    assert sorted(os.listdir("landmarks")) == ["1.png", "2.png", "landmarks.json"]


@posix
@pytest.mark.parametrize("select", ["first", "spread"])
def test_a_full_disk_leaves_the_earlier_run(select, here):
    before = tree(here)
    arguments = ("--file", "clip.mp4", "--num", 6, "--select", select, "--overwrite", "--preview")
    ended = run_on_full_disk(GENERATE, *arguments, cwd=here, most=50_000)
    (error,) = errors_of(ended.stderr)
    assert ended.returncode == 2 and error.startswith("error: File too large")
    assert "pairs written" not in ended.stdout and tree(here) == before


@posix
def test_a_full_disk_ends_the_keeping_of_a_stream(here, clips):
    recording = open_recording(here / "stream.mp4", 25.0)
    with open_source("clip.mp4", end=1) as source:
        for frame in source.frames():
            recording.write(frame.picture[..., ::-1], frame.seconds)
    recording.close()
    before = tree(here)
    arguments = ("--file", (here / "stream.mp4").as_uri(), "--num", 3, "--overwrite")
    ended = run_on_full_disk(GENERATE, *arguments, cwd=here, most=50_000)
    (error,) = errors_of(ended.stderr)
    assert ended.returncode == 2 and error.startswith("error: File too large")
    assert tree(here) == before
