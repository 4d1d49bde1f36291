"""Training pairs get the eyes and brows of another frame, picture and landmarks alike, and nothing else."""

import itertools
from dataclasses import replace

import cv2
import numpy as np
import pytest

from face2face.face.geometry import BROWS, EYES, eye_aspect_ratio, interocular_distance
from face2face.face.landmarks import LandmarkDetector
from face2face.sources.open import open_source
from face2face.target import sidecar
from face2face.target.sidecar import Entry
from pix2pix import dataset
from pix2pix.batches import training_batches
from pix2pix.recombination import (
    MAX_POSE_DIFFERENCE,
    ONE_SIDE_SHARE,
    SIDES,
    LabelledFrame,
    Recombiner,
    random_sides,
    recombined,
)
from tests import made

SIZE = 256
BOTH = (0, 1)


@pytest.fixture(scope="module")
def filmed(clips) -> list[LabelledFrame]:
    """Frames of a real clip, square, RGB, with their landmarks."""
    detector, frames = LandmarkDetector(), []
    with open_source(str(clips / "single_face.mp4")) as video:
        for number, frame in enumerate(video.frames(range(16, 36, 2))):
            found = detector.find(frame.picture)
            if found is None:
                continue
            height, width = frame.picture.shape[:2]
            left = (width - height) // 2
            picture = cv2.cvtColor(frame.picture[:, left : left + height], cv2.COLOR_BGR2RGB)
            frames.append(LabelledFrame(Entry(0, number, found.points - np.float32([left, 0])), picture))
    return frames


@pytest.fixture(scope="module")
def open_and_shut(filmed) -> tuple[LabelledFrame, LabelledFrame]:
    """A frame with open eyes, and the one with shut eyes whose head pose is nearest to it."""
    ratios = [float(eye_aspect_ratio(frame.entry.points)) for frame in filmed]
    shut = filmed[int(np.argmin(ratios))]
    wide = [frame for frame, ratio in zip(filmed, ratios, strict=True) if ratio > np.median(ratios)]
    return min(wide, key=lambda frame: abs(frame.entry.frame - shut.entry.frame)), shut


def test_the_detector_sees_the_other_frames_eyes_in_the_picture(open_and_shut):
    """dlib's detector sees nothing but the picture."""
    detector = LandmarkDetector()
    for frame, other in (open_and_shut, open_and_shut[::-1]):
        mixed = recombined(frame, other, BOTH)
        seen = detector.find(mixed.picture[..., ::-1].copy()).points
        size = float(interocular_distance(mixed.entry.points))
        assert np.linalg.norm(seen - mixed.entry.points, axis=1).mean() < 0.04 * size
        ratio, own, others = (
            float(eye_aspect_ratio(points)) for points in (seen, frame.entry.points, other.entry.points)
        )
        assert abs(ratio - others) < 0.3 * abs(own - others)


@pytest.mark.parametrize("sides", [BOTH, (0,), (1,)])
def test_the_rest_of_picture_and_landmarks_stays(open_and_shut, sides):
    frame, other = open_and_shut
    before = frame.picture.copy()
    mixed = recombined(frame, other, sides)
    taken = np.concatenate([SIDES[side] for side in sides])
    rest = np.setdiff1d(np.arange(68), taken)
    assert np.array_equal(frame.picture, before)  # a copy
    assert np.array_equal(mixed.entry.points[rest], frame.entry.points[rest])
    assert not np.allclose(mixed.entry.points[taken], frame.entry.points[taken], atol=1)
    size = float(interocular_distance(frame.entry.points))
    mouth = frame.entry.points[48:].mean(axis=0).astype(int)
    near = slice(mouth[1] - round(0.2 * size), None)
    assert np.array_equal(mixed.picture[near], frame.picture[near])
    assert not np.array_equal(mixed.picture, frame.picture)


def test_other_light_leaves_no_edge(open_and_shut):
    """A frame's own upper face in other light, moved into it, is what it was before."""
    frame, _ = open_and_shut
    shade = np.linspace(0, 40, frame.picture.shape[1])[:, None]
    darker = np.clip(frame.picture - shade, 0, 255).astype(np.uint8)
    mixed = recombined(frame, replace(frame, picture=darker), BOTH)
    difference = np.abs(mixed.picture.astype(int) - frame.picture)
    plain = np.abs(darker.astype(int) - frame.picture)
    changed = difference.max(axis=-1) > 0
    assert changed.any()
    assert difference[changed].mean() < 0.15 * plain[changed].mean()


def test_irises_come_with_the_eyes(open_and_shut):
    frame, other = open_and_shut
    looking = np.array([[10.0, 20.0], [np.nan, np.nan]], np.float32)
    known = replace(frame, entry=replace(frame.entry, irises=np.zeros((2, 2), np.float32)))
    seen = recombined(known, replace(other, entry=replace(other.entry, irises=looking)), BOTH).entry.irises
    assert np.isnan(seen[1]).all() and np.isfinite(seen[0]).all()
    assert np.isnan(recombined(known, other, BOTH).entry.irises).all()  # not looked for in the other frame
    one = recombined(known, other, [1]).entry.irises
    assert np.isnan(one[1]).all() and not one[0].any()  # the left eye keeps its own
    assert recombined(frame, other, BOTH).entry.irises is None


