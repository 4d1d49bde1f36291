"""Calibration: the driver's neutral face, learnt from the first second, and the file that keeps it."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec
import numpy as np

from face2face import cli, files, records
from face2face.face.geometry import CHIN, MIN_INTEROCULAR_DISTANCE, NOSE_BASE, interocular_distance

CALIBRATION_SECONDS = 1.0
"""Duration of a calibration, from the first face on."""

STEADY_SHARE = 0.5
"""The neutral face is the median of this share of those frames, the ones with the least motion."""

FORMAT_VERSION = 1

_MIN_LOWER_FACE = 1.0  # pixels, from the nose to the chin: retargeting divides by it

_Pixels = Annotated[int, msgspec.Meta(ge=1, le=2**15)]


class SavedCalibration(msgspec.Struct):
    """The content of the file of `--calibration`.

    Attributes:
        format_version: Always 1.
        frame_size: Width and height of the driver's frames, pixels.
        neutral: The driver's neutral face, 68 points in pixels of those frames.
    """

    format_version: Literal[1]
    frame_size: tuple[_Pixels, _Pixels]
    neutral: records.Points

    def scaled_to(self, frame_size: tuple[int, int]) -> "Calibration":
        """The calibration for frames of another width and height, scaled by their widths."""
        return Calibration(np.array(self.neutral, np.float64) * (frame_size[0] / self.frame_size[0]))


class Calibration:
    """Learns the driver's neutral face over the first second with a face, and again when asked to.

    Attributes:
        neutral: The best known neutral face, float (68, 2), in pixels of the driver's frames; None before
            the first face.
        is_running: Whether the next face still changes it.
    """

    def __init__(self, neutral: np.ndarray | None = None) -> None:
        self.neutral = neutral
        self._seen: list[np.ndarray] = []
        self._began: float | None = None
        self.is_running = neutral is None

    def restart(self) -> None:
        """Calibrate again from the next face on; until then the old neutral face is in use."""
        self._seen, self._began, self.is_running = [], None, True

    def look(self, points: np.ndarray, seconds: float) -> bool:
        """Take the face of a frame into account, while calibration runs.

        Args:
            points: float (68, 2), in pixels of the driver's frames.
            seconds: The frame's time stamp.

        Returns:
            Whether the neutral face has changed.
        """
        if not self.is_running:
            return False
        self._began = seconds if self._began is None else self._began
        self._seen.append(points)
        self.neutral = steady_median(np.array(self._seen))
        self.is_running = seconds - self._began < CALIBRATION_SECONDS
        return True

    def write(self, path: Path, frame_size: tuple[int, int]) -> None:
        """Write the neutral face as JSON.

        Args:
            frame_size: Width and height of the driver's frames, pixels.

        Raises:
            UserError: Another file is in the way.
            OSError: The file cannot be written.
        """
        neutral = [tuple(point) for point in np.round(self.neutral.astype(float), 3).tolist()]
        saved = SavedCalibration(FORMAT_VERSION, frame_size, neutral)
        files.write_text(path, records.encode(saved, indent=0), is_calibration)


def read_calibration(path: Path) -> SavedCalibration:
    """Read what `Calibration.write` wrote.

    Raises:
        UserError: The file is damaged, or its points are no face.
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
