"""Calibration: the driver's neutral face, learned from what is seen, and the file that keeps it."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import numpy as np

from face2face import cli, files, records
from face2face.face.geometry import CHIN, MIN_INTEROCULAR_DISTANCE, NOSE_BASE, interocular_distance
from face2face.target.gaze import DriverGaze, IrisOffset
from face2face.target.rest import RestFinder

LEARNING_SECONDS = 60.0
"""How long the neutral face is learned, in seconds with a face."""

SAMPLE_SECONDS = 0.1
"""Interval between the faces and gazes that are learned from, whatever the frame rate."""

GAP_SECONDS = 0.5
"""From faces that are farther apart no speed is measured, and no more than this is counted as time with a
face: it may have been away."""

ESTIMATE_SECONDS = 0.2
"""Interval between two estimates of the neutral face, in seconds."""

FOLLOW_SECONDS = 0.6
"""Time constant with which the neutral face in use follows the estimates: no jump is seen."""

NEAR = 0.002
"""Two neutral faces count as the same if no coordinate differs by more, in interocular distances: what is
learned of a still face does not move the picture for ever."""

ENOUGH_FACES = 8
"""So many faces of a file that is looked through ahead are enough for a neutral face."""

CALIBRATION_SECONDS = 1.0
"""Duration of a calibration that is asked for, from the next face on."""

STEADY_SHARE = 0.5
"""The calibrated neutral face is the median of this share of the calibration's frames: those with the least
motion."""

FORMAT_VERSION = 1

_MIN_LOWER_FACE = 1.0  # pixels, from the nose to the chin: retargeting divides by it

_Pixels = Annotated[int, msgspec.Meta(ge=1, le=2**15)]


class SavedCalibration(msgspec.Struct):
    """The content of the file of `--calibration`.

    Attributes:
        format_version: Always 1.
        frame_size: Width and height of the driver's frames, pixels.
        neutral: The driver's neutral face, 68 points in pixels of those frames.
        gaze: The driver's gaze into the camera, see `irises.gaze_of`; None: it is learned.
    """

    format_version: Literal[1]
    frame_size: tuple[_Pixels, _Pixels]
    neutral: records.Points
    gaze: tuple[IrisOffset, IrisOffset] | None = None

    def scaled_to(self, frame_size: tuple[int, int]) -> np.ndarray:
        """The neutral face for frames of the same view in another size: float (68, 2)."""
        return np.array(self.neutral, np.float64) * (frame_size[0] / self.frame_size[0])


class Calibration:
    """Learns the driver's neutral face, all the time or over the next second when asked to.

    It learns from every face for `LEARNING_SECONDS`; then it is settled, so that it does not drift with a
    lasting smile.

    Attributes:
        neutral: The neutral face in use, float (68, 2), in pixels of the driver's frames; None before the
            first face. It follows what is learned smoothly.
        is_running: Whether a calibration that was asked for is under way.
        is_settled: Whether nothing more is learned until it is asked for.
        gaze: The driver's gaze into the camera, learned likewise.
    """

    def __init__(
        self, prior: np.ndarray, neutral: np.ndarray | None = None, gaze: np.ndarray | None = None
    ) -> None:
        """Begin with a known face, or learn one.

        Args:
            prior: float (68, 2), the target's neutral face, which stands for what is unknown of the driver's.
            neutral: float (68, 2), the driver's neutral face, if it is known.
            gaze: float (2, 2), the driver's gaze into the camera, if it is known.
        """
        self.gaze = DriverGaze(gaze)
        self.neutral = self._goal = neutral
        self._finder = RestFinder(prior)
        self.is_settled = neutral is not None
        self.is_running = False
        self._asked: list[np.ndarray] = []
        self._began: float | None = None
        self._last: tuple[np.ndarray, float] | None = None
        self._sampled_at = self._estimated_at = -np.inf
        self._learned_for = 0.0

    def restart(self) -> None:
        """Calibrate from the next face on, whatever was learned; until then the old face is in use."""
        self._asked, self._began, self.is_running = [], None, True
        self.gaze.restart()

    def look_ahead(self, faces: Sequence[np.ndarray], gazes: Sequence[np.ndarray] = ()) -> None:
        """Learn from a sample of all faces that will come, and settle if there are enough of them.

        Args:
            faces: float (68, 2) each, in pixels of the driver's frames.
            gazes: float (2, 2) each.
        """
        for gaze in gazes:
            self.gaze.update(gaze)
        for points in faces:
            self._finder.add(points)
        if len(faces) >= ENOUGH_FACES:
            self.neutral = self._goal = self._finder.face()
            self.is_settled = True
            self.gaze.settle()

    @property
    def is_known(self) -> bool:
        """Whether a neutral face that is worth keeping was learned, and is not being learned anew."""
        return not self.is_running and (self.is_settled or self._learned_for >= CALIBRATION_SECONDS)

    def update(self, points: np.ndarray, seconds: float, gaze: np.ndarray | None = None) -> None:
        """Take the face of a frame into account.

        Args:
            points: float (68, 2), in pixels of the driver's frames.
            seconds: The frame's time stamp.
            gaze: float (2, 2); None: unknown.
        """
        is_sample = not 0 <= seconds - self._sampled_at < SAMPLE_SECONDS
        self._sampled_at = seconds if is_sample else self._sampled_at
        if gaze is not None and (is_sample or self.is_running):
            self.gaze.update(gaze)
        elapsed = 0.0 if self._last is None else max(seconds - self._last[1], 0.0)
        if self.is_running:
            self._calibrate(points, seconds)
        elif not self.is_settled:
            self._learn(points, seconds, elapsed, is_sample)
        self._last = points, seconds
        self._follow(elapsed)

    def _calibrate(self, points: np.ndarray, seconds: float) -> None:
        """Take the steadiest frames of `CALIBRATION_SECONDS` as the neutral face."""
        self._began = seconds if self._began is None else self._began
        self._asked.append(points)
        self._goal = steady_median(np.array(self._asked))
        self.is_running = seconds - self._began < CALIBRATION_SECONDS
        self.is_settled = True
        if not self.is_running:
            self.gaze.settle()

    def _learn(self, points: np.ndarray, seconds: float, elapsed: float, is_sample: bool) -> None:
        """Take a face into account if it is a sample, and estimate every `ESTIMATE_SECONDS`."""
        self._learned_for += min(elapsed, GAP_SECONDS)
        self.is_settled = self._learned_for >= LEARNING_SECONDS
        if self.is_settled:
            self.gaze.settle()
        if not is_sample:
            return
        speed = 0.0
        if self._last is not None and 0 < elapsed <= GAP_SECONDS:
            step = np.linalg.norm(points - self._last[0], axis=1).mean()
            speed = float(step / max(interocular_distance(points), 1e-6) / elapsed)
        self._finder.add(points, speed)
        if not 0 <= seconds - self._estimated_at < ESTIMATE_SECONDS or self.is_settled:
            self._estimated_at = seconds
            estimate = self._finder.face()
            if self._goal is None or not _is_near(estimate, self._goal):
                self._goal = estimate

    def _follow(self, elapsed: float) -> None:
        """Move the neutral face in use towards what was learned, over so many seconds."""
        if self.neutral is None or self._goal is self.neutral:
            self.neutral = self._goal
            return
        share = 1 - math.exp(-elapsed / FOLLOW_SECONDS)
        is_there = _is_near(self.neutral, self._goal)
        self.neutral = self._goal if is_there else self.neutral + share * (self._goal - self.neutral)

    def write(self, path: Path, frame_size: tuple[int, int]) -> None:
        """Write the neutral face that was learned as JSON.

        Args:
            frame_size: Width and height of the driver's frames, pixels.

        Raises:
            UserError: If another file is in the way.
            OSError: If the file cannot be written.
        """
        neutral = [tuple(point) for point in np.round(self._goal.astype(float), 3).tolist()]
        gaze = None
        if self.gaze.is_seen:
            gaze = tuple(tuple(place) for place in np.round(self.gaze.rest, 4).tolist())
        saved = SavedCalibration(FORMAT_VERSION, frame_size, neutral, gaze)
        files.write_text(path, records.encode(saved, indent=0), is_calibration)


def _is_near(face: np.ndarray, other: np.ndarray) -> bool:
    return bool(np.abs(face - other).max() < NEAR * interocular_distance(other))


def read_calibration(path: Path) -> SavedCalibration:
    """Read what `Calibration.write` wrote.

    Raises:
        UserError: If the file is damaged, or its points are no face.
        OSError: If the system refuses.
    """
    saved = records.read(path, SavedCalibration, "what --calibration wrote")
    face = np.array(saved.neutral)
    lower_face = np.linalg.norm(face[CHIN] - face[NOSE_BASE])
    if interocular_distance(face) < MIN_INTEROCULAR_DISTANCE or lower_face < _MIN_LOWER_FACE:
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
    """The median of the frames with the least motion.

    Args:
        points: float (N, 68, 2), a face in successive frames.

    Returns:
        float (68, 2).
    """
    if len(points) < 3:
        return points[-1].astype(np.float64)
    steps = np.linalg.norm(np.diff(points, axis=0), axis=-1).mean(axis=-1)
    motion = np.maximum(np.append(steps, steps[-1]), np.append(steps[0], steps))
    steadiest = np.argsort(motion, kind="stable")[: max(2, round(len(points) * STEADY_SHARE))]
    return np.median(points[steadiest], axis=0).astype(np.float64)
