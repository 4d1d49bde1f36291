"""The person who drives: how much of him is carried, his face at rest, and a gaze that is lost."""

import math
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

import run_webcam
from face2face import pictures
from face2face.face.eyes import EyeDetector
from face2face.face.geometry import LEFT_EYE, LIPS, RIGHT_EYE, interocular_distance
from face2face.face.irises import gaze_of, irises_of
from face2face.face.landmarks import LandmarkDetector
from face2face.face.tracking import TrackedFace, Tracker
from face2face.face.winks import visible_irises
from face2face.generator.generator import Generator
from face2face.live.driver import Driver
from face2face.live.options import DrivingOptions
from face2face.live.painter import Painter
from face2face.sources.base import Frame
from face2face.sources.open import open_source
from face2face.target.calibration import Calibration, read_calibration
from face2face.target.gaze import GAZE_RETURN_SECONDS, HOLD_GAZE_SECONDS
from face2face.target.statistics import TargetFace
from face2face.target.target_file import Target
from tests import made
from tests.face.test_gaze import aside, looking

SIZE = 256
REST, SMILE = 5, 60
"""Frames of the clip: a man at rest, who then smiles, and nods a little."""

ANY_FACE = TrackedFace(*2 * [made.points(SIZE)])


@pytest.fixture(scope="module")
def clip(clips) -> Path:
    return clips / "single_face.mp4"


@pytest.fixture(scope="module")
def frames(clip) -> dict[int, Frame]:
    """Some of its frames, by their numbers."""
    with open_source(str(clip)) as source:
        return {frame.number: frame for frame in source.frames({REST, 45, SMILE, 71})}


@pytest.fixture(scope="module")
def detector() -> LandmarkDetector:
    return LandmarkDetector()


@pytest.fixture(scope="module")
def target() -> Target:
    """A target that was trained with irises."""
    points = np.array([made.points(SIZE, seed) for seed in range(40)])
    return Target(SIZE, "colour", TargetFace.measure(points, irises_of(points, looking())))


def driver_of(detector: LandmarkDetector, target: Target, **options) -> Driver:
    return Driver(Tracker(detector, smoothing=0.0), [target], DrivingOptions(**options))


def carried(driver: Driver, frame: Frame) -> tuple[np.ndarray, np.ndarray | None]:
    return driver.carry(driver.find(frame), frame, 0)


# --- how much is carried --------------------------------------------------------------------------------


def test_what_is_carried_can_be_changed_from_frame_to_frame(detector, frozen_model, clip, frames):
    """In the picture, too. Nothing of expression and head is the target's face at rest."""
    generator = Generator(frozen_model)
    neutral = generator.target.face.neutral
    with (
        Painter(Tracker(detector, smoothing=0.0), [generator], DrivingOptions()) as painter,
        open_source(str(clip)) as source,
    ):
        painter.driver.look_ahead(source, math.inf)  # on a busy machine, too
        drawn, generated = {}, {}
        for gains in ((1, 1), (0, 0), (0, 1), (1, 0), (1, 1)):
            for name, value in zip(("expression", "head"), gains, strict=True):
                painter.driver.set_gain(name, value)
            drivens = [painter(frame) for frame in frames.values()]
            drawn[gains] = np.array([driven.drawing for driven in drivens], int)
            generated[gains] = np.array([driven.generated for driven in drivens], int)
            if gains == (0, 0):
                points, _ = carried(painter.driver, frames[SMILE])
    assert np.abs(points - neutral)[: LIPS.start].max() < 0.01 * interocular_distance(neutral)
    changes = {gains: np.abs(np.diff(pictures, axis=0)).max() for gains, pictures in drawn.items()}
    assert changes[0, 0] <= 1 and min(changes[0, 1], changes[1, 0], changes[1, 1]) > 60
    different = [np.abs(drawn[a] - drawn[b]).max() for a, b in (((0, 1), (1, 1)), ((1, 0), (1, 1)))]
    assert min(different) > 60
    assert np.abs(np.diff(generated[0, 0], axis=0)).max() <= 1
    assert np.abs(generated[0, 0] - generated[1, 1]).max() > 5


@pytest.fixture
def looking_aside(detector, target, frames, tmp_path) -> Path:
    """The calibration of a man who looks aside in the clip."""
    face = detector.find(frames[REST].picture)
    gaze = gaze_of(face.points, visible_irises(EyeDetector().find(frames[REST].picture, face.points)))
    calibration = Calibration(target.face.neutral, face.points, gaze - aside(0.15))
    calibration.write(tmp_path / "me.json", frames[REST].picture.shape[1::-1])
    return tmp_path / "me.json"


