"""Winks, made of two frames of a real clip: eyes open, and eyes shut."""

from pathlib import Path

import cv2
import numpy as np

from face2face.face.geometry import EYE_ASPECT_RATIOS
from face2face.face.landmarks import LandmarkDetector
from face2face.sources.open import open_source
from face2face.target.sidecar import Entry
from pix2pix.recombination import LabelledFrame, recombined


def ratios(points: np.ndarray) -> np.ndarray:
    """Aspect ratio of the left eye and of the right one, float (2,)."""
    return np.array([float(ratio(points)) for ratio in EYE_ASPECT_RATIOS])


def blink(clips: Path) -> list[LabelledFrame]:
    """Two frames of the demo's man, RGB, with their landmarks: eyes open, eyes shut."""
    detector, frames = LandmarkDetector(), []
    with open_source(str(clips / "single_face.mp4")) as video:
        for frame in video.frames(range(16, 36)):
            found = detector.find(frame.picture)
            if found is not None:
                picture = cv2.cvtColor(frame.picture, cv2.COLOR_BGR2RGB)
                frames.append(LabelledFrame(Entry(0, frame.number, found.points), picture))
    by_openness = sorted(frames, key=lambda frame: ratios(frame.entry.points).mean())
    return [by_openness[-1], by_openness[0]]


def winking(blink: list[LabelledFrame], *shut: int) -> tuple[np.ndarray, np.ndarray]:
    """A picture in which some eyes are shut, uint8 (H, W, 3), BGR, and its true landmarks, float (68, 2).

    Args:
        blink: As `blink` gives it.
        shut: Which eyes: 0 is the left one; none: both are open.
    """
    frame = recombined(*blink, shut) if shut else blink[0]
    return np.ascontiguousarray(frame.picture[..., ::-1]), frame.entry.points
