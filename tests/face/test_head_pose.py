"""A head's pose: told from expression, and from motion towards the camera."""

import numpy as np
import pytest

from face2face.face.geometry import LIPS, MIRRORED, interocular_distance
from face2face.face.head_pose import DEPTH, HeadPose, turned
from face2face.face.landmarks import LandmarkDetector
from face2face.sources.open import open_source


@pytest.fixture(scope="module")
def faces(clips) -> np.ndarray:
    """float (N, 68, 2), upright, of interocular distance 1: a woman who turns her head from side to side."""
    detector = LandmarkDetector()
    with open_source(str(clips / "WolfgangLanger_Pexels.mp4")) as video:
        points = [detector.find(frame.picture).points for frame in video.frames({*range(235, 470, 8)})]
    return np.array([(face - face[36:48].mean(axis=0)) / interocular_distance(face) for face in points])


def test_depths_are_a_faces():
    """Symmetrical; the nose's tip nearest, the jaw's ends farthest."""
    assert np.array_equal(DEPTH, DEPTH[MIRRORED])
    assert np.argmax(DEPTH) == 30 and set(np.argsort(DEPTH)[:2]) == {0, 16}


@pytest.mark.parametrize("scale, roll", [(1.0, 0.0), (80.0, 0.3), (40.0, -1.0)])
def test_a_known_pose_is_found(faces, scale, roll):
    rest, turn = faces[0], np.array([0.2, -0.1])
    rotation = scale * np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
    face = (rest + turned(turn)) @ rotation.T + (300, 200)
    face[LIPS] += scale * 0.1  # an expression, that no pose explains
    pose = HeadPose.estimate(rest, face)
    assert pose.transform.scale == pytest.approx(scale)
    assert pose.transform.roll == pytest.approx(roll, abs=1e-6)
    assert np.allclose(pose.turn, turn, atol=1e-6)
    left = pose.undo(face) - rest
    assert np.abs(left[: LIPS.start]).max() < 1e-6 and np.linalg.norm(left[LIPS], axis=1).min() > 0.1


def test_turns_explain_how_a_face_changes_when_it_turns(faces):
    """More of what moves the jaw and the nose than a similarity transform does."""
    rest = np.median(faces, axis=0)
    turning = np.array([HeadPose.estimate(rest, face).undo(face) - rest for face in faces])[:, :36]
    plain = (faces - rest)[:, :36]
    assert np.std(turning) < 0.6 * np.std(plain)
