"""The driver's points carried onto the target's face: relative motion.

What moves is the target's own neutral face: by the driver's expression and head motion, both measured
against the driver's neutral face and scaled to the target's proportions, and kept within what the target
showed in training. Whoever sits at the camera, and however near, the drawing is one that the generator knows.
"""

from pathlib import Path
from typing import Annotated, Literal

import msgspec
import numpy as np

from face2face import cli, files, records
from face2face.face.geometry import EYELIDS, INNER_LIPS, SimilarityTransform, interocular_distance
from face2face.face.landmarks import POINTS
from face2face.target.statistics import TargetFace, head_motion

BROWS, NOSE, EYES, LIPS, JAW = slice(17, 27), slice(27, 36), slice(36, 48), slice(48, 68), slice(0, 17)

OUTER_LIPS = {61: (50,), 62: (51,), 63: (52,), 65: (56,), 66: (57,), 67: (58,)}
"""Outer points of the lips that go with an inner one."""

SHUT_EYES = 0.55
"""Where the detector puts the lids of shut eyes, as a share of their gap at rest: 0.3 to 0.6, by the face."""

WIDE_EYES = 2.0
"""Eyes wider than at rest are drawn that many times as much wider: a generator paints them half as wide as
they are drawn (by `evaluate.py`, the correlation of driver's and painted eyes rises from 0.61 to 0.81)."""

SOFTNESS = 0.15
"""How far beyond a known range a measure may go at most, in lengths of the range."""


class Retargeter:
    """Carries one driver's points, in any frame's pixels, onto the target's face in model space."""

    def __init__(self, target: TargetFace, driver: np.ndarray, shut_eyes: float = SHUT_EYES):
        """
        Args:
            driver: float (68, 2), the driver's face at rest, in pixels of the driver's frames.
            shut_eyes: openness of the driver's shut eyes, over that at rest, until a lower one is seen.
        """
        self._target = target
        self._shut_eyes = shut_eyes
        self._target_pose = _upright(target.neutral)
        self._target_face = self._target_pose.apply_inverse(target.neutral)
        self._driver = np.asarray(driver, np.float64)
        self._driver_pose = _upright(self._driver)
        self._driver_face = self._driver_pose.apply_inverse(self._driver)
        self._scales = _proportions(self._target_face) / _proportions(self._driver_face)

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """float (68, 2), the driver's points -> float32 (68, 2), the target's, in model space."""
        pose = SimilarityTransform.estimate(self._driver, points)
        face = self._driver_pose.apply_inverse(pose.apply_inverse(points))
        moved = self._target_face + (face - self._driver_face) * self._scales
        expression = self._bound_expression(self._target_pose.apply(moved) - self._target.neutral)
        moved = self._target_pose.apply_inverse(self._target.neutral + expression)
        self._open(moved, face)
        return self._move(self._target_pose.apply(moved), pose).astype(np.float32)

    def _open(self, moved: np.ndarray, face: np.ndarray) -> None:
        """Open eyes and lips as the driver's are, whatever both faces' proportions: shut is shut."""
        ratios = [_gap(face, *lids) / max(_gap(self._driver_face, *lids), 1e-6) for lids in EYELIDS]
        self._shut_eyes = min(self._shut_eyes, float(np.mean(ratios)))
        for (upper, lower), ratio in zip(EYELIDS, ratios, strict=True):
            # From shut to rest: the driver's share of the way is the target's.
            way = (ratio - self._shut_eyes) / (1 - self._shut_eyes)
            shut = self._target.shut_eyes
            gap = shut + (1 - shut) * way if ratio < 1 else 1 + WIDE_EYES * (ratio - 1)
            _set_gap(moved, upper, lower, max(gap, 0.0) * _gap(self._target_face, upper, lower), {})
        widest = np.array([[0.0, self._target.open_mouth]] * len(INNER_LIPS))
        gaps = [self._scales[upper, 1] * _gap(face, upper, lower) for upper, lower in INNER_LIPS]
        for (upper, lower), gap in zip(INNER_LIPS, soft_clip(np.array(gaps), widest), strict=True):
            _set_gap(moved, upper, lower, float(gap), OUTER_LIPS)

    def _bound_expression(self, expression: np.ndarray) -> np.ndarray:
        """The nearest expression, (68, 2) against the neutral face, that the target has shown."""
        known = self._target
        flat = expression.ravel()
        along = known.components @ flat
        left = flat - along @ known.components
        along = soft_clip(along, known.ranges)
        length = float(np.linalg.norm(left))
        left *= float(soft_clip(np.array([length]), np.array([[0.0, known.residual]]))[0]) / max(length, 1e-9)
        return (along @ known.components + left).reshape(POINTS, 2)

    def _move(self, face: np.ndarray, pose: SimilarityTransform) -> np.ndarray:
        """Put the target's face where the driver's head motion carries it, as far as it has been there."""
        shift_x, shift_y, log_scale, roll = head_motion(pose, self._driver)
        size = interocular_distance(self._target.neutral) / interocular_distance(self._driver)
        motion = np.array([shift_x * size, shift_y * size, log_scale, roll])
        shift_x, shift_y, log_scale, roll = soft_clip(motion, self._target.motion)
        middle = self._target.neutral.mean(axis=0)
        cos, sin = np.exp(log_scale) * np.cos(roll), np.exp(log_scale) * np.sin(roll)
        return (face - middle) @ np.array([[cos, -sin], [sin, cos]]).T + middle + (shift_x, shift_y)


