"""Gaze: irises are found in real faces, drawn, and followed by the scripts."""

import math
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

import generate_train_data
from face2face.cli import UserError
from face2face.face.drawing import IRIS_COLOURS, draw
from face2face.face.eyes import EyeDetector
from face2face.face.geometry import (
    EYE_CORNERS,
    LEFT_EYE,
    RIGHT_EYE,
    eye_aspect_ratio,
    interocular_distance,
    mirrored,
    mirrored_irises,
)
from face2face.face.irises import gaze_of, irises_of
from face2face.face.landmarks import LandmarkDetector
from face2face.face.tracking import Tracker
from face2face.face.winks import visible_irises
from face2face.generator.generator import Generator
from face2face.live.options import DrivingOptions
from face2face.live.painter import Painter
from face2face.sources.base import Frame
from face2face.sources.open import open_source
from face2face.target.sidecar import Entry, read_sidecar
from face2face.target.statistics import TargetFace
from face2face.target.target_file import Target
from pix2pix import augmentation
from tests import made

SIZE = 256
FACE = made.points(SIZE).astype(float)
AHEAD = np.array([[0.0, -0.1], [0.0, -0.1]])


def aside(across: float, down: float = 0.0) -> np.ndarray:
    return np.array([across, down])


@pytest.fixture(scope="module")
def frames(clips) -> list[tuple[np.ndarray, np.ndarray]]:
    """Real frames, BGR, with their landmarks."""
    detector, found = LandmarkDetector(), []
    for name in ("single_face.mp4", "WolfgangLanger_Pexels.mp4"):
        with open_source(str(clips / name)) as video:
            for frame in video.frames(range(0, video.frame_count, video.frame_count // 12)):
                if (face := detector.find(frame.picture)) is not None:
                    found.append((frame.picture, face.points))
    return found


class Irises(EyeDetector):
    """The irises of both eyes."""

    def __call__(self, frame, points) -> np.ndarray:
        return visible_irises(self.find(frame, points))


@pytest.fixture(scope="module")
def irises() -> Irises:
    return Irises()


def drawn_iris(drawing: np.ndarray, eye: slice, points: np.ndarray) -> np.ndarray:
    """The middle of the iris and the pupil that are drawn in an eye, float (2,); NaN if there are none."""
    low, high = (
        np.floor(points[eye].min(axis=0)).astype(int),
        np.ceil(points[eye].max(axis=0)).astype(int) + 1,
    )
    part = drawing[low[1] : high[1], low[0] : high[0]].astype(int)
    is_iris = np.zeros(part.shape[:2], bool)
    for colour in IRIS_COLOURS["colour"]:
        is_iris |= np.abs(part - colour).max(axis=-1) < 60
    rows, columns = np.nonzero(is_iris)
    return low + aside(columns.mean(), rows.mean()) if len(rows) else np.full(2, np.nan)


# --- found ----------------------------------------------------------------------------------------------


def test_irises_are_found_inside_open_eyes(frames, irises):
    found = open_faces = 0
    for picture, points in frames:
        if eye_aspect_ratio(points) < 0.22:
            continue
        open_faces += 1
        gaze = gaze_of(points, irises(picture, points))
        if np.isfinite(gaze).all():
            found += 1
            assert np.abs(gaze[:, 0]).max() < 0.4 and np.abs(gaze[:, 1]).max() < 0.3
    assert open_faces >= 8 and found >= 0.8 * open_faces


def test_a_mirrored_face_has_mirrored_irises(frames, irises):
    compared = 0
    for picture, points in frames:
        found = irises(picture, points)
        width = picture.shape[1]
        other = irises(np.ascontiguousarray(picture[:, ::-1]), mirrored(points, width))
        both = np.isfinite(found) & np.isfinite(mirrored_irises(other, width))
        if both.all():
            compared += 1
            difference = np.abs(mirrored_irises(other, width) - found).max()
            assert difference < 0.03 * interocular_distance(points)
    assert compared >= 8


def test_an_eye_that_shows_no_iris_has_none(frames, irises):
    """A shut one, by its landmarks; and one that is painted over with skin."""
    picture, points = next(f for f in frames if eye_aspect_ratio(f[1]) > 0.25)
    assert np.isfinite(irises(picture, points)).all()
    shut = points.copy()
    for upper, lower in ((37, 41), (38, 40)):
        shut[[upper, lower], 1] = points[[upper, lower], 1].mean()
    assert np.isnan(irises(picture, shut)[0]).all() and np.isfinite(irises(picture, shut)[1]).all()
    covered = picture.copy()
    middle, reach = points[RIGHT_EYE].mean(axis=0), 0.35 * interocular_distance(points)
    cheek = picture[tuple(np.round(points[33] + (0.3 * reach)).astype(int)[::-1])].tolist()
    cv2.circle(covered, np.round(middle).astype(int).tolist(), round(float(reach)), cheek, cv2.FILLED)
    found = irises(covered, points)
    assert np.isnan(found[1]).all() and np.isfinite(found[0]).all()


def test_gaze_does_not_depend_on_where_the_head_is():
    gaze = np.array([[0.2, -0.1], [-0.1, 0.05]])
    placed = irises_of(FACE, gaze)
    turn = 1.7 * np.array([[np.cos(0.4), -np.sin(0.4)], [np.sin(0.4), np.cos(0.4)]])
    np.testing.assert_allclose(gaze_of(FACE @ turn.T + 30, placed @ turn.T + 30), gaze, atol=1e-9)


# --- drawn ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("across", [-0.2, 0.0, 0.2])
def test_an_iris_is_drawn_where_it_is_and_inside_its_eye(across):
    placed = irises_of(FACE, AHEAD + aside(across))
    plain, drawing = draw(FACE, SIZE, "colour"), draw(FACE, SIZE, "colour", irises=placed)
    for eye, iris in zip((LEFT_EYE, RIGHT_EYE), placed, strict=True):
        assert abs(drawn_iris(drawing, eye, FACE)[0] - iris[0]) < 2
    eyes = np.zeros((SIZE, SIZE), np.uint8)
    for eye in (LEFT_EYE, RIGHT_EYE):
        cv2.fillPoly(eyes, [np.round(FACE[eye]).astype(np.int32)], 1)
    outside = cv2.dilate(eyes, np.ones((3, 3))) == 0
    assert np.array_equal(plain[outside], drawing[outside])


def test_what_has_no_iris_is_drawn_without():
    placed = irises_of(FACE, AHEAD)
    one = placed.copy()
    one[0] = np.nan
    drawing = draw(FACE, SIZE, "colour", irises=one)
    assert np.isnan(drawn_iris(drawing, LEFT_EYE, FACE)).all()
    assert np.isfinite(drawn_iris(drawing, RIGHT_EYE, FACE)).all()
    shut = FACE.copy()
    shut[36:48, 1] = shut[36:48, 1].mean()
    assert np.array_equal(draw(shut, SIZE, "colour", irises=placed), draw(shut, SIZE, "colour"))
    assert np.array_equal(draw(FACE, SIZE, "white", irises=placed), draw(FACE, SIZE, "white"))


def test_a_redrawn_face_takes_its_irises_along():
    opts = replace(made.SMALL, image_size=SIZE, scale_size=286, drawing="colour", flip=True)
    entry = Entry(0, 0, FACE, irises=irises_of(FACE, np.array([[0.2, -0.1], [0.2, -0.1]])))
    sides = set()
    for seed in range(8):
        drawing, _ = augmentation.redraw(
            entry, np.zeros((SIZE, SIZE, 3), np.uint8), opts, np.random.default_rng(seed)
        )
        # The eyes are yellow and pale blue; each is the picture's left one or right one.
        yellow = np.argwhere(np.abs(drawing.astype(int) - (255, 255, 0)).max(axis=-1) < 60)[:, ::-1]
        low, high = yellow.min(axis=0), yellow.max(axis=0) + 1
        part = drawing[low[1] : high[1], low[0] : high[0]].astype(int)
        columns = np.nonzero(np.abs(part - IRIS_COLOURS["colour"][0]).max(axis=-1) < 60)[1]
        sides.add(columns.mean() > part.shape[1] / 2)
    assert sides == {True, False}  # it looks to the right, and mirrored to the left


def looking(count: int = 40, reach: float = 0.2) -> np.ndarray:
    """Gazes of a target that looks from side to side."""
    across = reach * np.sin(np.linspace(0, 6 * np.pi, count))
    return AHEAD + np.stack([across, np.zeros(count)], axis=-1)[:, None]


# --- the scripts ----------------------------------------------------------------------------------------


def test_pairs_have_the_irises_of_their_pictures(clips, tmp_path, irises):
    """generate_train_data.py draws what it finds, and keeps it in the sidecar."""
    source = ["--file", str(clips / "single_face.mp4"), "--num", "6"]
    generate_train_data.main([*source, "--output-dir", str(tmp_path / "with")])
    generate_train_data.main([*source, "--output-dir", str(tmp_path / "without"), "--no-gaze"])
    known = read_sidecar(tmp_path / "with/landmarks")
    seen = 0
    for name, entry in known.images.items():
        picture = cv2.imread(str(tmp_path / "with/original" / name))
        found = gaze_of(entry.points, irises(picture, entry.points))
        kept = gaze_of(entry.points, entry.irises)
        both = np.isfinite(found).all() and np.isfinite(kept).all()
        assert not both or np.abs(found - kept).max() < 0.03
        drawing = cv2.imread(str(tmp_path / "with/landmarks" / name))[..., ::-1]
        for eye, iris in zip((LEFT_EYE, RIGHT_EYE), entry.irises, strict=True):
            if np.isfinite(iris).all():
                seen += 1
                assert np.abs(drawn_iris(drawing, eye, entry.points)[0] - iris[0]) < 3
    assert seen >= 8
    assert all(entry.irises is None for entry in read_sidecar(tmp_path / "without/landmarks").images.values())


def test_no_gaze_has_no_effect_on_white_drawings(clips):
    arguments = ["--file", str(clips / "single_face.mp4"), "--drawing", "white", "--no-gaze"]
    with pytest.raises(UserError, match="--no-gaze has no effect: --drawing white has no irises"):
        generate_train_data.main(arguments)


@pytest.fixture(scope="module")
def repeating(tmp_path_factory) -> Path:
    """A frozen graph that returns its drawing, of a target that was trained with irises."""
    folder = tmp_path_factory.mktemp("gaze")
    points = np.array([made.points(SIZE, seed) for seed in range(40)])
    face = TargetFace.measure(points, irises_of(points, looking()))
    return made.repeating_model(folder / "gaze.pb", SIZE, Target(SIZE, "colour", face))


def test_the_drivers_gaze_is_drawn_and_without_it_the_target_looks_as_at_rest(clips, repeating):
    generator = Generator(repeating)
    assert np.allclose(generator.target.gaze.rest, AHEAD, atol=0.01)
    drawn = {}
    for gaze in (True, False):
        with (
            Painter(Tracker(LandmarkDetector()), [generator], DrivingOptions(gaze=gaze)) as painter,
            open_source(str(clips / "single_face.mp4")) as video,
        ):
            painter.driver.look_ahead(video, math.inf)  # on a busy machine, too
            drawn[gaze] = [painter.detect(frame).drawing for frame in video.frames(range(0, 72, 6))]
    changes = [np.abs(a.astype(int) - b).max(axis=-1) > 60 for a, b in zip(*drawn.values(), strict=True)]
    assert any(change.any() for change in changes)
    eyes = irises_of(np.array([generator.target.face.neutral] * 2), np.array([AHEAD, AHEAD]))[0]
    width = np.linalg.norm(np.diff(generator.target.face.neutral[list(EYE_CORNERS[0])], axis=0))
    for change in changes:  # nothing but the irises differs
        for row, column in np.argwhere(change):
            assert np.linalg.norm(eyes - (column, row), axis=1).min() < 1.5 * width


class Looking(EyeDetector):
    """Keeps which eyes are looked at."""

    def __init__(self) -> None:
        super().__init__()
        self.eyes: list[int] = []

    def look(self, frame, points, eye):
        self.eyes.append(eye)
        return super().look(frame, points, eye)


def test_an_eye_is_looked_at_when_its_picture_changes(frames):
    picture, points = next(f for f in frames if eye_aspect_ratio(f[1]) > 0.25)
    tracker, irises, alone = Tracker(LandmarkDetector(), smoothing=0), Looking(), Irises()
    tracker.follow_gaze(irises)
    (left, top), (right, bottom) = (
        points[LEFT_EYE].min(axis=0).astype(int),
        points[LEFT_EYE].max(axis=0).astype(int),
    )
    mirrored = picture.copy()
    mirrored[top:bottom, left:right] = mirrored[top:bottom, left:right][:, ::-1]
    looked_at = []
    for i, shown in enumerate([picture, picture, picture, mirrored, mirrored, picture]):
        irises.eyes.clear()
        face = tracker(Frame(i, i / 30, shown))
        looked_at.append(tuple(irises.eyes))
        expected = gaze_of(face.detected, alone(shown, face.detected))
        np.testing.assert_allclose(face.gaze.detected[0], expected[0], atol=0.01)
    assert looked_at[0] == (0, 1) and looked_at[1] == looked_at[2] == looked_at[4] == ()
    assert 0 in looked_at[3] and 0 in looked_at[5]


def test_the_gaze_that_is_followed_is_that_of_both_eyes_in_each_frame(clips):
    """In a clip whose face moves, with fewer looks."""
    tracker, irises, alone = Tracker(LandmarkDetector()), Looking(), Irises()
    tracker.follow_gaze(irises)
    differences = []
    with open_source(str(clips / "single_face.mp4")) as video:
        for frame in video.frames(range(40)):
            face = tracker(frame)
            expected = gaze_of(face.detected, alone(frame.picture, face.detected))
            differences.append(face.gaze.detected - expected)
    known = np.array(differences)[np.isfinite(differences).all(axis=(1, 2))]
    assert len(known) > 30 and np.sqrt(np.mean(known**2)) < 0.01
    assert len(irises.eyes) < 0.7 * 2 * len(differences)
