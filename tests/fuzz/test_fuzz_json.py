"""The readers of JSON files: what they let through can be used, all else ends in one line."""

import functools
import json
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from face2face import file_cache
from face2face.face import drawing
from face2face.face.crop import CropBox
from face2face.target import calibration, sidecar, target_file
from face2face.target.calibration import Calibration
from face2face.target.known_shapes import MIN_SHAPES
from face2face.target.retarget import Retargeter
from face2face.target.target_file import Target
from pix2pix import legacy, options
from tests import made
from tests.fuzz import harness, mutations
from tests.fuzz.harness import Reader
from tests.fuzz.valid import FRAME, SIZE, pairs_sidecar


def write_into(write, name: str) -> bytes:
    """What a writer writes under a name into a folder."""
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder))
        return (Path(folder) / name).read_bytes()


@functools.cache
def sidecars() -> list[bytes]:
    colour = pairs_sidecar()
    images = {name: replace(entry, line_width=3.0) for name, entry in colour.images.items()}
    original = replace(colour, drawing="original", images=images)
    return [write_into(each.write, sidecar.SIDECAR_NAME) for each in (colour, original)]


@functools.cache
def targets() -> list[bytes]:
    known, few = Target.measure(pairs_sidecar(MIN_SHAPES), SIZE), Target.measure(pairs_sidecar(), SIZE)
    original = replace(few, drawing="original", line_width=2.5)
    return [write_into(t.write, target_file.TARGET_NAME) for t in (known, few, original, Target(256))]


@functools.cache
def trainings() -> list[bytes]:
    def write(folder: Path) -> None:
        options.write(folder, made.SMALL, options.TRAINING)

    return [write_into(write, options.FILE_NAME)]


@functools.cache
def original_options() -> list[bytes]:
    content = {
        **{"mode": "train", "which_direction": "AtoB", "ngf": 64, "ndf": 64, "separable_conv": False},
        **{"lab_colorization": False, "scale_size": 286, "flip": True, "aspect_ratio": 1.0, "lr": 0.0002},
        **{"max_steps": None, "max_epochs": 200, "checkpoint": None, "seed": 7, "output_dir": "out"},
    }
    return [json.dumps(content, indent=4).encode()]


@functools.cache
def calibrations() -> list[bytes]:
    def write(folder: Path) -> None:
        Calibration(made.points(FRAME[1]), made.points(FRAME[1])).write(folder / "calibration.json", FRAME)

    return [write_into(write, "calibration.json")]


def notes() -> list[bytes]:
    return [json.dumps({"an engine": {"precision": "float32", "frames": [1.5, 2.5]}}).encode()]


# --- what is read, and what is then done with it ----------------------------------------------------------


def read_sidecar(folder: Path) -> None:
    (folder / "input").rename(folder / sidecar.SIDECAR_NAME)
    try:
        known = sidecar.read_sidecar(folder)
    finally:
        (folder / sidecar.SIDECAR_NAME).rename(folder / "input")
    for entry in known.images.values():
        scaled = entry.in_crop_box(CropBox.centre(*FRAME), SIZE)
        drawn = drawing.draw(scaled.points, SIZE, known.drawing, scaled.line_width)
        assert drawn.shape == (SIZE, SIZE, 3)
    with tempfile.TemporaryDirectory() as written:
        known.only(list(known.images)[:2]).write(Path(written))
        assert sidecar.read_sidecar(Path(written)).videos == known.videos
    if known.images:
        Target.from_json(Target.measure(known, SIZE).to_json(), "what was measured")


def read_target(folder: Path) -> None:
    known = Target.from_json((folder / "input").read_text("utf-8", "surrogateescape"), "target.json")
    known.neutral_in("made.mp4", FRAME)
    assert Target.from_json(known.to_json(), "what was written").image_size == known.image_size
    if known.face is not None:
        carry = Retargeter(known.face)
        carry.set_driver(made.points(FRAME[1]).astype(float))
        for seed in range(3):
            points = carry(made.points(FRAME[1], seed))
            assert np.isfinite(points).all()
            assert known.draw(points, FRAME[1]).any() in (True, False)


def read_options(folder: Path) -> None:
    (folder / "input").rename(folder / options.FILE_NAME)
    try:
        found = options.read(folder, options.TRAINING)
    finally:
        (folder / options.FILE_NAME).rename(folder / "input")
    assert options.conflicts(found, found) == []


def read_original(folder: Path) -> None:
    (folder / "input").rename(folder / options.FILE_NAME)
    try:
        if legacy.is_of_original(folder):
            legacy.read_options(folder)
        else:
            options.read(folder, options.REDUCED)
    finally:
        (folder / options.FILE_NAME).rename(folder / "input")


def read_calibration(folder: Path) -> None:
    neutral = calibration.read_calibration(folder / "input").scaled_to((320, 240))
    face = Target.measure(pairs_sidecar(), SIZE).face
    carry = Retargeter(face)
    carry.set_driver(neutral)
    assert np.isfinite(carry(made.points(320, 1))).all()


def read_notes(folder: Path) -> None:
    (folder / "model").write_bytes(b"a model")
    cache = file_cache.FileCache([folder / "model"])
    (folder / "model").unlink()
    place = cache._folder
    place.mkdir(parents=True, exist_ok=True)
    (place / "notes.json").write_bytes((folder / "input").read_bytes())
    assert isinstance(cache.note("an engine", dict[str, object]), dict | None)
    cache.write_note("an engine", {"precision": "float32"})
    assert cache.note("an engine", dict[str, str]) == {"precision": "float32"}


def reader(name: str, read, valid, share: int) -> Reader:
    return Reader(name, read, lambda: mutations.json_like(valid()), valid, share)


READERS = [
    reader("landmarks.json", read_sidecar, sidecars, 2200),
    reader("target.json", read_target, targets, 2200),
    reader("options.json", read_options, trainings, 1000),
    reader("options.json of the original", read_original, original_options, 1000),
    reader("calibration", read_calibration, calibrations, 1000),
    reader("notes of a model", read_notes, notes, 600),
]


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
def test_json_is_read_or_refused_in_one_line(reader, process):
    harness.fuzz(reader, process)
