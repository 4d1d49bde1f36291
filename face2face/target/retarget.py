"""Retargeting by relative motion: the driver's expression and head motion applied to the target's face.

The target's own neutral face is moved. The driver's motion is measured against the driver's neutral face,
scaled to the target's proportions, and limited to the range that the target showed in training. So the
generator reads a drawing like those it was trained on, whoever sits at the camera, and at any distance.
"""

from functools import partial

import numpy as np

from face2face.face.geometry import (
    BROWS,
    EYELIDS,
    EYES,
    INNER_LIPS,
    LANDMARKS,
    LEFT_BROW,
    LIPS,
    MOUTH_CORNERS,
    RIGHT_BROW,
)
from face2face.face.head_pose import HeadPose, turned
from face2face.face.similarity import SimilarityTransform
from face2face.sampling import spread_indices
from face2face.target import upright
from face2face.target.known_shapes import KnownShapes
from face2face.target.ranges import KnownMeasure, saturate, soft_clip, value_ranges
from face2face.target.statistics import USUAL_SHUT_RATIO, TargetFace, head_motion, move_head

OUTER_LIPS = {61: (50,), 62: (51,), 63: (52,), 65: (56,), 66: (57,), 67: (58,)}
"""For each point of the inner lips, the points of the outer lips that move with it."""

MIN_SHUT_RATIO = 0.2
"""A smaller gap is an error of the detector, such as crossed lids, and tells nothing of the driver's."""

WIDER_EYES, NARROWER_EYES, BROWS_MOVED = 2.0, 1.6, 1.1
"""Factors by which the drawing exaggerates eyes wider than at rest, eyes that close, and the height of brows:
a generator moves them less than they are drawn. With factors of 1 it moves the eyes 0.6 to 0.8 times as much
as the driver does (`evaluate.py`); brows moved by more cost the likeness to the target."""

WIDENED_MOUTH = 0.7
"""How much of the mouth's widening is carried. With all of it smiles are painted up to 1.2 times as wide as
the driver's, and less like the target, who is filmed smiling less often than at rest
(`docs/trials.md`). A mouth that narrows is carried whole."""

EYES_BEYOND_WIDEST = 1.0
"""Limit of how much wider than the target's widest eyes are drawn, over their gap at rest. It is approached
smoothly from the widest on. Within it eyes may be wider than filmed: the generator opens them further."""

UNKNOWN_WIDEST_EYES = 1.5
"""The widest gap between the lids, over that at rest, of a target whose training shapes are not known."""

MOUTH_OVER_WIDEST = 2.2
"""Limit of the mouth's opening, over the target's widest. It is approached smoothly from the first opening
on: half of the target's widest is drawn 0.89 times as wide, the widest 0.8 times, and a wider opening of the
driver's stays a wider one. Drawn as wide as it is, it costs the likeness (`docs/trials.md`)."""

RESTORED_BROWS = 0.5
"""Share of a brow's height that is given back after the known shapes have taken it. All of it costs the
likeness (`docs/trials.md`)."""

TURNS_SAMPLE = 300
"""Number of training shapes on which the range of the target's turns is measured."""


