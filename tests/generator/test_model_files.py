"""Model files from strangers, and in the cache: what is wrong with them is told in one line, or made anew."""

import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

import run_webcam
from face2face import file_cache
from face2face.cli import UserError
from face2face.face import landmark_check
from face2face.face.landmarks import LandmarkDetector, default_landmark_model
from face2face.generator import graph_check
from face2face.generator.generator import Generator, sample_drawings
from tests import made
from tests.generator.test_graph_check import SIZE, painter, written


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """An empty cache, to which nothing else writes."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return file_cache.root()


# --- the cache -------------------------------------------------------------------------------------------


def harmful(text: str) -> str:
    return text.replace('type="Tanh"', 'type="ReadValue"')


DAMAGE = {
    "harmful": lambda ir: ir.write_text(harmful(ir.read_text())),
    "another size": lambda ir: ir.write_text(ir.read_text().replace("64,128,3", "128,256,3")),
    "truncated text": lambda ir: ir.write_bytes(ir.read_bytes()[:5000]),
    "truncated weights": lambda ir: os.truncate(ir.with_suffix(".bin"), 1000),
    "no weights": lambda ir: ir.with_suffix(".bin").unlink(),
    "no folder": lambda ir: (shutil.rmtree(ir.parent), ir.parent.touch()),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_replaced_or_damaged_model_in_the_cache_is_made_anew(frozen_model, cache, damage, capfd):
    first = Generator(frozen_model, "openvino")
    drawing = sample_drawings(first.target, 1)[0]
    expected = first(drawing)
    del first  # which reads its weights from the file
    (ir,) = cache.glob("*/*/model.xml")
    damage(ir)
    again = Generator(frozen_model, "openvino")
    assert np.array_equal(again(drawing), expected)
    if ir.parent.is_dir():  # not where a file stood in its place
        assert graph_check.check(ir).image_size == SIZE
    assert capfd.readouterr().err == ""
    assert np.array_equal(Generator(frozen_model, "openvino")(drawing), expected)


def test_what_an_ended_process_left_unfinished_is_deleted(frozen_model, cache):
    old, new = (cache / "0" / f".unfinished.{name}" for name in ("old", "new"))
    for folder in (old, new):
        folder.mkdir(parents=True)
    os.utime(old, (0, 0))
    Generator(frozen_model, "openvino")
    assert new.is_dir() and not old.exists()


# --- files that engines read by their names, graphs that fail late ----------------------------------------


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
@pytest.mark.parametrize("engine", ["openvino", "tensorflow"])
def test_a_name_that_is_not_utf8_is_one_line(frozen_model, clips, tmp_path, engine, capsys):
    path = tmp_path / os.fsdecode(b"mod\xffel.pb")
    shutil.copy(frozen_model, path)
    arguments = ("--tf-model", path, "--engine", engine, "--source", clips / "single_face.mp4", "--no-window")
    assert made.edge(run_webcam.main, *arguments) == 2
    (error,) = capsys.readouterr().err.splitlines()
    assert error.startswith("error: expected a file name in UTF-8 as the frozen model, got ")
    with pytest.raises(UserError, match="expected a file name in UTF-8 as the landmark model"):
        LandmarkDetector(shutil.copy(frozen_model, tmp_path / os.fsdecode(b"\xff.dat")))


def test_a_graph_that_fails_on_a_later_picture_is_one_line(clips, tmp_path, capsys):
    """Its assertion holds for the black picture that it is tried on."""

    def painted(image):
        dark = tf.reduce_all(image < 100)
        with tf.control_dependencies([tf.raw_ops.Assert(condition=dark, data=["a bright picture"])]):
            return tf.identity(image[None, :, :SIZE])

    path = written(tmp_path, painter(output=painted))
    generator = Generator(path, "tensorflow")
    black = np.zeros((SIZE, SIZE, 3), np.uint8)
    assert not generator(black).any()
    with pytest.raises(UserError, match=r"frozen_model\.pb does not paint: TensorFlow .*bright picture"):
        generator(black + 255)
    arguments = ("--tf-model", path, "--engine", "tensorflow", "--source", clips / "single_face.mp4")
    assert made.edge(run_webcam.main, *arguments, "--no-window", "--limit", "3") == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("error: ")


# --- landmark models --------------------------------------------------------------------------------------


def number(value: int) -> bytes:
    """A number in dlib's format."""
    digits = abs(value).to_bytes(max(1, (abs(value).bit_length() + 7) // 8), "little")
    return bytes([len(digits) | (0x80 if value < 0 else 0)]) + digits


def numbers(*values: int) -> bytes:
    return b"".join(map(number, values))


def landmark_model(split=1, anchor=67, leaves=2, rows=136, pixels=2, version=1) -> bytes:
    """A model of one cascade, of one tree, of one split between two pixels."""
    at = numbers(*(value for i in range(rows) for value in (i, 0)))  # floats: mantissa and exponent
    face = numbers(-rows, -1) + at
    tree = numbers(1, 0, split, 1, 0) + numbers(leaves) + face * leaves
    anchors = numbers(1, pixels, *[anchor] * pixels)
    deltas = numbers(1, pixels, *[0] * 4 * pixels)
    return numbers(version) + face + numbers(1, 1) + tree + anchors + deltas


def test_a_small_landmark_model_is_loaded(cache, tmp_path):
    path = tmp_path / "model.dat"
    path.write_bytes(landmark_model())
    points = LandmarkDetector(path).predict(np.zeros((100, 100), np.uint8), np.array([20.0, 20, 80, 80]))
    assert points.shape == (68, 2)


@pytest.mark.parametrize(
    "content, message",
    [
        (landmark_model(split=2), "an index beyond 2 pixels"),
        (landmark_model(split=90_000), "an index beyond 2 pixels"),
        (landmark_model(split=2**62), "a pixel index out of range"),
        (landmark_model(split=-1), "a pixel index out of range"),
        (landmark_model(anchor=68), "an index beyond 68 parts"),
        (landmark_model(leaves=1), "a tree of 1 splits and 1 leaves"),
        (landmark_model(rows=10), "faces of 10 x 1 numbers"),
        (landmark_model(pixels=0), "an index beyond 0 pixels"),
        (landmark_model(version=2), "its format version is not 1"),
        (landmark_model()[:-1], "it ends too early"),
        (landmark_model() + b"\0", "it has bytes after its end"),
        (b"", "it ends too early"),
    ],
)
def test_a_landmark_model_whose_indices_lead_beyond_it_is_named(cache, content, message, tmp_path):
    path = tmp_path / "model.dat"
    path.write_bytes(content)
    with pytest.raises(UserError, match=rf"expected a 68-point landmark model .*model\.dat \({message}"):
        LandmarkDetector(path)


def test_a_landmark_model_is_looked_into_once(cache, tmp_path, monkeypatch):
    path = tmp_path / "model.dat"
    path.write_bytes(landmark_model())
    landmark_check.check(path)
    monkeypatch.setattr(landmark_check, "_check_model", None)  # it would fail
    assert landmark_check.check(path) == path
    assert landmark_check.check(default_landmark_model()) == default_landmark_model()
