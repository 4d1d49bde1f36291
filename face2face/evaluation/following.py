"""How the painted face follows its driver: correlation, gain and lag of expression and head motion."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from face2face.face import geometry

Measure = Callable[[np.ndarray], np.ndarray]

MOTIONS: dict[str, tuple[Measure, str]] = {
    "mouth": (geometry.mouth_openness, "the mouth's openness"),
    "mouth_width": (geometry.mouth_width, "the mouth's width"),
    "eyes": (geometry.eye_aspect_ratio, "the eye aspect ratio"),
    "left_eye": (geometry.left_eye_aspect_ratio, "the left eye's aspect ratio"),
    "right_eye": (geometry.right_eye_aspect_ratio, "the right eye's aspect ratio"),
    "brows": (geometry.brow_height, "the brows' height"),
    "mouth_slant": (geometry.mouth_slant, "the mouth's slant"),
    "mouth_shift": (geometry.mouth_shift, "the mouth's shift aside"),
    "eye_difference": (geometry.eye_difference, "the eyes' difference in aspect ratio"),
    "brow_difference": (geometry.brow_difference, "the brows' difference in height"),
    "yaw": (geometry.head_yaw, "the head's yaw"),
    "pitch": (geometry.head_pitch, "the head's pitch"),
    "roll": (geometry.head_roll, "the head's roll"),
}
"""What is compared over time between the driver and the painted face: measure and name for people."""

GAZES = {"gaze_across": "the horizontal gaze", "gaze_down": "the vertical gaze"}
"""The two directions of the gaze, which is compared likewise, and their names for people."""

MAX_LAG = 10
"""Lags of up to so many frames are looked for, before the driver and behind."""
STILL = 1e-12
"""A series of a smaller standard deviation does not change: it is what rounding leaves."""

LAG_MOTIONS = ("mouth", "left_eye", "right_eye", "yaw", "roll")
"""What the lag is found by: the motions that are fast, or that follow closely."""


def motions(points: np.ndarray) -> np.ndarray:
    """The value of each of `MOTIONS` in a face, float (68, 2), as float (M,)."""
    return np.array([float(measure(points)) for measure, _ in MOTIONS.values()])


def correlation(driver: np.ndarray, output: np.ndarray) -> float:
    """Pearson correlation of two series, float (N,); 0 if one of them does not change."""
    # In float32 the mean of equal values is not quite their value.
    driver, output = np.asarray(driver, np.float64), np.asarray(output, np.float64)
    if len(driver) < 2 or min(np.std(driver), np.std(output)) < STILL:
        return 0.0
    return float(np.corrcoef(driver, output)[0, 1])


def gain(driver: np.ndarray, output: np.ndarray) -> float:
    """Ratio of the standard deviations of two series, float (N,); NaN if the driver does not change."""
    spread = float(np.std(driver, dtype=np.float64)) if len(driver) else 0.0
    return float(np.std(output, dtype=np.float64)) / spread if spread > STILL else float("nan")


def lag(driver: np.ndarray, output: np.ndarray) -> float:
    """By how many frames the output is behind the driver, by cross-correlation.

    Args:
        driver: float (N, M), M motions in each of N successive frames, NaN where there is no face.
        output: Likewise.

    Returns:
        The lag at which the mean correlation of the motions is highest, between frames by the parabola
        through the highest and its neighbours; NaN if there are too few frames or nothing moves.
    """
    if len(driver) < 4 * MAX_LAG:
        return float("nan")
    shifts = range(-MAX_LAG, MAX_LAG + 1)
    scores = np.array([_likeness(*_shifted(driver, output, shift)) for shift in shifts])
    peak = int(np.argmax(scores))
    if scores[peak] <= 0:
        return float("nan")
    if not 0 < peak < len(scores) - 1:
        return float(shifts[peak])
    before, at, after = scores[peak - 1 : peak + 2]
    bend = before - 2 * at + after
    return shifts[peak] + (float((before - after) / (2 * bend)) if bend else 0.0)


def _shifted(driver: np.ndarray, output: np.ndarray, shift: int) -> tuple[np.ndarray, np.ndarray]:
    """The frames of the driver and those `shift` frames later of the output, where both have a face."""
    count = len(driver) - abs(shift)
    earlier, later = max(0, -shift), max(0, shift)
    driver, output = driver[earlier : earlier + count], output[later : later + count]
    both = ~(np.isnan(driver).any(axis=1) | np.isnan(output).any(axis=1))
    return driver[both], output[both]


def _likeness(driver: np.ndarray, output: np.ndarray) -> float:
    """The mean correlation of M motions, float (N, M)."""
    return float(np.mean([correlation(a, b) for a, b in zip(driver.T, output.T, strict=True)]))


@dataclass
class Following:
    """The motions of a driver and of the painted face in successive frames.

    Attributes:
        found: Of the driver as detected, float (M,) each; NaN without a face.
        steadied: Likewise, as the drawing is made from it.
        painted: Of the painted face; NaN if no face is found in it.
        gazes: Of the driver and of the painted face, float (2, 2): each across and down, the mean of both
            eyes; NaN where no iris is found.
        with_gaze: Whether the gaze is judged.
    """

    found: list[np.ndarray] = field(default_factory=list)
    steadied: list[np.ndarray] = field(default_factory=list)
    painted: list[np.ndarray] = field(default_factory=list)
    gazes: list[np.ndarray] = field(default_factory=list)
    with_gaze: bool = True

    def add(
        self,
        found: np.ndarray | None,
        steadied: np.ndarray | None,
        painted: np.ndarray | None,
        gazes: tuple[np.ndarray, np.ndarray] | None = None,
    ) -> None:
        """Measure a frame.

        Args:
            found: The driver's landmarks as detected, float (68, 2), or None.
            steadied: Likewise, as the drawing is made from them.
            painted: The painted face's landmarks, likewise.
            gazes: The driver's gaze and the painted face's, float (2, 2) each, see `irises.gaze_of`.
        """
        self.gazes.append(np.full((2, 2), np.nan) if gazes is None else np.mean(gazes, axis=1))
        for series, points in ((self.found, found), (self.steadied, steadied), (self.painted, painted)):
            series.append(np.full(len(MOTIONS), np.nan) if points is None else motions(points))

    def values(self) -> dict[str, float]:
        """The figures, by their keys in `results.FIGURES`."""
        nothing = np.zeros((0, len(MOTIONS)))
        found, steadied, painted = (
            np.array(s) if s else nothing for s in (self.found, self.steadied, self.painted)
        )
        pairs = list(zip(MOTIONS, *(s.T for s in _shifted(steadied, painted, 0)), strict=True))
        fast = [list(MOTIONS).index(name) for name in LAG_MOTIONS]
        return {
            **(gaze_values(self.gazes) if self.with_gaze else {}),
            **{f"{name}_correlation": correlation(driver, output) for name, driver, output in pairs},
            **{f"{name}_gain": gain(driver, output) for name, driver, output in pairs},
            "lag": lag(found[:, fast], painted[:, fast]),
        }


def gaze_values(gazes: Sequence[np.ndarray]) -> dict[str, float]:
    """Correlation and gain of the gaze, where both are known.

    Args:
        gazes: float (2, 2) each: of the driver and of the painted face, each across and down.

    Returns:
        By the keys in `results.FIGURES`; NaN if there are fewer than two such frames.
    """
    series = np.array(gazes).reshape(-1, 2, 2)
    driver, painted = series[np.isfinite(series).all(axis=(1, 2))].transpose(1, 2, 0)
    values = {}
    for name, a, b in zip(GAZES, driver, painted, strict=True):
        is_known = len(a) > 1
        values[f"{name}_correlation"] = correlation(a, b) if is_known else float("nan")
        values[f"{name}_gain"] = gain(a, b) if is_known else float("nan")
    return values
