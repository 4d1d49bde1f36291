"""landmarks.json and target.json: what is written is read; what is damaged is named."""

import json
from dataclasses import replace

import numpy as np
import pytest

from face2face.cli import UserError
from face2face.face.crop import CropBox
from face2face.sources.files import FolderSource
from face2face.target import pairs, selection, sidecar, target_file
from face2face.target.sidecar import Entry, Sidecar, Video, read_sidecar
from face2face.target.statistics import TargetFace
from face2face.target.target_file import Target
from tests import made

FACES = np.array([made.points(256, seed) for seed in range(12)])


@pytest.fixture
def known() -> Sidecar:
    videos = [Video("a.mp4", (640, 360), 25.0, (10, 20, 300)), Video("b.mp4", (320, 240), 30.0, None)]
    images = {f"{i + 1}.png": Entry(i % 2, 3 * i, points) for i, points in enumerate(FACES)}
    return Sidecar(videos, images, "colour")


def entry(**changes) -> dict:
    """An image's part of a sidecar."""
    return {"video": 0, "frame": 1, "points": [[1.5, 2]] * 68} | changes


def video(**changes) -> dict:
    return {"name": "a.mp4", "frame_size": [640, 360], "fps": 25.0, "window": None} | changes


# --- landmarks.json -------------------------------------------------------------------------------------


def test_a_sidecar_is_read_as_it_was_written(known, tmp_path):
    known.write(tmp_path)
    again = sidecar.read_sidecar(tmp_path)
    assert again.drawing == "colour" and list(again.images) == list(known.images)
    assert [tuple(video.frame_size) for video in again.videos] == [(640, 360), (320, 240)]
    for name, entry in known.images.items():
        assert (again.images[name].video, again.images[name].frame) == (entry.video, entry.frame)
        assert np.abs(again.images[name].points - entry.points).max() < 0.001


def test_irises_are_read_as_they_were_written(known, tmp_path):
    """Older readers would leave them out of the drawing, so the file says that it is newer."""
    known.write(tmp_path)
    assert json.loads((tmp_path / sidecar.SIDECAR_NAME).read_text())["format_version"] == 1
    irises = np.array([[90.25, 120.5], [np.nan, np.nan]], np.float32)
    images = {name: replace(entry, irises=irises) for name, entry in known.images.items()}
    replace(known, images=images).write(tmp_path)
    assert json.loads((tmp_path / sidecar.SIDECAR_NAME).read_text())["format_version"] == 2
    for entry in sidecar.read_sidecar(tmp_path).images.values():
        np.testing.assert_array_equal(entry.irises, irises)


def test_irises_are_moved_into_a_crop_box_with_the_points():
    irises = np.array([[100.0, 80.0], [np.nan, np.nan]])
    moved = Entry(0, 0, FACES[0], irises=irises).in_crop_box(CropBox(50, 30, 100), 200)
    np.testing.assert_allclose(moved.irises, [[100.5, 100.5], [np.nan, np.nan]])


@pytest.mark.parametrize("name", ["clip.mp4", "camera 0", 300 * "x"])
def test_a_sources_name_is_read_as_it_was_written(name, tmp_path):
    """Of an address it may be long."""
    folder = FolderSource(made.write_pairs(tmp_path / "pairs"))
    clip = pairs.Clip(name, folder, selection.Scan([], 0, (64, 64)), [])
    Sidecar([clip.describe()], {}).write(tmp_path)
    (video,) = read_sidecar(tmp_path).videos
    assert video.name == name[:255]


def test_a_folder_without_one(tmp_path):
    assert sidecar.read_sidecar(tmp_path) is None
    assert target_file.read_target(tmp_path) is None


def test_a_part_of_it(known):
    part = known.only(["2.png", "5.png", "99.png"])
    assert list(part.images) == ["2.png", "5.png"] and part.videos == known.videos


@pytest.mark.parametrize(
    "change, message",
    [
        ({"format_version": 3}, "expected format version 1 to 2, got 3"),
        ({"drawing": "oil"}, r"expected a drawing of \['colour', 'original', 'white'\], got 'oil'"),
        ({"images": {"1.png": {"video": 0}}}, r"generate_train_data\.py writes, .*missing required field"),
        ({"images": {"1.png": entry(points=[[1, 2]])}}, "length >= 68"),
        ({"images": {"1.png": entry(points=[[1, "2"]] * 68)}}, "Expected `float`, got `str`"),
        ({"images": {"1.png": entry(points=[[1, 1e9]] * 68)}}, "<= 100000.0"),
        ({"images": {"1.png": entry(points=[[1, -1e9]] * 68)}}, ">= -100000.0"),
        ({"images": {"1.png": entry(irises=[[1, 2]])}}, "length 2"),
        ({"images": {"1.png": entry(irises=[[1, 2], [1, 1e9]])}}, "<= 100000.0"),
        ({"images": {"1.png": entry(video=2)}}, "expected a video below 2, got 2 of 1.png"),
        ({"images": {"1.png": entry(video=-1)}}, ">= 0"),
        ({"images": {"1.png": entry(frame=0.5)}}, "Expected `int`"),
        ({"images": {"../1.png": entry()}}, "matching regex"),
        ({"images": {"..": entry()}}, "matching regex"),
        ({"images": {"a\n.png": entry()}}, "matching regex"),
        ({"images": [1]}, "Expected `object`"),
        ({"videos": [{"name": "a.mp4"}]}, "missing required field"),
        ({"videos": [video(window=[0, 0, 0])]}, ">= 1"),
        ({"videos": [video(window=[0, 0, -5])]}, ">= 1"),
        ({"videos": [video(window=[0, 0])]}, "length 3"),
        ({"videos": [video(frame_size=[0, 10])]}, ">= 1"),
        ({"videos": [video(fps=0)]}, "> 0"),
        ({"videos": [video(name="/etc/passwd")]}, "matching regex"),
    ],
)
def test_a_sidecar_of_something_else_is_named(known, tmp_path, change, message):
    known.write(tmp_path)
    path = tmp_path / sidecar.SIDECAR_NAME
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(UserError, match=message) as raised:
        sidecar.read_sidecar(tmp_path)
    assert str(path) in str(raised.value) and "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "1", "\0", "[" * 100_000, '{"format_version": 1, "images": {"1": [NaN]}}']
)
def test_damaged_json_is_named(tmp_path, text):
    (tmp_path / sidecar.SIDECAR_NAME).write_text(text)
    with pytest.raises(
        UserError, match=r"expected what generate_train_data\.py writes, got .*landmarks\.json"
    ):
        sidecar.read_sidecar(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "1"])