def test_the_three_options_hold_the_target_still(detector, target, clip, frames, looking_aside, tmp_path):
    """With them, what is recorded is the target's drawing at rest, whatever the driver does."""
    model = made.repeating_model(tmp_path / "model.pb", SIZE, target)
    still = ("--expression", 0, "--head", 0, "--no-gaze")
    recorded = {}
    for name, options in (("moving", ()), ("still", still)):
        arguments = ("--record", tmp_path / name, "--record-view", "generated", "--limit", 6, "--start", 1.4)
        common = ("--tf-model", model, "--source", clip, "--no-window", "--calibration", looking_aside)
        assert made.edge(run_webcam.main, *common, *arguments, *options) == 0
        faces = [pictures.read(tmp_path / name / f"{number}.png") for number in range(1, 7)]
        recorded[name] = np.array(faces, int)
    at_rest, _ = carried(driver_of(detector, target, calibration_file=looking_aside), frames[REST])
    still, moving = (
        np.abs(recorded[name] - target.draw(at_rest)).max(axis=(1, 2, 3)) for name in ("still", "moving")
    )
    assert still.max() < 30 and moving.min() > 200


# --- the face at rest in a file -------------------------------------------------------------------------


def test_a_file_is_looked_through_for_the_face_at_rest(detector, target, clip, frames, looking_aside):
    """The first frame that is driven shows a smile, which counts as one."""
    ahead, at_once = driver_of(detector, target), driver_of(detector, target)
    calibrated = driver_of(detector, target, calibration_file=looking_aside)
    with open_source(str(clip)) as source:
        ahead.look_ahead(source, math.inf)
    (points, _), (without, _), (expected, _) = (
        carried(driver, frames[SMILE]) for driver in (ahead, at_once, calibrated)
    )
    assert ahead.state(ANY_FACE, 0.0) == "" and at_once.state(ANY_FACE, 0.0).startswith("calibrating")
    found, not_found = (np.linalg.norm(each - expected, axis=1).mean() for each in (points, without))
    assert found < 0.3 * not_found


def test_run_webcam_looks_through_a_file(target, clip, tmp_path, monkeypatch):
    """One frame is driven, but the whole file's face at rest is kept."""
    monkeypatch.setattr(Driver.look_ahead, "__defaults__", (math.inf,))  # on a busy machine, too
    model = made.repeating_model(tmp_path / "model.pb", SIZE, target)
    common = ("--tf-model", model, "--source", clip, "--no-window", "--limit", 1)
    assert made.edge(run_webcam.main, *common, "--calibration", tmp_path / "me.json") == 0
    assert len(read_calibration(tmp_path / "me.json").neutral) == 68


@pytest.mark.parametrize(
    ("video", "is_known"), [({}, True), ({"fps": 24.0}, False), ({"frames": [71, 72]}, False)]
)
def test_only_the_targets_own_video_needs_no_calibration(detector, target, clip, frames, video, is_known):
    """Another clip of that name and size does."""
    size = frames[REST].picture.shape[1::-1]
    known = {"name": clip.name, "frame_size": size, "fps": 30.0, "window": None, "frames": [71]}
    own = replace(target, videos=[known | video])
    with open_source(str(clip)) as source:
        assert (source.fps, source.frame_count) == (30.0, 72)
        driver = Driver(Tracker(detector), [own], DrivingOptions(), source)
        carried(driver, frames[REST])
    assert (driver.state(ANY_FACE, 0.0) == "") == is_known


def test_a_calibration_asked_of_a_model_that_has_none_does_not_begin_with_the_next_model(
    detector, target, frames, looking_aside
):
    """Long after the key was pressed, it would replace the file by any face."""
    kept = read_calibration(looking_aside)
    options = DrivingOptions(calibration_file=looking_aside)
    driver = Driver(Tracker(detector), [Target(SIZE), target], options)
    driver.calibrate()
    for index, seconds in ((0, 0.0), (1, 5.0), (1, 5.5), (1, 6.1)):
        frame = replace(frames[SMILE], seconds=seconds)
        driver.carry(driver.find(frame), frame, index)
    driver.keep()
    assert driver.state(ANY_FACE, 6.1) == "" and read_calibration(looking_aside) == kept


# --- frames that come in another size -------------------------------------------------------------------


def fed(driver: Driver, frames: list[Frame], size: tuple[int, int]) -> np.ndarray:
    """Drive by frames of another size, (width, height), cut at the sides; the points that are drawn last."""
    for frame in frames:
        height, width = frame.picture.shape[:2]
        picture = cv2.resize(frame.picture, (round(width * size[1] / height), size[1]))
        left = (picture.shape[1] - size[0]) // 2
        cut = np.ascontiguousarray(picture[:, left : left + size[0]])
        found = driver.find(Frame(frame.number, frame.seconds, cut))
        if found is not None:
            points, _ = driver.carry(found, Frame(frame.number, frame.seconds, cut), 0)
    return points


