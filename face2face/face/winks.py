"""Winks: one eye that is shut by itself.

dlib's landmarks make two half-shut eyes of it, or two open ones, because in nearly all the faces that they
were learned from both eyes are open alike. The iris network sees each eye by itself, but errs with glasses
and with wide open eyes. It is believed only where both what it sees of the lids and what it sees of the
irises say that one eye is shut.
"""

from collections.abc import Sequence

import numpy as np

from face2face.face.eyes import SeenEye
from face2face.face.geometry import EYE_ASPECT_RATIOS, LIDS_OF_EYES

CERTAIN, DOUBTFUL = 0.6, 0.7
"""A wink is certain where the openness and the contrast of one eye are below `CERTAIN` of the other's. There
is none where either is above `DOUBTFUL`. Chosen on winks that were made of blinks, and on eight clips."""
MIN_OPENNESS, MIN_CONTRAST = 0.22, 0.4
"""Openness and contrast of the open eye of a wink at least."""
MIN_ASPECT_RATIO = 0.08
"""Eye aspect ratio of the shut eye at least: a little less than the detector leaves of two shut eyes."""
_NO_GAP = 1e-6  # aspect ratio below which lids have no gap that a factor could open


def wink(eyes: Sequence[SeenEye]) -> tuple[int, float]:
    """Which eye is shut by itself.

    Args:
        eyes: The left one and the right one.

    Returns:
        The eye that is less open, 0 or 1, and how certainly it is shut by itself, in [0, 1].
    """
    openness, contrast = np.array([[eye.openness, eye.contrast] for eye in eyes]).T
    if not np.isfinite(openness).all() or openness.max() < MIN_OPENNESS:
        return 0, 0.0
    shut = int(np.argmin(openness))
    if contrast[1 - shut] < MIN_CONTRAST:
        return shut, 0.0
    likeness = max(openness[shut] / openness[1 - shut], contrast[shut] / contrast[1 - shut])
    return shut, float(np.clip((DOUBTFUL - likeness) / (DOUBTFUL - CERTAIN), 0, 1))


def with_wink(points: np.ndarray, eyes: Sequence[SeenEye]) -> np.ndarray:
    """Shut one eye of a face and open the other, where one is shut by itself.

    Args:
        points: float (68, 2), the landmarks as detected.
        eyes: What is seen of them in the same frame, the left one and the right one.

    Returns:
        float (68, 2). Both eyes are as open as the network sees them, the open one no wider than if the
        detector's mean of both were right.
    """
    shut, certainty = wink(eyes)
    if certainty == 0:
        return points
    winking = points.copy()
    ratios = np.array([float(ratio(points)) for ratio in EYE_ASPECT_RATIOS])
    seen = np.array([eye.openness for eye in eyes])
    by_mean = ratios.mean() + (seen.max() - seen.min()) / 2
    wanted = np.clip(seen, MIN_ASPECT_RATIO, max(by_mean, ratios[1 - shut]))
    for eye, ratio in enumerate(ratios + certainty * (wanted - ratios)):
        _open(winking, eye, ratio / max(ratios[eye], _NO_GAP))
    return winking


def visible_irises(eyes: Sequence[SeenEye]) -> np.ndarray:
    """The irises of a face, float (2, 2), as in `SeenEye`; of an eye that is shut by itself there is none."""
    irises = np.array([eye.iris for eye in eyes])
    shut, certainty = wink(eyes)
    if certainty > 0:
        irises[shut] = np.nan
    return irises


def _open(points: np.ndarray, eye: int, factor: float) -> None:
    """Change the gaps between an eye's lids by a factor, about their middle, in place."""
    for pair in LIDS_OF_EYES[eye]:
        middle = points[list(pair)].mean(axis=0)
        points[list(pair)] = middle + factor * (points[list(pair)] - middle)
