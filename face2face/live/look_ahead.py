"""The faces in a sample of a file's frames, before the first of them is driven."""

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from face2face import cli
from face2face.face import boxes
from face2face.face.detected_face import Face
from face2face.face.eyes import EyeDetector
from face2face.face.irises import gaze_of
from face2face.face.landmarks import LandmarkDetector
from face2face.face.winks import visible_irises
from face2face.sources.base import Source

LOOK_AHEAD_FRAMES = 48
"""Maximum number of a file's frames that are searched for the driver's face at rest before the first frame is
driven. How calm the face is in them is not weighed, as it is live: measured on two neighbouring frames each,
it brought the face at rest no nearer to that of all frames (seven clips), since too few faces are left."""
LOOK_AHEAD_SECONDS = 2.0
"""Time limit of that search, which is checked after each frame; short clips take 0.3 to 1 s. The faces found
by then are used, which are spread over the file: on a busy machine, or with a large video, two runs can
differ."""


@dataclass(frozen=True)
class SeenFace:
    """A face in one frame, not followed over time.

    Attributes:
        points: float32 (68, 2), the landmarks, in pixels of the frame.
        gaze: float (2, 2), see `irises.gaze_of`, NaN where it is unknown; None: not looked for.
    """

    points: np.ndarray
    gaze: np.ndarray | None


def faces_ahead(
    source: Source, detector: LandmarkDetector, eyes: EyeDetector | None, seconds: float
) -> list[SeenFace]:
    """Detect one face per sampled frame: near the last one if possible.

    While that person is away it may be somebody else's.

    Args:
        source: The file. A live source has no sample, and so no faces.
        detector: Detects the faces.
        eyes: Looks at the eyes; None: the gaze is not looked for.
        seconds: After about this time, what was found is enough.
    """
    until = time.monotonic() + seconds
    faces: list[SeenFace] = []
    last: Face | None = None
    with contextlib.suppress(cli.UserError):  # a damaged frame is told when its turn comes
        for frame in source.sample(LOOK_AHEAD_FRAMES):
            found = detector.find(frame.picture, last)
            if found is not None:
                if last is None or found.is_near(last):  # else it may be somebody else's
                    last = found
                gaze = None
                if eyes is not None:
                    irises = visible_irises(eyes.find(frame.picture, found.points))
                    gaze = gaze_of(found.points, irises)
                faces.append(SeenFace(found.points, gaze))
            if time.monotonic() > until:
                break
    return faces


def of_same_person(points: np.ndarray, faces: Sequence[SeenFace]) -> list[SeenFace]:
    """Those faces that can be the same person's as one: near to it, or near to one that is.

    Args:
        points: float (68, 2), the one face, in pixels of the same frames.
        faces: In any order.
    """
    same, others, last = [], list(faces), [points]
    while last:
        places = [_box_around(face) for face in last]
        is_near = [any(boxes.is_same(_box_around(face.points), place) for place in places) for face in others]
        found = [face for face, near in zip(others, is_near, strict=True) if near]
        others = [face for face, near in zip(others, is_near, strict=True) if not near]
        same, last = same + found, [face.points for face in found]
    return same


def _box_around(points: np.ndarray) -> np.ndarray:
    """The box around a face's points, float (4,)."""
    return np.concatenate([points.min(axis=0), points.max(axis=0)])
