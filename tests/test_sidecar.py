"""landmarks.json and target.json: what is written is read; what is damaged is named."""

import json

import numpy as np
import pytest

from face2face import sidecar, target
from face2face.cli import UserError
from face2face.framing import Window
from face2face.sidecar import Entry, Sidecar, Video
from face2face.target import Target, TargetFace
from tests import made

FACES = np.array([made.points(256, seed) for seed in range(12)])


@pytest.fixture
def beside() -> Sidecar:
    videos = [Video("a.mp4", (640, 360), 25.0, (10, 20, 300)), Video("b.mp4", (320, 240), 30.0, None)]
    images = {f"{i + 1}.png": Entry(i % 2, 3 * i, points) for i, points in enumerate(FACES)}
    return Sidecar(videos, images, "colour")


# --- landmarks.json -------------------------------------------------------------------------------------


def test_a_sidecar_is_read_as_it_was_written(beside, tmp_path):
    beside.write(tmp_path)
    again = sidecar.read(tmp_path)
    assert again.drawing == "colour" and list(again.images) == list(beside.images)
    assert [tuple(video.frame_size) for video in again.videos] == [(640, 360), (320, 240)]
    for name, entry in beside.images.items():
        assert (again.images[name].video, again.images[name].frame) == (entry.video, entry.frame)
        assert np.abs(again.images[name].points - entry.points).max() < 0.001


def test_a_folder_without_one(tmp_path):
    assert sidecar.read(tmp_path) is None
    assert target.read(tmp_path) is None


def test_a_part_of_it(beside):
    part = beside.only(["2.png", "5.png", "99.png"])
    assert list(part.images) == ["2.png", "5.png"] and part.videos == beside.videos


@pytest.mark.parametrize(
    "change, message",
    [
        ({"format_version": 2}, "expected format version 1, got 2"),
        ({"drawing": "oil"}, r"expected a drawing of \['colour', 'white'\], got 'oil'"),
        ({"images": {"1.png": {"video": 0}}}, "damaged, or not written by generate_train_data.py"),
        ({"images": {"1.png": {"video": 0, "frame": 1, "points": [[1, 2]]}}}, "damaged"),
        ({"videos": [{"name": "a.mp4"}]}, "damaged"),
    ],
)
def test_a_sidecar_of_something_else_is_named(beside, tmp_path, change, message):
    beside.write(tmp_path)
    path = tmp_path / sidecar.FILE_NAME
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(UserError, match=message) as raised:
        sidecar.read(tmp_path)
    assert str(path) in str(raised.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "1"])
def test_damaged_json_is_named(tmp_path, text):
    (tmp_path / sidecar.FILE_NAME).write_text(text)
    (tmp_path / target.FILE_NAME).write_text(text)
    with pytest.raises(UserError, match=r"landmarks\.json: damaged"):
        sidecar.read(tmp_path)
    with pytest.raises(UserError, match=r"target\.json: damaged"):
        target.read(tmp_path)


# --- target.json ----------------------------------------------------------------------------------------


def test_a_target_is_read_as_it_was_written(beside, tmp_path):
    measured = Target.measure(beside, 256)
    measured.write(tmp_path)
    again = target.read(tmp_path)
    assert (again.image_size, again.drawing) == (256, "colour")
    assert again.videos[0]["frames"] == [0, 6, 12, 18, 24, 30]
    assert np.allclose(again.face.neutral, measured.face.neutral, atol=0.001)
    assert np.allclose(again.face.components, measured.face.components, atol=1e-5)
    assert np.allclose(again.face.ranges, measured.face.ranges, atol=0.001)


def test_a_target_without_landmarks(tmp_path):
    Target(512).write(tmp_path)
    assert target.read(tmp_path) == Target(512)


def test_the_directions_explain_the_faces():
    """Each of the faces is the neutral one plus a part of the directions; the rest is small."""
    face = TargetFace.measure(FACES)
    assert np.allclose(np.linalg.norm(face.components, axis=1), 1)
    assert (face.ranges[:, 0] <= 0).all() and (face.ranges[:, 1] >= 0).all()
    assert face.residual < 3
    assert face.motion.shape == (4, 2) and (face.motion[:, 0] <= face.motion[:, 1]).all()


def test_the_neutral_face_is_at_rest():
    """Among faces with the mouth shut and open, it is shut."""
    shut = FACES.copy()
    shut[:, 60:68, 1] = shut[:, 60:68, 1].mean(axis=1, keepdims=True)
    face = TargetFace.measure(np.concatenate([shut, FACES[:4]]))
    assert np.ptp(face.neutral[60:68, 1]) < 0.5
    assert face.open_mouth > 0.1


def test_the_neutral_face_in_a_clip_of_the_target(beside):
    """Through the window that cut it out."""
    known = Target.measure(beside, 256)
    for window, clip, size in (
        (Window(10, 20, 300), "a.mp4", (640, 360)),
        (Window.centre(320, 240), "b.mp4", (320, 240)),
    ):
        carried = window.points(known.neutral_in(clip, size), 256)
        assert np.allclose(carried, known.face.neutral, atol=1e-3)
    assert known.neutral_in("a.mp4", (1280, 720)) is None
    assert known.neutral_in("c.mp4", (640, 360)) is None
