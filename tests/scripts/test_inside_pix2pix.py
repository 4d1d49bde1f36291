"""The tutorial's commands as they were in 2017: run from inside the trainer's folder."""

import shutil
import subprocess

import pytest

import generate_train_data
import reduce_model
from tests import made


@pytest.mark.parametrize("inside", [False, True])
def test_a_training_that_lies_elsewhere_is_named(inside, tmp_path, monkeypatch, capsys):
    """It was trained inside pix2pix/ and is reduced from the project's folder, or the other way round."""
    (tmp_path / "pix2pix").mkdir()
    here, there = tmp_path, "pix2pix/face2face-model"
    if inside:
        here, there = tmp_path / "pix2pix", "../face2face-model"
    (here / there).mkdir()
    monkeypatch.chdir(here)
    assert made.edge(reduce_model.main) == 2
    error = capsys.readouterr().err
    assert error == f"error: face2face-model not found, but {there}: give it with --model-input {there}\n"


def test_a_training_that_is_nowhere_is_not_found(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert made.edge(reduce_model.main) == 2
    assert "expected a folder as a training model, not found: face2face-model" in capsys.readouterr().err


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
@pytest.mark.parametrize("name", ["photos/original/1.png", "face2face-model/ckpt-1.index"])
def test_what_the_tutorial_writes_is_ignored_by_git_there_too(name, tmp_path):
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    shutil.copy(made.ROOT / ".gitignore", tmp_path)
    for folder in ("", "pix2pix/"):
        ignored = subprocess.run(["git", "check-ignore", "--quiet", folder + name], cwd=tmp_path)
        assert ignored.returncode == 0
    kept = subprocess.run(["git", "check-ignore", "--quiet", "pix2pix/pix2pix.py"], cwd=tmp_path)
    assert kept.returncode == 1


def test_a_second_target_goes_where_the_first_one_was_moved(clips, tmp_path, monkeypatch, capsys):
    """`mv original landmarks photos/` fails on folders that are there: --output-dir photos, --overwrite."""
    monkeypatch.chdir(tmp_path)
    command = ("--file", clips / "single_face.mp4", "--num", 2, "--select", "first", "--output-dir", "photos")
    assert made.edge(generate_train_data.main, *command) == 0
    assert made.edge(generate_train_data.main, *command) == 2
    assert "photos/original holds data already: expected an empty place, or --overwrite" in (
        capsys.readouterr().err
    )
    assert made.edge(generate_train_data.main, *command, "--overwrite") == 0
    assert sorted(path.name for path in (tmp_path / "photos/original").iterdir()) == ["1.png", "2.png"]
