"""Training pairs are warped: the picture's landmarks are where the drawing has them, and the rest stays."""

import itertools
from dataclasses import replace

import cv2
import numpy as np
import pytest

from face2face.face.geometry import (
    BROWS,
    EYES,
    brow_height,
    eye_aspect_ratio,
    interocular_distance,
    mouth_openness,
)
from face2face.face.landmarks import LandmarkDetector
from face2face.sources.open import open_source
from face2face.target.sidecar import Entry
from pix2pix import augmentation, warping
from pix2pix.options import Options
from tests import made

SIZE = 256


def base(size: int = SIZE) -> np.ndarray:
    """A map that reads each pixel where it is, float32 (S, S, 2)."""
    pixels = np.arange(size, dtype=np.float32)
    return np.stack(np.meshgrid(pixels, pixels), axis=-1)


@pytest.fixture(scope="module")
def face(clips) -> tuple[np.ndarray, np.ndarray]:
    """A real face with open eyes and lips: the picture, RGB, and its landmarks."""
    detector = LandmarkDetector()
    with open_source(str(clips / "single_face.mp4")) as video:
        for frame in video.frames(range(40, 72)):
            found = detector.find(frame.picture)
            if found is not None and mouth_openness(found.points) > 0.05:
                return cv2.cvtColor(frame.picture, cv2.COLOR_BGR2RGB), found.points
    raise AssertionError("no open mouth in the clip")


def test_a_warped_picture_shows_the_moved_landmarks(face):
    """By dlib's detector, which sees nothing but the picture."""
    picture, points = face
    picture, points = picture[:360, 140:500], points - (140, 0)
    detector, size = LandmarkDetector(), float(interocular_distance(points))
    before = detector.find(picture[..., ::-1].copy()).points
    measures = (eye_aspect_ratio, brow_height, mouth_openness)
    drawn, seen = [], []
    for seed in range(12):
        moved = warping.varied(points, 2.0, np.random.default_rng(seed))
        assert np.linalg.norm(moved - points, axis=1).max() < 0.3 * size
        pixels = warping.warp_map(moved, points, warping.REACH * size, base(360))
        warped = cv2.remap(picture, pixels, None, cv2.INTER_CUBIC)
        after = detector.find(warped[..., ::-1].copy()).points
        assert np.linalg.norm(after - moved, axis=1).mean() < 0.05 * size
        drawn.append([float(measure(moved) - measure(points)) for measure in measures])
        seen.append([float(measure(after) - measure(before)) for measure in measures])
    for wanted, found in zip(np.transpose(drawn), np.transpose(seen), strict=True):
        assert np.corrcoef(wanted, found)[0, 1] > 0.8


def test_the_warp_ends_beside_the_face_and_does_not_fold():
    points = made.points(SIZE).astype(float)
    reach = warping.REACH * float(interocular_distance(points))
    for seed, amplitude in itertools.product(range(10), (1.0, 2.0)):
        moved = warping.varied(points, amplitude, np.random.default_rng(seed))
        bent = warping.warp_map(moved, points, reach, base())
        away = np.abs(bent - base()).max(axis=-1)
        assert max(away[:, :3].max(), away[:, -3:].max(), away[-3:].max(), away[:3].max()) < 0.4
        across, down = np.gradient(bent, axis=(1, 0))
        determinant = across[..., 0] * down[..., 1] - across[..., 1] * down[..., 0]
        assert determinant.min() > 0.1
        at = moved.astype(np.float32).reshape(1, -1, 2)  # where a landmark is drawn, it is read
        assert np.abs(cv2.remap(bent, at, None, cv2.INTER_LINEAR)[0] - points).mean() < 0.5 * amplitude


def test_shut_eyes_and_shut_lips_stay_shut():
    """The picture has no iris and no teeth to show there."""
    points = made.points(SIZE).astype(float)
    points[EYES, 1] = points[EYES, 1].mean()
    points[60:68, 1] = points[60:68, 1].mean()
    for seed in range(5):
        moved = warping.varied(points, 2.0, np.random.default_rng(seed))
        assert eye_aspect_ratio(moved) < 0.02
        assert mouth_openness(moved) < 0.02
        assert not np.array_equal(moved[BROWS], points[BROWS])


def test_redraw_warps_its_share_and_nothing_at_0(monkeypatch):
    opts = Options(image_size=SIZE, jitter="redraw", drawing="colour", seed=1)
    picture, entry = made.noise(SIZE, SIZE), Entry(0, 0, made.points(SIZE))
    calls = []
    varied = warping.varied
    monkeypatch.setattr(warping, "varied", lambda *arguments: calls.append(1) or varied(*arguments))

    def pairs(warp: float) -> list:
        calls.clear()
        chosen = replace(opts, warp=warp)
        return [augmentation.redraw(entry, picture, chosen, np.random.default_rng(i)) for i in range(40)]

    first, again = pairs(1.0), pairs(1.0)
    assert all(np.array_equal(a, b) for a, b in zip(sum(first, ()), sum(again, ()), strict=True))
    assert 10 <= len(calls) <= 30
    pairs(0.0)
    assert not calls