def soft_clip(values: np.ndarray, ranges: np.ndarray) -> np.ndarray:
    """Values within their ranges as they are; beyond, ever less, up to `SOFTNESS` of the range's length.

    Args:
        values: float (K,). ranges: float (K, 2), low and high.
    """
    low, high = ranges.T
    margin = np.maximum(SOFTNESS * (high - low), 1e-9)
    over, under = np.maximum(values - high, 0.0), np.maximum(low - values, 0.0)
    inside = np.clip(values, low, high)
    return inside + margin * (1 - np.exp(-over / margin)) - margin * (1 - np.exp(-under / margin))


def _upright(points: np.ndarray) -> SimilarityTransform:
    """Where a face stands against one with its eyes level, at unit distance, centred between them."""
    left, right = points[36:42].mean(axis=0), points[42:48].mean(axis=0)
    along = right - left
    matrix = np.array([[along[0], -along[1]], [along[1], along[0]]])
    return SimilarityTransform(matrix, (left + right) / 2)


def _proportions(face: np.ndarray) -> np.ndarray:
    """Width and height of each point's region, (68, 2), in an upright face: the units of its motion."""

    def width(region: slice) -> float:
        return np.ptp(face[region, 0])

    eye_height = np.mean([_gap(face, *pair) for pair in EYELIDS])
    brow_height = face[EYES, 1].mean() - face[BROWS, 1].mean()
    lower_face = face[8, 1] - face[33, 1]  # from the nose to the chin
    sizes = np.ones((POINTS, 2))
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


# --- calibration: the driver's face at rest -------------------------------------------------------------

CALIBRATION_SECONDS = 1.0
"""How long the driver's face is looked at to know it at rest."""

STEADY_SHARE = 0.5
"""The share of those frames, the steadiest, whose median is the face at rest."""

FORMAT_VERSION = 1

_SMALLEST_FACE = 1.0  # distance of the eyes, and of nose and chin, in pixels

_Pixels = Annotated[int, msgspec.Meta(ge=1, le=2**15)]


class SavedCalibration(msgspec.Struct):
    """What the file of `--calibration` holds: a face at rest, in pixels of frames (width, height)."""

    format_version: Literal[1]
    frame_size: tuple[_Pixels, _Pixels]
    neutral: records.Points

    def scaled_to(self, frame_size: tuple[int, int]) -> "Calibration":
        """For frames of another width."""
        return Calibration(np.array(self.neutral, np.float64) * (frame_size[0] / self.frame_size[0]))


class Calibration:
    """Learns the driver's neutral face over the first second with a face, and again when asked to.

    neutral: float (68, 2), in pixels of the driver's frames: the best known so far, None before any face.
    """

    def __init__(self, neutral: np.ndarray | None = None):
        self.neutral = neutral
        self._seen: list[np.ndarray] = []
        self._began: float | None = None
        self.is_running = neutral is None

    def restart(self) -> None:
        """Look at the driver again, from the next face on; until then the old neutral face serves."""
        self._seen, self._began, self.is_running = [], None, True

    def look(self, points: np.ndarray, seconds: float) -> bool:
        """See the face of a frame; true if the neutral face has changed."""
        if not self.is_running:
            return False
        self._began = seconds if self._began is None else self._began
        self._seen.append(points)
        self.neutral = steady_median(np.array(self._seen))
        self.is_running = seconds - self._began < CALIBRATION_SECONDS
        return True

    def write(self, path: Path, frame_size: tuple[int, int]) -> None:
        """As JSON. Raises: UserError if another file is in the way; OSError."""
        neutral = [tuple(point) for point in np.round(self.neutral.astype(float), 3).tolist()]
        saved = SavedCalibration(FORMAT_VERSION, frame_size, neutral)
        files.write_text(path, records.encode(saved, indent=0), is_calibration)


def read_calibration(path: Path) -> SavedCalibration:
    """Raises: UserError if the file is damaged, or its points are no face."""
    saved = records.read(path, SavedCalibration, "what --calibration wrote")
    face = np.array(saved.neutral)
    if min(interocular_distance(face), np.linalg.norm(face[8] - face[33])) < _SMALLEST_FACE:
        raise cli.UserError(f"expected what --calibration wrote, got points that are no face: {path}")
    return saved


def is_calibration(path: Path) -> bool:
    """Whether a file is what `Calibration.write` wrote."""
    try:
        read_calibration(path)
    except cli.UserError:
        return False
    return True


def steady_median(points: np.ndarray) -> np.ndarray:
    """float (N, 68, 2), a face in successive frames -> (68, 2), the median of its steadiest frames."""
    if len(points) < 3:
        return points[-1].astype(np.float64)
    steps = np.linalg.norm(np.diff(points, axis=0), axis=-1).mean(axis=-1)
    unrest = np.maximum(np.append(steps, steps[-1]), np.append(steps[0], steps))
    steadiest = np.argsort(unrest, kind="stable")[: max(2, round(len(points) * STEADY_SHARE))]
    return np.median(points[steadiest], axis=0).astype(np.float64)
