"""Points are drawn where they are, alike at any size, and in part beyond the edges."""

import numpy as np
import pytest

from face2face.face.drawing import DRAWINGS, LINE_WIDTH, draw
from face2face.face.geometry import REGIONS
from tests import made


@pytest.mark.parametrize("style", sorted(DRAWINGS))
@pytest.mark.parametrize("size", [64, 256, 512])
def test_each_point_is_drawn_where_it_was_found(style, size):
    points = made.points(size)
    drawing = draw(points, size, style)
    assert drawing.shape == (size, size, 3) and drawing.dtype == np.uint8
    points = np.delete(points, 35, axis=0) if style == "original" else points
    lit = [drawing[round(float(y)), round(float(x))].max() for x, y in points]
    assert min(lit) > (40 if style == "original" and size == 64 else 100)


@pytest.mark.parametrize("style", sorted(DRAWINGS))
def test_each_point_belongs_to_the_drawing(style):
    drawn = {i for stroke in DRAWINGS[style] for i in range(68)[stroke.region.points]}
    assert drawn == set(range(68)) - ({35} if style == "original" else set())


def line_width(size: int) -> float:
    """Of the bridge of a face's nose, in pixels, across it."""
    points = made.points(size)
    points[27:31] = [[size / 2, y * size] for y in (0.42, 0.45, 0.48, 0.51)]
    row = draw(points, size, "white")[round(0.44 * size), :, 0].astype(float) / 255
    middle = round(0.04 * size)
    return row[size // 2 - middle : size // 2 + middle].sum()


@pytest.mark.parametrize("size", [256, 288, 512, 1024])
def test_lines_are_as_wide_in_model_space_whatever_the_drawings_size(size):
    """To half a pixel of 256, which is what OpenCV's polygons add."""
    assert line_width(size) / size == pytest.approx(3 / 288, abs=0.6 / 256)


def test_a_drawing_moves_by_less_than_a_pixel():
    """Sub-pixel: no jump from one whole pixel to the next."""
    points = made.points(256)
    means = []
    for step in range(5):
        drawing = draw(points + np.float32([step / 4, 0]), 256, "white")[..., 0].astype(float)
        means.append((drawing.sum(axis=0) @ np.arange(256)) / drawing.sum())
    assert np.diff(means) == pytest.approx([0.25] * 4, abs=0.03)


def test_open_and_shut_differ_in_area():
    """What `colour` fills."""
    wide, shut = made.points(256), made.points(256)
    shut[60:68, 1] = wide[60:68, 1].mean()
    mouth = DRAWINGS["colour"][-1]
    areas = [int((draw(points, 256, "colour") == mouth.colour).all(axis=-1).sum()) for points in (wide, shut)]
    assert areas[0] > 1.5 * areas[1]


@pytest.mark.parametrize("shift", [(-1000, 0), (0, 5000), (200, 200), (-120, -100)])
def test_a_face_beyond_the_edge_is_cut(shift):
    moved = made.points(256) + np.float32(shift)
    drawing = draw(moved, 256)
    whole = draw(moved + np.float32([1024, 1024]), 2304, line_width=256 * LINE_WIDTH)
    inside = whole[1024:1280, 1024:1280] if max(map(abs, shift)) < 1000 else np.zeros_like(drawing)
    assert np.abs(drawing.astype(int) - inside).mean() < 0.1


COLOURS = {
    "jaw": (0, 96, 255),
    "left brow": (255, 128, 0),
    "right brow": (255, 0, 128),
    "nose bridge": (0, 255, 0),
    "lower nose": (0, 255, 160),
    "left eye": (255, 255, 0),
    "right eye": (160, 255, 255),
    "outer lips": (255, 0, 0),
    "inner lips": (255, 255, 255),
}


@pytest.mark.parametrize("region", COLOURS)
def test_the_colours_are_those_that_models_were_trained_on(region):
    """A model reads its own style of drawing only: another colour is another style."""
    face = made.points(512)
    points = face[REGIONS[region].points]
    for style, colour in (("colour", COLOURS[region]), ("white", (255, 255, 255))):
        drawing = draw(face, 512, style)
        for x, y in np.round((points[:-1] + points[1:]) / 2).astype(int):  # on the lines between them
            assert np.abs(drawing[y - 2 : y + 3, x - 2 : x + 3].astype(int) - colour).sum(axis=-1).min() <= 12


def test_what_can_open_is_filled_and_closed_and_nothing_else():
    face = made.points(512)
    filled = {"left eye", "right eye", "outer lips", "inner lips"}
    for region in COLOURS:
        points = face[REGIONS[region].points]
        x, y = np.round(points.mean(axis=0)).astype(int)
        white, colour = (draw(face, 512, style) for style in ("white", "colour"))
        top = "inner lips" if region == "outer lips" else region  # which are drawn over it
        if region in filled:
            assert not white[y, x].any() and tuple(colour[y, x]) == COLOURS[top]
        x, y = np.round((points[0] + points[-1]) / 2).astype(int)
        if region in filled:
            assert white[y - 1 : y + 2, x - 1 : x + 2].any()
        elif "nose" not in region:  # whose lines are almost straight
            assert not (colour[y - 1 : y + 2, x - 1 : x + 2] == COLOURS[region]).all(axis=-1).any()
