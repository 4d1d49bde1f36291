"""What a stranger's graph, or folder, says of its target: checked whole before anything is driven by it."""

import base64
import json

import numpy as np
import pytest

from face2face.cli import UserError
from face2face.face.similarity import align
from face2face.target import sidecar, target_file
from face2face.target.known_shapes import MAX_SHAPES, MIN_SHAPES
from face2face.target.target_file import Target
from tests import made

SIZE = 64


@pytest.fixture(scope="module")
def text() -> str:
    entries = {f"{i + 1}.png": sidecar.Entry(0, i, made.points(SIZE, i)) for i in range(MIN_SHAPES)}
    video = sidecar.Video("made.mp4", (SIZE, SIZE), 25.0, (0, 0, SIZE))
    return Target.measure(sidecar.Sidecar([video], entries), SIZE).to_json()


def test_what_is_written_is_read(text, tmp_path):
    known = Target.from_json(text, "here")
    assert known.to_json() == text
    known.write(tmp_path)
    assert target_file.read_target(tmp_path).to_json() == text
    assert target_file.read_target(tmp_path / "elsewhere") is None


def test_an_earlier_target_is_replaced_and_no_other_file(text, tmp_path):
    known = Target.from_json(text, "here")
    path = tmp_path / target_file.TARGET_NAME
    for _ in range(2):
        known.write(tmp_path)
        assert target_file.read_target(tmp_path).to_json() == text
    for other in ("{}", "mine", text[:-1]):
        path.write_text(other)
        with pytest.raises(UserError, match="expected a new file, or an older one of this kind to replace"):
            known.write(tmp_path)
        assert path.read_text() == other


FAULTS = {
    ("image_size",): [0, -1, 1e999, 64.5, "64", None, 10**6, float("nan")],
    ("drawing",): ["none", "\x1b[2J", 3],
    ("format_version",): [3, None],
    ("videos",): [3, [3], None],
    ("videos", 0, "window"): [[0, 0, 0], [0, 0, -1], [0, 0], [0, 0, 1e999], "window"],
    ("videos", 0, "frame_size"): [[0, 0], [1], None],
    ("videos", 0, "name"): [3, "/etc/passwd"],
    ("videos", 0, "frames"): [[-1], ["a"], 3],
    ("face",): [3, {}, []],
    ("face", "neutral"): [[], [[0, 0]] * 68, [[1, 2]] * 67, [[1e30, 0]] * 68, [[float("nan"), 0]] * 68, "x"],
    ("face", "motion"): [
        [[0, 0]] * 3,
        [[1, -1]] * 4,
        [[0, 0], [0, 0], [0, 99], [0, 0]],
        [[float("inf"), 0]] * 4,
    ],
    ("face", "components"): [[], [[0.5] * 135], [[1.0] * 136], [[9.0] + [0.0] * 135], [[None] * 136]],
    ("face", "ranges"): [[], [[1, -1]], [[0]], [[-1e30, 1e30]]],
    ("face", "residual"): [-1, float("nan"), "4"],
    ("face", "shut_eyes"): [-0.1, 1.1, float("inf")],
    ("face", "open_mouth"): [-1, 1e9],
    ("face", "shapes"): [3, {}, []],
    ("face", "shapes", "steps"): [[], [0.1] * 135, [0.0] * 136, [-1.0] * 136, [float("inf")] * 136, "x"],
    ("face", "shapes", "values"): [
        "",
        "no base64!",
        3,
        *(base64.b64encode(bytes(count)).decode() for count in (136, 136 * MIN_SHAPES + 1)),
        base64.b64encode(bytes(136 * (MAX_SHAPES + 1))).decode(),
    ],
}


@pytest.mark.parametrize(
    "place, value", [(place, value) for place, values in FAULTS.items() for value in values], ids=str
)
def test_what_cannot_be_driven_by_is_one_line(text, place, value, tmp_path):
    content = json.loads(text)
    part = content
    for key in place[:-1]:
        part = part[key]
    assert place[-1] in part
    part[place[-1]] = value
    with pytest.raises(UserError, match="here") as told:
        Target.from_json(json.dumps(content), "here")
    assert str(told.value).isprintable() and len(str(told.value)) < 300
    (tmp_path / target_file.TARGET_NAME).write_text(json.dumps(content))
    with pytest.raises(UserError, match=r"target\.json"):
        target_file.read_target(tmp_path)


@pytest.mark.parametrize(
    "damaged", ["", "[", "[" * 10**5, '{"a":' * 10**5, "null", '"\ud800"', '{"image_size": 1e999}']
)
def test_what_is_no_json_is_one_line(damaged):
    with pytest.raises(UserError, match="here"):
        Target.from_json(damaged, "here")


def test_a_file_that_is_no_text_is_one_line(tmp_path):
    (tmp_path / target_file.TARGET_NAME).write_bytes(b"\xff\xfe\0")
    with pytest.raises(UserError, match=r"expected a target\.json of this project"):
        target_file.read_target(tmp_path)


def test_a_target_without_a_face_is_one_without_landmarks(text):
    content = json.loads(text)
    del content["face"]
    known = Target.from_json(json.dumps(content), "here")
    assert known.face is None and known.image_size == SIZE


def test_a_target_read_from_json_is_that_which_was_measured(text):
    face, again = (Target.from_json(text, "here").face for _ in range(2))
    assert face.neutral.shape == (68, 2) and face.motion.shape == (4, 2)
    assert face.components.shape[1] == 136 and face.ranges.shape == (len(face.components), 2)
    assert np.array_equal(face.neutral, again.neutral)


def test_an_older_target_has_no_shapes_and_a_newer_ones_fields_are_left_out(text):
    content = json.loads(text)
    del content["face"]["shapes"]
    older = Target.from_json(json.dumps(content), "here")
    assert older.face.shapes is None and older.to_json() == json.dumps(content)
    content["face"]["gait"] = [1, 2]
    assert Target.from_json(json.dumps(content), "here").to_json() == older.to_json()


def test_the_shapes_of_many_pairs_are_kept_small(text):
    """All of few pairs, to a tenth of a pixel; the most different of many, in 300 KB."""
    points = np.array([made.points(256, seed) for seed in range(MAX_SHAPES + 50)], np.float64)
    points += np.random.default_rng(0).normal(0, 3, points.shape)
    entries = {f"{i + 1}.png": sidecar.Entry(0, i, face) for i, face in enumerate(points)}
    video = sidecar.Video("made.mp4", (256, 256), 25.0, (0, 0, 256))
    many = Target.measure(sidecar.Sidecar([video], entries), 256)
    assert len(many.face.shapes.values) == MAX_SHAPES and len(many.to_json()) < 300_000
    few = Target.measure(sidecar.Sidecar([video], dict(list(entries.items())[:MIN_SHAPES])), 256)
    aligned, _ = align(points[:MIN_SHAPES], few.face.neutral)
    kept = few.face.neutral + few.face.shapes.expressions.reshape(-1, 68, 2)
    assert np.abs(kept - aligned).max() < 0.15
    fewer = Target.measure(sidecar.Sidecar([video], dict(list(entries.items())[: MIN_SHAPES - 1])), 256)
    assert fewer.face.shapes is None
