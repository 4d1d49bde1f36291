"""The square window: pictures and points take the same way into model space."""

import numpy as np
import pytest

from face2face.face.crop import CropBox, resize
from tests import made

FRAME = (640, 360)
"""Width and height."""


def frame_with_spot(x: int, y: int) -> np.ndarray:
    frame = np.zeros((*FRAME[::-1], 3), np.uint8)
    frame[y - 20 : y + 21, x - 20 : x + 21] = 255
    return frame


def middle_of_spot(picture: np.ndarray) -> np.ndarray:
    rows, columns = np.nonzero(picture[..., 0] > 0)
    weights = picture[rows, columns, 0].astype(float)
    return np.array([np.average(columns, weights=weights), np.average(rows, weights=weights)])


@pytest.mark.parametrize("window", [CropBox(100, 20, 300), CropBox.centre(*FRAME), CropBox.padded(*FRAME)])
@pytest.mark.parametrize("size", [None, 64, 256, 900])
def test_a_point_lands_where_its_picture_lands(window, size):
    spot = (263, 171)
    picture = window.picture(frame_with_spot(*spot), size)
    assert picture.shape == (size or window.side, size or window.side, 3)
    found = middle_of_spot(picture)
    assert np.abs(found - window.points(np.array(spot), size)).max() < 0.1


@pytest.mark.parametrize("size", [64, 256])
def test_the_way_back(size):
    window, points = CropBox(-30, 12, 333), made.points(200)
    assert np.allclose(window.points_back(window.points(points, size), size), points, atol=1e-3)


def test_beyond_the_frame_is_black():
    frame = np.full((*FRAME[::-1], 3), 200, np.uint8)
    picture = CropBox(-50, -20, 400).picture(frame)
    assert not picture[:20].any() and not picture[:, :50].any() and not picture[380:].any()
    assert (picture[20:380, 50:] == 200).all()


def test_a_window_wholly_beyond_the_frame_is_black():
    frame = np.full((*FRAME[::-1], 3), 200, np.uint8)
    assert not CropBox(700, 20, 100).picture(frame, 50).any()


def face_at(x: float, y: float, size: float = 120) -> np.ndarray:
    return made.points(int(size)) + np.float32([x, y])


@pytest.mark.parametrize("x, y", [(260, 110), (5, 30), (515, 200), (30, 230)])
def test_the_face_is_in_its_window_and_the_window_in_the_frame(x, y):
    landmarks = np.stack([face_at(x, y), face_at(x + 4, y + 3)])
    window = CropBox.around(landmarks, *FRAME)
    inside = window.points(landmarks)
    assert inside.min() >= 0 and inside.max() <= window.side - 1
    assert window.left >= 0 and window.top >= 0
    assert window.left + window.side <= FRAME[0] and window.top + window.side <= FRAME[1]


def test_hair_and_neck_have_room():
    landmarks = face_at(260, 110)[None]
    window = CropBox.around(landmarks, *FRAME)
    low, high = landmarks[0].min(axis=0), landmarks[0].max(axis=0)
    height = high[1] - low[1]
    assert low[1] - window.top > 0.5 * height
    assert window.top + window.side - high[1] > 0.25 * height
    assert window.side < 3 * height


def test_all_of_a_wide_travel_is_held():
    """More than the frame is high: the window reaches beyond it, and no face is cut."""
    landmarks = np.stack([face_at(5, 100), face_at(510, 110)])
    window = CropBox.around(landmarks, *FRAME)
    inside = window.points(landmarks)
    assert inside.min() >= 0 and inside.max() <= window.side - 1


def test_shrinking_averages_and_growing_is_smooth():
    board = np.indices((64, 64)).sum(axis=0) % 2 * np.uint8(200)
    assert np.ptp(resize(board.astype(np.uint8), 32)) <= 1
    ramp = np.repeat(np.arange(0, 64, dtype=np.uint8)[None] * 4, 64, axis=0)
    assert np.abs(np.diff(resize(ramp, 256)[100].astype(int))).max() <= 2