@pytest.fixture(scope="module")
def at_rest(clip) -> list[Frame]:
    """6 s of a man at rest: the clip's first frames, to and fro."""
    with open_source(str(clip)) as source:
        pictures = [frame.picture for frame in source.frames(range(16))]
    return [Frame(i, i / 10, pictures[abs(15 - i % 30)]) for i in range(60)]


@pytest.mark.parametrize("scale, aspect", [(0.6, 1.0), (1.0, 0.5)])
def test_a_driver_at_rest_stays_at_rest_in_frames_of_another_size(
    detector, target, at_rest, tmp_path, scale, aspect
):
    """A camera that comes back in another size, and a phone that is turned. What was kept stays."""
    height, width = at_rest[0].picture.shape[:2]
    driver = driver_of(detector, target, calibration_file=tmp_path / "me.json")
    before = fed(driver, at_rest[:30], (width, height))
    size = round(scale * aspect * width), round(scale * height)
    fed(driver, at_rest[30:36], size)
    assert (driver.state(ANY_FACE, 0.0) == "") == (aspect == 1)  # the same view is known
    after = fed(driver, at_rest[36:], size)
    assert np.linalg.norm((after - before).mean(axis=0)) < 0.1 * interocular_distance(before)
    assert driver.state(ANY_FACE, 0.0) == ""
    driver.keep()
    assert read_calibration(tmp_path / "me.json").frame_size == (width, height)


def test_a_face_at_rest_that_was_kept_in_another_view_is_not_used_and_not_lost(
    detector, target, at_rest, tmp_path, capsys
):
    """A file of a wide camera does not tell where the head rests in a phone's upright picture."""
    height, width = at_rest[0].picture.shape[:2]
    file = tmp_path / "me.json"
    wide = driver_of(detector, target, calibration_file=file)
    wide_at_rest = fed(wide, at_rest[:15], (width, height))
    wide.keep()
    upright = driver_of(detector, target, calibration_file=file)
    upright_at_rest = fed(upright, at_rest[30:45], (width // 2, height))
    off = np.linalg.norm((upright_at_rest - wide_at_rest).mean(axis=0))
    assert off < 0.1 * interocular_distance(wide_at_rest)
    upright.keep()
    assert read_calibration(file).frame_size == (width, height)
    (warning,) = capsys.readouterr().err.splitlines()
    assert warning.startswith(f"warning: {file} is not used, and stays as it is until c is pressed")
    upright.calibrate()
    fed(upright, at_rest[30:60], (width // 2, height))
    upright.keep()
    assert read_calibration(file).frame_size == (width // 2, height)


# --- a gaze that is lost --------------------------------------------------------------------------------


def without_irises(picture: np.ndarray, points: np.ndarray) -> np.ndarray:
    """The picture with its eyes painted over with the skin of a cheek."""
    covered, reach = picture.copy(), 0.3 * interocular_distance(points)
    skin = picture[tuple(np.round(points[33] + reach / 3).astype(int)[::-1])].tolist()
    for eye in (LEFT_EYE, RIGHT_EYE):
        middle = np.round(points[eye].mean(axis=0)).astype(int).tolist()
        cv2.circle(covered, middle, round(float(reach)), skin, cv2.FILLED)
    return covered


@pytest.mark.parametrize("retarget", [True, False])
def test_a_glance_that_is_lost_is_held_for_a_moment_and_not_for_ever(
    detector, target, frames, looking_aside, retarget
):
    """Then the target looks as it does at rest, on the way without a jump."""
    file = looking_aside if retarget else None
    driver = driver_of(detector, target, calibration_file=file, retarget=retarget)
    frame = frames[REST]
    _, glance = carried(driver, frame)
    away = np.abs(glance - target.gaze.rest).max()
    assert away > 0.04
    covered = without_irises(frame.picture, detector.find(frame.picture).points)
    shares = {}
    for later in np.arange(0.1, 4.0, 0.1):
        _, gaze = carried(driver, Frame(frame.number, frame.seconds + later, covered))
        shares[later] = np.abs(gaze - target.gaze.rest).max() / away
    for later, share in shares.items():
        expected = np.exp(-max(later - HOLD_GAZE_SECONDS, 0) / GAZE_RETURN_SECONDS)
        assert share == pytest.approx(expected, abs=0.1)
    assert shares[max(shares)] < 0.01
    _, again = carried(driver, Frame(frame.number, frame.seconds + 4.1, frame.picture))
    np.testing.assert_allclose(again, glance, atol=0.01)
