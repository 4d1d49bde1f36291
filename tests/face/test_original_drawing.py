"""`--drawing white` and graphs from elsewhere: the drawing of 2017, beside its own procedure."""

import cv2
import numpy as np
import pytest

from face2face import pictures
from face2face.face.crop import CropBox
from face2face.face.drawing import ORIGINAL_DRAWING, draw
from face2face.face.landmarks import LandmarkDetector
from face2face.face.tracking import Tracker
from face2face.generator.generator import Generator
from face2face.live.options import DrivingOptions
from face2face.live.painter import Painter
from face2face.sources.base import Frame
from face2face.sources.open import open_source
from face2face.target import pairs, sidecar
from face2face.target.target_file import Target
from pix2pix.tools import process
from tests import made

SIZE = 256
LINES = [
    *((slice(0, 17), False), (slice(17, 22), False), (slice(22, 27), False), (slice(27, 31), False)),
    *((slice(30, 35), True), (slice(36, 42), True), (slice(42, 48), True)),
    *((slice(48, 60), True), (slice(60, 68), True)),
]
"""Of generate_train_data.py and run_webcam.py in datitran/face2face-demo."""


def of_2017(points: np.ndarray, width: int, height: int) -> np.ndarray:
    """Its drawing of a frame in model space: 3 pixels wide in the frame, whose middle is then scaled."""
    frame = np.zeros((height, width, 3), np.uint8)
    for part, closed in LINES:
        line = np.round(points[part]).astype(np.int32).reshape(-1, 1, 2)
        cv2.polylines(frame, [line], closed, (255, 255, 255), 3)
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    square = frame[top : top + side, left : left + side]
    return cv2.resize(square, (SIZE, SIZE), interpolation=cv2.INTER_AREA)


def in_frame(width: int, height: int) -> np.ndarray:
    """A face in the middle of a frame, float32 (68, 2)."""
    side = min(width, height)
    return made.points(side) + np.float32([(width - side) // 2, (height - side) // 2])


def brightness_ratio(drawing: np.ndarray, original: np.ndarray) -> float:
    assert np.corrcoef(drawing.ravel(), original.ravel())[0, 1] > 0.95
    return float(drawing.mean() / original.mean())


def mean_difference(a: np.ndarray, b: np.ndarray) -> float:
    """Of 255. Points are kept to a thousandth of a pixel."""
    return float(np.abs(a.astype(int) - b).mean())


FRAMES = [(360, 288), (640, 480), (1280, 720), (1920, 1080)]


@pytest.mark.parametrize("frame", FRAMES)
def test_an_old_graph_is_driven_by_lines_of_3_pixels_of_the_frame(frame):
    points = in_frame(*frame)
    crop_box = CropBox.centre(*frame)
    drawing = Target(SIZE).draw(crop_box.points(points, SIZE), crop_box.side)
    assert brightness_ratio(drawing, of_2017(points, *frame)) == pytest.approx(1, abs=0.05)


def test_the_webcam_drives_an_old_graph_by_the_drawing_of_2017(clips, tmp_path):
    """Before a camera of 1280x720."""
    with open_source(str(clips / "single_face.mp4")) as video:
        picture = cv2.resize(next(video.frames({0})).picture, (1280, 720), interpolation=cv2.INTER_CUBIC)
    old = Generator(made.repeating_model(tmp_path / "old.pb", SIZE))
    with Painter(Tracker(LandmarkDetector(), 0.0), [old], DrivingOptions()) as paint:
        driven = paint(Frame(0, 0.0, picture))
    assert brightness_ratio(driven.drawing, of_2017(driven.points, 1280, 720)) == pytest.approx(1, abs=0.05)
    assert np.array_equal(driven.generated, driven.drawing)


@pytest.mark.parametrize("frame", FRAMES)
def test_new_white_pairs_are_drawn_and_resized_as_in_2017(frame, tmp_path):
    """Of whole frames; process.py draws them again at their new size."""
    points = in_frame(*frame)
    of_frame = sidecar.Entry(0, 0, points, 3.0)
    _, drawn, entry = pairs.pair(np.zeros((*frame[::-1], 3), np.uint8), of_frame, None, ORIGINAL_DRAWING)
    pictures.write(tmp_path / "landmarks/1.png", drawn)
    video = sidecar.Video("made.mp4", frame, 25.0, None)
    sidecar.Sidecar([video], {"1.png": entry}, ORIGINAL_DRAWING).write(tmp_path / "landmarks")
    process.process(tmp_path / "landmarks", tmp_path / "resized", "resize", size=SIZE)
    resized = pictures.read(tmp_path / "resized/1.png")
    assert brightness_ratio(resized, of_2017(points, *frame)) == pytest.approx(1, abs=0.05)
    scaled = sidecar.read_sidecar(tmp_path / "resized")
    assert scaled.images["1.png"].line_width == pytest.approx(3 * SIZE / min(frame), abs=0.01)
    target = Target.measure(scaled, SIZE, with_face=False)
    target.write(tmp_path)
    read = Target.from_json((tmp_path / "target.json").read_bytes(), "target.json")
    assert read.line_width == pytest.approx(3 * SIZE / min(frame), abs=0.01)
    # The driver's frame does not count where the training's is known.
    assert mean_difference(read.draw(scaled.images["1.png"].points, 100), resized) < 0.2


def test_point_35_is_left_out():
    points = made.points(SIZE)
    moved = points.copy()
    moved[35] += 40
    assert np.array_equal(draw(points, SIZE, "original"), draw(moved, SIZE, "original"))
    assert not np.array_equal(draw(points, SIZE, "white"), draw(moved, SIZE, "white"))


def test_older_white_pairs_are_drawn_as_they_were(tmp_path):
    """Their sidecars say "white", and models trained on them, too: 3 px at a height of 288, with point 35."""
    points = in_frame(1280, 720)
    video = sidecar.Video("made.mp4", (1280, 720), 25.0, None)
    older = sidecar.Sidecar([video], {"1.png": sidecar.Entry(0, 0, points)}, "white")
    older.write(tmp_path)
    pictures.write(tmp_path / "1.png", np.zeros((720, 1280, 3), np.uint8))
    process.process(tmp_path, tmp_path / "resized", "resize", size=SIZE)
    target = Target.measure(sidecar.read_sidecar(tmp_path / "resized"), SIZE, with_face=False)
    assert (target.drawing, target.line_width) == ("white", None)
    drawing = pictures.read(tmp_path / "resized/1.png")
    again = target.draw(CropBox.centre(1280, 720).points(points, SIZE), 720)
    assert mean_difference(drawing, again) < 0.2
    assert drawing.mean() > 1.5 * of_2017(points, 1280, 720).mean()