def test_a_damaged_target_is_named(tmp_path, text):
    (tmp_path / target_file.TARGET_NAME).write_text(text)
    with pytest.raises(UserError, match=r"target\.json"):
        target_file.read_target(tmp_path)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
def test_points_that_are_no_numbers_are_named(known, tmp_path, number):
    known.write(tmp_path)
    path = tmp_path / sidecar.SIDECAR_NAME
    first = json.dumps(json.loads(path.read_text())["images"]["1.png"]["points"][0][0])
    path.write_text(path.read_text().replace(first, number, 1))
    with pytest.raises(UserError, match=r"landmarks\.json"):
        sidecar.read_sidecar(tmp_path)


def test_another_file_of_that_name_is_not_replaced(known, tmp_path):
    path = tmp_path / sidecar.SIDECAR_NAME
    path.write_text("notes")
    with pytest.raises(UserError, match="expected a new file, or an older one of this kind to replace"):
        known.write(tmp_path)
    assert path.read_text() == "notes"
    path.unlink()
    known.write(tmp_path)
    known.only(["1.png"]).write(tmp_path)  # an older one of its own is
    assert list(sidecar.read_sidecar(tmp_path).images) == ["1.png"]


# --- target.json ----------------------------------------------------------------------------------------


def test_a_target_is_read_as_it_was_written(known, tmp_path):
    measured = Target.measure(known, 256)
    measured.write(tmp_path)
    again = target_file.read_target(tmp_path)
    assert (again.image_size, again.drawing) == (256, "colour")
    assert again.videos[0]["frames"] == [0, 6, 12, 18, 24, 30]
    assert np.allclose(again.face.neutral, measured.face.neutral, atol=0.001)
    assert np.allclose(again.face.components, measured.face.components, atol=1e-5)
    assert np.allclose(again.face.ranges, measured.face.ranges, atol=0.001)


def test_a_target_without_landmarks(tmp_path):
    Target(512).write(tmp_path)
    assert target_file.read_target(tmp_path) == Target(512)


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


def test_the_neutral_face_in_a_clip_of_the_target(known):
    """Through the crop box that cut it out."""
    target = Target.measure(known, 256)
    for crop_box, clip, size in (
        (CropBox(10, 20, 300), "a.mp4", (640, 360)),
        (CropBox.centre(320, 240), "b.mp4", (320, 240)),
    ):
        neutral = crop_box.points(target.neutral_in(clip, size), 256)
        assert np.allclose(neutral, target.face.neutral, atol=1e-3)
    assert target.neutral_in("a.mp4", (1280, 720)) is None
    assert target.neutral_in("c.mp4", (640, 360)) is None


@pytest.mark.parametrize(
    ("clip", "is_known"),
    [
        (("a.mp4", (640, 360), 25.0, 1000), True),
        (("a.mp4", (640, 360), 25.0, 31), True),  # the last training frame is number 30
        (("a.mp4", (640, 360), 25.0, 30), False),
        (("a.mp4", (640, 360), 30.0, 1000), False),
        (("a.mp4", (640, 360), 25.001, None), True),  # by a header that is not exact, and does not count
        (("a.mp4", (640, 368), 25.0, 1000), False),
        (("A.mp4", (640, 360), 25.0, 1000), False),
        (("b.mp4", (320, 240), 30.0, 34), True),
        (("b.mp4", (320, 240), 25.0, 34), False),
    ],
)
def test_another_clip_of_that_name_is_not_the_training_video(known, clip, is_known):
    """Every phone has its own video.mp4."""
    target = Target.measure(known, 256)
    assert (target.training_video(*clip) is not None) == is_known
    assert (target.neutral_in(*clip) is not None) == is_known


@pytest.mark.parametrize(
    ("frame_count", "is_known"), [(2000, True), (2002, True), (2010, False), (1900, False), (None, True)]
)
def test_nor_is_one_of_another_length(known, tmp_path, frame_count, is_known):
    """The length is kept on the way from the video to the frozen graph. Older files lack it."""
    replace(known, videos=[replace(known.videos[0], frame_count=2000), known.videos[1]]).write(tmp_path)
    measured = Target.measure(sidecar.read_sidecar(tmp_path), 256)
    target = Target.from_json(measured.to_json(), "what was written")
    assert (target.training_video("a.mp4", (640, 360), 25.0, frame_count) is not None) == is_known
    assert "frame_count" not in target.videos[1]
