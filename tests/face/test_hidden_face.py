"""A driver behind his hand: landmarks of what is hidden are guessed, and the painted face stays whole."""

import cv2
import numpy as np

import run_webcam
from face2face.face.geometry import interocular_distance
from face2face.face.landmarks import LandmarkDetector
from face2face.face.tracking import Tracker
from face2face.generator.generator import Generator
from face2face.live.options import DrivingOptions
from face2face.live.painter import Painter
from face2face.sources.open import open_source

HAND = range(60, 220, 8)
"""Frames of the clip with a hand before the nose, the mouth or an eye; half of the face is outside of the
preview, too."""

WHOLE = 0.02
"""Largest mean distance of a painted face's landmarks from its drawing's lines, in interocular distances. It
is 0.013 at most; of faces that are not brought near to the training shapes it is up to 0.027, and they are
seen to be distorted."""


def test_what_is_painted_for_a_half_hidden_face_is_a_whole_one(clips):
    detector, model = LandmarkDetector(), next(run_webcam.SHIPPED_MODELS.glob("*.pb"))
    away = []
    with (
        open_source(str(clips / "WolfgangLanger_Pexels.mp4")) as video,
        Painter(Tracker(detector), [Generator(model)], DrivingOptions()) as painter,
    ):
        for frame in video.frames(set(HAND)):
            driven = painter(frame)
            painted = detector.find(driven.generated[..., ::-1])
            assert painted is not None
            from_lines = cv2.distanceTransform(
                (~driven.drawing.any(axis=-1)).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5
            )
            columns, rows = np.clip(np.rint(painted.points).astype(int), 0, len(from_lines) - 1).T
            away.append(from_lines[rows, columns].mean() / interocular_distance(painted.points))
    assert len(away) == len(HAND)
    assert max(away) < WHOLE
