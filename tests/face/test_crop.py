"""The square window: pictures and points take the same way into model space."""

import numpy as np
import pytest

from face2face.face import crop
from face2face.face.crop import CropBox, fit, resize
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


@pytest.mark.parametrize(
    "left, top, side",
    [(0, 0, 24), (3, 2, 20), (-5, -7, 60), (20, 10, 30), (-4, 3, 12), (-1, 3, 12), (3, -1, 12)],
)
def test_a_box_is_cut_out_to_the_pixel_and_black_beyond_the_frame(left, top, side):
    frame = made.noise(24, 40) | 1  # nothing in it is black
    expected = np.zeros((side, side, 3), np.uint8)
    for y, x in np.ndindex(side, side):
        if 0 <= top + y < 24 and 0 <= left + x < 40:
            expected[y, x] = frame[top + y, left + x]
    assert np.array_equal(CropBox(left, top, side).picture(frame), expected)


@pytest.mark.parametrize(
    "low, high, expected",
    [
        ((400, 300), (500, 400), CropBox(350, 250, 200)),  # with its margins, which are half a face
        ((10, 300), (110, 400), CropBox(0, 250, 200)),  # shifted into the frame
        ((880, 690), (980, 790), CropBox(800, 600, 200)),
        ((100, 100), (900, 700), CropBox(99, -1, 802)),  # of a face this wide no margins are left
    ],
)
def test_the_box_of_a_clip_holds_the_face_with_its_margins(low, high, expected, monkeypatch):
    for name in ("MARGIN_SIDE", "MARGIN_ABOVE", "MARGIN_BELOW"):
        monkeypatch.setattr(crop, name, 0.5)
    face = np.linspace(low, high, 68)[None]
    assert CropBox.around(face, 1000, 800) == expected


@pytest.mark.parametrize("above, below, top", [(2.0, 0.0, 401), (0.0, 2.0, 499)])
def test_the_face_takes_precedence_over_margins_that_have_no_room(above, below, top, monkeypatch):
    margins = {"MARGIN_SIDE": 0.0, "MARGIN_ABOVE": above, "MARGIN_BELOW": below}
    for name, margin in margins.items():
        monkeypatch.setattr(crop, name, margin)
    face = np.linspace((100, 500), (300, 800), 68)[None]
    assert CropBox.around(face, 400, 2000) == CropBox(0, top, 400)


@pytest.mark.parametrize("width, height, shown", [(60, 60, (0, 15, 60, 30)), (90, 30, (15, 0, 60, 30))])
def test_a_picture_that_is_fitted_is_whole_and_in_the_middle(width, height, shown):
    picture = made.noise(10, 20) | 1
    fitted = fit(picture, width, height)
    left, top, across, down = shown
    inside = fitted[top : top + down, left : left + across]
    assert fitted.shape == (height, width, 3) and fitted.sum() == inside.sum()
    assert inside.any(axis=-1).mean() > 0.99
    assert np.abs(resize(inside[:, :down], 10).astype(int) - picture[:, :10]).mean() < 8


def test_a_picture_is_fitted_by_averages_where_it_shrinks():
    stripes = np.zeros((40, 80, 3), np.uint8)
    stripes[::2] = 200
    assert (fit(stripes, 40, 20) == 100).all()
    assert np.array_equal(fit(stripes, 80, 40), stripes)