def test_a_face_moved_in_its_picture_gives_the_same_eyes(filmed):
    """The other frame is moved, turned and scaled to the head."""
    frame = filmed[0]
    matrix = cv2.getRotationMatrix2D((frame.picture.shape[0] / 2,) * 2, 8, 0.9)
    matrix[:, 2] += (12, -9)
    moved = cv2.warpAffine(frame.picture, matrix, frame.picture.shape[:2], flags=cv2.INTER_CUBIC)
    points = (frame.entry.points @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)
    mixed = recombined(frame, LabelledFrame(replace(frame.entry, points=points), moved), BOTH)
    assert np.abs(mixed.entry.points - frame.entry.points).max() < 0.1
    assert not np.array_equal(mixed.picture, frame.picture)  # it was interpolated
    left, top = np.floor(frame.entry.points[EYES].min(axis=0)).astype(int)
    right, bottom = np.ceil(frame.entry.points[EYES].max(axis=0)).astype(int)
    eyes = slice(top, bottom), slice(left, right)
    assert np.abs(mixed.picture[eyes].astype(int) - frame.picture[eyes]).mean() < 4


# --- which frame ----------------------------------------------------------------------------------------


def entries(count: int, **changes) -> list[Entry]:
    return [Entry(0, i, made.points(SIZE, seed=i), **changes) for i in range(count)]


def turned(points: np.ndarray) -> np.ndarray:
    """The same face with its nose a tenth of the picture farther to the right."""
    points = points.copy()
    points[27:36, 0] += SIZE / 10
    return points


def test_a_frame_of_nearly_the_same_head_pose_is_found():
    known = entries(10)
    mixed = [*known, *(replace(entry, points=turned(entry.points)) for entry in known)]
    recombiner = Recombiner(mixed)
    for index, seed in itertools.product(range(20), range(5)):
        other = recombiner.find(index, BOTH, np.random.default_rng(seed))
        assert other != index
        assert (other < 10) == (index < 10)


def test_none_is_found_where_no_head_pose_is_near():
    alone = Entry(0, 9, turned(made.points(SIZE)))
    assert MAX_POSE_DIFFERENCE < 0.1
    assert Recombiner([*entries(4), alone]).find(4, BOTH, np.random.default_rng(0)) is None
    assert Recombiner(entries(1)).find(0, BOTH, np.random.default_rng(0)) is None


def test_none_is_found_in_another_video():
    others = [replace(entry, video=1) for entry in entries(4)]
    recombiner = Recombiner([*entries(1), *others])
    assert recombiner.find(0, BOTH, np.random.default_rng(0)) is None
    assert recombiner.find(1, BOTH, np.random.default_rng(0)) in (2, 3, 4)


def test_another_expression_is_preferred():
    """Of ten frames one has raised brows: it is taken far more often than one time in nine."""
    known = entries(10)
    raised = known[3].points.copy()
    raised[BROWS, 1] -= SIZE / 20
    known[3] = replace(known[3], points=raised)
    recombiner = Recombiner(known)
    taken = [recombiner.find(0, BOTH, np.random.default_rng(seed)) for seed in range(200)]
    assert 50 < taken.count(3) < 150


def test_the_expression_of_the_side_that_is_taken_counts():
    """The left brow is raised in one frame, the right one in another."""
    known = entries(10)
    for index, side in ((3, 0), (7, 1)):
        points = known[index].points.copy()
        points[SIDES[side][:5], 1] -= SIZE / 20
        known[index] = replace(known[index], points=points)
    recombiner = Recombiner(known)
    for side, (more, less) in enumerate([(3, 7), (7, 3)]):
        taken = [recombiner.find(0, [side], np.random.default_rng(seed)) for seed in range(200)]
        assert taken.count(more) > 50 > 2 * taken.count(less)


def test_each_side_and_both_are_drawn():
    drawn = [random_sides(np.random.default_rng(seed)) for seed in range(400)]
    assert set(drawn) == {(0,), (1,), BOTH}
    assert abs(drawn.count(BOTH) / 400 - (1 - ONE_SIDE_SHARE)) < 0.1
    assert abs(drawn.count((0,)) - drawn.count((1,))) < 80


# --- in a training --------------------------------------------------------------------------------------


def test_a_training_recombines_its_share(tmp_path, monkeypatch):
    pairs = dataset.find_pairs(made.write_pairs(tmp_path / "pairs", 6))
    beside = sidecar.read_sidecar(tmp_path / "pairs")
    calls = []
    monkeypatch.setattr(
        "pix2pix.batches.recombined", lambda *given: calls.append(given) or recombined(*given)
    )

    def batches(share: float) -> list[np.ndarray]:
        calls.clear()
        opts = replace(made.SMALL, jitter="redraw", warp=0.0, recombine=share)
        found = itertools.islice(training_batches(pairs, opts, 0, beside), 40)
        return [half.numpy() for batch in found for half in batch]

    whole = batches(1.0)
    assert len(calls) >= 40  # some more are prepared
    assert all(frame.entry.frame != other.entry.frame for frame, other, _ in calls)
    assert {len(sides) for *_, sides in calls} == {1, 2}
    half = batches(0.5)
    assert 10 <= len(calls) <= 34
    assert all(np.array_equal(a, b) for a, b in zip(half, batches(0.5), strict=True))
    none = batches(0.0)
    assert not calls
    assert not any(np.array_equal(a, b) for a, b in zip(none, whole, strict=True))
