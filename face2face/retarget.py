"""The driver's points carried onto the target's face: relative motion.

What moves is the target's own neutral face: by the driver's expression and head motion, both measured
against the driver's neutral face and scaled to the target's proportions. Whoever sits at the camera, and
however near, the drawing is one of the target's face.
"""

import numpy as np

from face2face.geometry import Pose, eye_distance

BROWS, NOSE, EYES, LIPS, JAW = slice(17, 27), slice(27, 36), slice(36, 48), slice(48, 68), slice(0, 17)

EYELIDS = ((37, 41), (38, 40), (43, 47), (44, 46))
"""Upper and lower points of the eyes, one above the other."""

INNER_LIPS = ((61, 67), (62, 66), (63, 65))
"""Upper and lower points between the lips, one above the other."""

OUTER_LIPS = {61: (50,), 62: (51,), 63: (52,), 65: (56,), 66: (57,), 67: (58,)}
"""Outer points of the lips that go with an inner one."""

CALIBRATION_SECONDS = 1.0
"""The driver's neutral face is the median of the faces of that time from the first on."""


class Retargeter:
    """Carries one driver's points, in any frame's pixels, onto the target's face in model space."""

    def __init__(self, neutral: np.ndarray):
        """neutral: float (68, 2), the target's face at rest, in model space."""
        self._target = np.asarray(neutral, np.float64)
        self._target_pose = _upright(self._target)
        self._target_face = self._target_pose.undo(self._target)
        self._seen: list[np.ndarray] = []
        self._began: float | None = None

    def calibrate(self, points: np.ndarray) -> None:
        """Take a face as the driver's neutral one, float (68, 2), in pixels of the driver's frames."""
        self._driver = np.asarray(points, np.float64)
        self._driver_pose = _upright(self._driver)
        self._driver_face = self._driver_pose.undo(self._driver)
        self._scales = _proportions(self._target_face) / _proportions(self._driver_face)

    def follow(self, points: np.ndarray, seconds: float) -> np.ndarray:
        """Carry the points of a frame; those of the first second with a face also calibrate."""
        if self._began is None:
            self._began = seconds
        if seconds - self._began < CALIBRATION_SECONDS or not self._seen:
            self._seen.append(points)
            self.calibrate(np.median(self._seen, axis=0))
        return self.carry(points)

    def carry(self, points: np.ndarray) -> np.ndarray:
        """float (68, 2), the driver's points -> float32 (68, 2), the target's, in model space."""
        motion = Pose.between(self._driver, points)
        face = self._driver_pose.undo(motion.undo(points))
        moved = self._target_face + (face - self._driver_face) * self._scales
        self._open(moved, face)
        return self._move(moved, motion).astype(np.float32)

    def _open(self, moved: np.ndarray, face: np.ndarray) -> None:
        """Open eyes and lips as the driver's are, whatever both faces' proportions: shut is shut."""
        for upper, lower in EYELIDS:
            rest = _gap(self._driver_face, upper, lower)
            ratio = _gap(face, upper, lower) / max(rest, 1e-6)
            _set_gap(moved, upper, lower, ratio * _gap(self._target_face, upper, lower), {})
        for upper, lower in INNER_LIPS:
            _set_gap(moved, upper, lower, self._scales[upper, 1] * _gap(face, upper, lower), OUTER_LIPS)

    def _move(self, moved: np.ndarray, motion: Pose) -> np.ndarray:
        """Put the target's face where the driver's head motion carries it, in model space."""
        resting = self._target_pose.apply(moved)
        centre, driver_centre = self._target.mean(axis=0), self._driver.mean(axis=0)
        size = eye_distance(self._target) / eye_distance(self._driver)
        shift = (motion.apply(driver_centre) - driver_centre) * size
        return (resting - centre) @ motion.matrix.T + centre + shift


def _upright(points: np.ndarray) -> Pose:
    """Where a face stands against one with its eyes level, at unit distance, centred between them."""
    left, right = points[36:42].mean(axis=0), points[42:48].mean(axis=0)
    along = right - left
    matrix = np.array([[along[0], -along[1]], [along[1], along[0]]])
    return Pose(matrix, (left + right) / 2)


def _proportions(face: np.ndarray) -> np.ndarray:
    """Width and height of each point's region, (68, 2), in an upright face: the units of its motion."""

    def width(region: slice) -> float:
        return np.ptp(face[region, 0])

    eye_height = np.mean([_gap(face, *pair) for pair in EYELIDS])
    brow_height = face[EYES, 1].mean() - face[BROWS, 1].mean()
    lower_face = face[8, 1] - face[33, 1]  # from the nose to the chin
    sizes = np.ones((68, 2))
    sizes[JAW] = width(JAW), lower_face
    sizes[BROWS] = width(BROWS), brow_height
    sizes[EYES] = 1.0, eye_height
    sizes[LIPS] = width(LIPS), lower_face
    return np.maximum(sizes, 1e-3)


def _gap(face: np.ndarray, upper: int, lower: int) -> float:
    """How far the lower point stands below the upper one; shut, or crossed, is 0."""
    return max(float(face[lower, 1] - face[upper, 1]), 0.0)


def _set_gap(face: np.ndarray, upper: int, lower: int, gap: float, along: dict[int, tuple[int, ...]]) -> None:
    """Move two points apart or together about their middle, and with each the points that go along."""
    middle = (face[upper, 1] + face[lower, 1]) / 2
    for point, to in ((upper, middle - gap / 2), (lower, middle + gap / 2)):
        by = to - face[point, 1]
        for moved in (point, *along.get(point, ())):
            face[moved, 1] += by
