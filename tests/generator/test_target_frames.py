"""The target's frames that evaluate.py judges by: of the target alone, with all that is compared in view."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from face2face import metrics
from face2face.cli import UserError
from face2face.evaluation import regions
from face2face.evaluation.target_frames import Clip, known_crop_box, target_frames
from face2face.face.crop import CropBox
from face2face.face.landmarks import LandmarkDetector
from face2face.target.statistics import TargetFace
from face2face.target.target_file import Target
from tests import made, two_people

SIZE = 128
LEFT_PLACE = (0, 20, two_people.WIDTH)
FRAME_SIZE = [2 * two_people.WIDTH, two_people.HEIGHT]


@pytest.fixture(scope="module")
def detector() -> LandmarkDetector:
    return LandmarkDetector()


@pytest.fixture(scope="module")
def people(clips) -> dict[str, np.ndarray]:
    return two_people.people(clips)


def generator(frames=(), **video) -> SimpleNamespace:
    """What is read of a generator that was trained on some frames of a clip's left place."""
    known = {"name": "clip", "frame_size": FRAME_SIZE, "fps": 25.0, "window": LEFT_PLACE, "frames": [*frames]}
    return SimpleNamespace(target=Target(SIZE, videos=[known | video]))


def test_nobody_else_is_judged_while_the_target_is_away(people, detector, tmp_path):
    clip = two_people.write(people, "m- mw -w -w mw m-", tmp_path / "clip")
    found = target_frames(Clip(str(clip)), generator(frames=[5]), detector, 100)
    assert found.numbers == [0, 1, 4]
    assert found.side == two_people.WIDTH
    compared = [
        metrics.compare_regions(picture, picture // 2, regions.compared(points, SIZE))
        for picture, points in zip(found.pictures, found.points, strict=True)
    ]
    for each in zip(*compared, strict=True):
        assert np.isfinite(metrics.mean(list(each)).l1)


def test_a_face_outside_the_crop_box_is_left_out_and_told(people, detector, tmp_path, capsys):
    clip = two_people.write(people, "m- -m m-", tmp_path / "clip")
    found = target_frames(Clip(str(clip)), generator(), detector, 100)
    assert found.numbers == [0, 2]
    assert len(found.pictures) == len(found.points) == 2
    warnings = [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning: ")]
    assert warnings == [f"warning: left out of {clip}: 1 of 3 frames, the face is not in the crop box"]


def test_the_target_is_expected_where_it_was_in_training(people, detector, tmp_path, capsys):
    """Another person's face is larger."""
    clip = two_people.write(people, "mw mw", tmp_path / "clip")
    with pytest.raises(UserError, match="expected the target's face, got none in"):
        target_frames(Clip(str(clip)), generator(), detector, 100)
    trained = generator()
    man = detector.find(two_people.picture(people, "m-")).points
    face = TargetFace.measure(np.array([made.points(SIZE, seed) for seed in range(4)]))
    face = replace(face, neutral=CropBox(*LEFT_PLACE).points(man, SIZE))
    trained.target = replace(trained.target, face=face)
    assert target_frames(Clip(str(clip)), trained, detector, 100).numbers == [0, 1]


@pytest.mark.parametrize(
    ("video", "is_known"),
    [
        ({}, True),
        ({"name": "other"}, False),
        ({"frame_size": [320, 240]}, False),
        ({"fps": 30.0}, False),
        ({"frames": [3]}, False),
    ],
)
def test_another_clip_of_that_name_is_not_cut_as_the_training_video(
    people, detector, tmp_path, video, is_known
):
    clip = two_people.write(people, "-m -- m-", tmp_path / "clip")
    known = generator(**{"frames": [0]} | video)
    assert known_crop_box(str(clip), known) == (CropBox(*LEFT_PLACE) if is_known else None)
    found = target_frames(Clip(str(clip)), known, detector, 100)
    assert found.side == (two_people.WIDTH if is_known else two_people.HEIGHT)
    assert (0 in found.numbers) == (not is_known)  # it was trained on