class Retargeter:
    """Moves the target's face in model space by one driver's points, which are in any frame's pixels.

    Both faces are compared upright: eyes level, interocular distance 1, centred between the eyes.
    """

    def __init__(self, target: TargetFace) -> None:
        """Convert the target's statistics to its upright space. Before a face, `set_driver` has to be called.

        Args:
            target: The target's statistics.
        """
        self._target = target
        self._from_upright = upright.from_upright(target.neutral)
        self._target_upright = self._from_upright.apply_inverse(target.neutral)
        scale = self._from_upright.scale
        rotation = self._from_upright.matrix / scale
        self._components = (target.components.reshape(-1, LANDMARKS, 2) @ rotation).reshape(-1, 2 * LANDMARKS)
        self._ranges = target.ranges / scale
        self._residual = 0.0, target.residual / scale
        self._target_shut_eyes = target.drawn_shut_eyes
        self._known = self._turns = self._mouth_widths = None
        self._widest_eyes = [UNKNOWN_WIDEST_EYES] * len(EYELIDS)
        if target.shapes is not None:
            shapes = self._from_upright.apply_inverse(
                target.neutral + target.shapes.expressions.reshape(-1, LANDMARKS, 2)
            )
            self._known = KnownShapes(shapes)
            sample = shapes[spread_indices(len(shapes), TURNS_SAMPLE)]
            turns = [HeadPose.estimate(self._target_upright, shape).turn for shape in sample]
            self._turns = value_ranges(np.array(turns))
            widths = upright.mouth_width(shapes) - upright.mouth_width(self._target_upright)
            self._mouth_widths = value_ranges(widths)
            self._mouth_slant = KnownMeasure(upright.mouth_slant, self._target_upright, shapes)
            self._brow_heights = [
                (brow, KnownMeasure(partial(upright.height, region=brow), self._target_upright, shapes))
                for brow in (LEFT_BROW, RIGHT_BROW)
            ]
            opened = upright.lid_gaps(shapes) / np.maximum(upright.lid_gaps(self._target_upright), 1e-6)
            self._widest_eyes = (1 + value_ranges(opened - 1)[:, 1]).tolist()
        self._driver_neutral: np.ndarray | None = None
        self._shut_eyes = 1.0

    def set_driver(self, driver: np.ndarray, shut_eyes: float = USUAL_SHUT_RATIO) -> None:
        """Measure the driver's neutral face; the target's moves against it from now on.

        Args:
            driver: float (68, 2), in pixels of the driver's frames.
            shut_eyes: Gap between the driver's shut lids over that at rest, until a smaller one is seen.
        """
        self._shut_eyes = min(self._shut_eyes, shut_eyes)
        if self._driver_neutral is not None and np.array_equal(driver, self._driver_neutral):
            return
        self._driver_neutral = np.asarray(driver, np.float64)
        driver_from_upright = upright.from_upright(self._driver_neutral)
        self._driver_from_upright = driver_from_upright
        self._driver_upright = driver_from_upright.apply_inverse(self._driver_neutral)
        self._shift_scale = self._from_upright.scale / driver_from_upright.scale
        self._scales = upright.proportions(self._target_upright) / upright.proportions(self._driver_upright)

    def forget_shut_eyes(self) -> None:
        """Learn again how far the driver's eyes shut: he may be another one."""
        self._shut_eyes = 1.0

    def __call__(self, points: np.ndarray, expression: float = 1.0, head: float = 1.0) -> np.ndarray:
        """Retarget the driver's points.

        Args:
            points: float (68, 2), in pixels of the driver's frame.
            expression: How much of the driver's expression is carried, before it is bounded; 1: as it is.
            head: How much of the driver's head motion is carried, likewise.

        Returns:
            float32 (68, 2), the target's points, in model space.
        """
        pose = HeadPose.estimate(self._driver_upright, points)
        face = pose.undo(points)
        turn = head * pose.turn
        if self._turns is not None:
            turn = soft_clip(turn, self._turns)
        change = expression * (face - self._driver_upright) * self._scales
        change[BROWS, 1] *= BROWS_MOVED
        wanted = self._target_upright + change + turned(turn)
        # The training shapes are aligned by their rigid points, which a turn moves, too.
        aligning = SimilarityTransform.estimate(self._target_upright, wanted)
        moved = aligning.apply_inverse(wanted)
        if self._known is None:
            moved = self._target_upright + self._bound_expression(moved - self._target_upright)
        self._open_eyes(moved, face, expression)
        self._open_lips(moved, face, expression)
        if self._known is not None:
            moved = self._bring_near(moved, face, expression)
        return self._move_head(moved, pose, aligning, head).astype(np.float32)

    def _bring_near(self, wanted: np.ndarray, face: np.ndarray, gain: float) -> np.ndarray:
        """Bring the target's face near to the known shapes, but for what the driver would miss.

        That is the width, slant and openness of the mouth, and in part the height of each brow.

        Args:
            wanted: float (68, 2), the target's face, upright.
            face: float (68, 2), the driver's face, upright.
            gain: How much of the driver's expression is carried.

        Returns:
            float (68, 2), upright.
        """
        bounded = self._target_upright + self._bound_expression(wanted - self._target_upright)
        bounded[EYES] = wanted[EYES]  # an eye is small: its own shapes bound it well
        near = self._known(bounded)
        for brow, height in self._brow_heights:
            near[brow, 1] -= RESTORED_BROWS * height.missing(near, wanted)
        self._widen_lips(near, upright.mouth_width(wanted))
        self._slant_lips(near, self._mouth_slant.missing(near, wanted))
        self._open_lips(near, face, gain)
        return near

    def _open_eyes(self, moved: np.ndarray, face: np.ndarray, gain: float) -> None:
        """Open the target's eyes as far as the driver's, so that shut ones are shut.

        Expression alone is relative to the neutral faces, which are open to different degrees.

        Args:
            moved: float (68, 2), the target's face, upright; changed in place.
            face: float (68, 2), the driver's face, upright.
            gain: How much of the driver's expression is carried.
        """
        ratios = upright.lid_gaps(face) / np.maximum(upright.lid_gaps(self._driver_upright), 1e-6)
        self._shut_eyes = min(self._shut_eyes, max(float(np.mean(ratios)), MIN_SHUT_RATIO))
        for (upper, lower), ratio, widest in zip(EYELIDS, ratios, self._widest_eyes, strict=True):
            ratio = 1 + gain * (ratio - 1)
            # Between shut and rest, both faces' openness is interpolated by the same fraction.
            fraction = max((ratio - self._shut_eyes) / max(1 - self._shut_eyes, 1e-6), 0.0)
            shut = self._target_shut_eyes
            gap = shut + (1 - shut) * fraction if ratio < 1 else ratio
            gap = max(1 + (NARROWER_EYES if gap < 1 else WIDER_EYES) * (gap - 1), shut)
            if gap > widest:
                gap = widest + saturate(gap - widest, EYES_BEYOND_WIDEST)
            upright.set_gap(moved, upper, lower, gap * upright.gap(self._target_upright, upper, lower), {})

    def _open_lips(self, moved: np.ndarray, face: np.ndarray, gain: float) -> None:
        """Open the target's lips as the driver's are open, likewise, ever less up to `MOUTH_OVER_WIDEST`."""
        at_rest, now = (
            np.array(
                [self._scales[upper, 1] * upright.gap(points, upper, lower) for upper, lower in INNER_LIPS]
            )
            for points in (self._driver_upright, face)
        )
        wanted = np.maximum(at_rest + gain * (now - at_rest), 0.0)
        gaps = saturate(wanted, max(MOUTH_OVER_WIDEST * self._target.open_mouth, 1e-9))
        for (upper, lower), gap in zip(INNER_LIPS, gaps, strict=True):
            upright.set_gap(moved, upper, lower, float(gap), OUTER_LIPS)

    def _widen_lips(self, moved: np.ndarray, wanted: float) -> None:
        """Make the target's mouth narrower or wider, as the driver's, within what the target showed.

        The known shapes alone would make it too wide: of a target who opens the mouth only to smile, they
        turn a round mouth into a smile.

        Args:
            moved: float (68, 2), the target's face, upright; its lips are scaled across, in place.
            wanted: The driver's mouth's width, in the target's proportions.
        """
        at_rest = upright.mouth_width(self._target_upright)
        change = min(wanted - at_rest, WIDENED_MOUTH * (wanted - at_rest))
        change = soft_clip(change, self._mouth_widths)
        middle = moved[list(MOUTH_CORNERS), 0].mean()
        factor = max(at_rest + change, 0.0) / max(upright.mouth_width(moved), 1e-3)
        moved[LIPS, 0] = middle + factor * (moved[LIPS, 0] - middle)

    def _slant_lips(self, moved: np.ndarray, by: float) -> None:
        """Make the target's mouth more crooked.

        The known shapes alone would straighten it, because most of their mouths are straight, or make it
        crooked if the target smiles with one corner.

        Args:
            moved: float (68, 2), the target's face, upright; its lips are sheared, in place.
            by: What is added to its slant, as `upright.mouth_slant`.
        """
        middle = moved[list(MOUTH_CORNERS), 0].mean()
        slope = by / max(upright.mouth_width(moved), 1e-3)
        moved[LIPS, 1] += slope * (moved[LIPS, 0] - middle)

    def _bound_expression(self, expression: np.ndarray) -> np.ndarray:
        """Limit an expression to what the target showed: each PCA component, and the length of the rest.

        Args:
            expression: float (68, 2), difference from the neutral face, in the target's upright space.
        """
        flat = expression.ravel()
        coefficients = self._components @ flat
        rest = flat - coefficients @ self._components
        length = float(np.linalg.norm(rest))
        rest *= float(soft_clip(length, self._residual)) / max(length, 1e-9)
        bounded = soft_clip(coefficients, self._ranges) @ self._components + rest
        return bounded.reshape(LANDMARKS, 2)

    def _move_head(
        self, face: np.ndarray, pose: HeadPose, aligning: SimilarityTransform, gain: float
    ) -> np.ndarray:
        """Apply the driver's head motion to the target's face, limited to the target's range.

        Args:
            face: float (68, 2), the target's, upright.
            pose: The driver's.
            aligning: What was undone in the target's face.
            gain: How much of the driver's motion is carried.

        Returns:
            float (68, 2), in model space.
        """
        motion = head_motion(pose.transform.after(self._driver_from_upright.inverse()), self._driver_neutral)
        motion[:2] *= self._shift_scale
        aligned = self._from_upright.after(aligning).after(self._from_upright.inverse())
        motion = gain * motion + head_motion(aligned, self._target.neutral)
        motion = soft_clip(motion, self._target.motion)
        if self._target.places is not None:
            motion = self._target.places.bring_near(motion)
        return move_head(self._from_upright.apply(face), self._target.neutral, motion)
