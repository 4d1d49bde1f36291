"""benchmarks/driver_places.py: a clip as if its driver sat elsewhere."""

import numpy as np
import pytest

from benchmarks import driver_places
from face2face.cli import UserError
from face2face.face.geometry import head_roll, interocular_distance, mirrored
from face2face.face.landmarks import LandmarkDetector
from face2face.sources.open import open_source
from tests import made


def first_face(path) -> tuple[np.ndarray, np.ndarray]:
    """The first frame of a clip, and its landmarks."""
    with open_source(str(path)) as video:
        frame = next(video.frames()).picture
    return frame, LandmarkDetector().find(frame).points


def test_the_face_is_where_it_is_said_to_be(clips, tmp_path):
    driver_places.write(clips / "single_face.mp4", tmp_path)
    frame, face = first_face(clips / "single_face.mp4")
    size = interocular_distance(face)
    found = {name: first_face(tmp_path / f"single_face-{name}.mp4") for name in driver_places.PLACES}
    _, of_mirror = found["mirrored"]
    assert np.abs(mirrored(of_mirror, frame.shape[1]) - face).max() < 0.2 * size
    far, of_far = found["far"]
    assert (of_far.mean(axis=0) > np.array(far.shape[1::-1]) / 2).all()
    assert np.degrees(head_roll(face) - head_roll(found["tilted"][1])) == pytest.approx(20, abs=2)
    assert interocular_distance(found["small"][1]) == pytest.approx(driver_places.SMALL * size, rel=0.05)
    assert found["dim"][0].mean() < 0.4 * frame.mean()
    noise = [driver_places.dim(frame) - driver_places.DIM * frame for _ in range(2)]
    assert abs(np.corrcoef(*(each.ravel() for each in noise))[0, 1]) < 0.1  # each picture has its own


def test_clips_that_are_there_stay(clips, tmp_path):
    (tmp_path / "single_face-small.mp4").write_text("a clip of somebody's")
    before = made.tree(tmp_path)
    with pytest.raises(UserError, match=r"expected a new file, .*/single_face-small\.mp4"):
        driver_places.write(clips / "single_face.mp4", tmp_path)
    assert made.tree(tmp_path) == before
