"""Ranges of measures: measured in training, and kept when a driver exceeds them."""

from collections.abc import Callable

import numpy as np

RANGE_PERCENTILES = (0.5, 99.5)
"""Percentiles that bound the range of a measure: the few frames beyond may be detection errors."""

SOFTNESS = 0.15
"""How far a value may exceed its known range, over the range's length."""


def value_ranges(values: np.ndarray) -> np.ndarray:
    """Low and high of N values, float (N, ...) -> float (..., 2). 0, the neutral face, always lies within."""
    low, high = np.percentile(values, RANGE_PERCENTILES, axis=0)
    return np.stack([np.minimum(low, 0.0), np.maximum(high, 0.0)], axis=-1)


def saturate(values: np.ndarray | float, limit: np.ndarray | float) -> np.ndarray | float:
    """Compress values of 0 and more smoothly, so that they never reach a limit; small ones hardly change.

    Args:
        values: float (...).
        limit: Above 0, of a shape that broadcasts to theirs.

    Returns:
        float (...), 0 to `limit`.
    """
    return limit * (1 - np.exp(-values / limit))


def soft_clip(
    values: np.ndarray | float, ranges: np.ndarray | tuple[float, float], softness: float = SOFTNESS
) -> np.ndarray | float:
    """Limit values smoothly: unchanged in their ranges, and not much beyond.

    Args:
        values: float (...).
        ranges: float (..., 2), low and high.
        softness: How far a value may exceed its range, over the range's length.

    Returns:
        float (...).
    """
    low, high = np.moveaxis(np.asarray(ranges), -1, 0)
    margin = np.maximum(softness * (high - low), 1e-9)
    over, under = np.maximum(values - high, 0.0), np.maximum(low - values, 0.0)
    inside = np.clip(values, low, high)
    return inside + saturate(over, margin) - saturate(under, margin)


class KnownMeasure:
    """How far the target showed one measure of its face, such as the slant of the mouth."""

    def __init__(
        self, measure: Callable[[np.ndarray], np.ndarray], at_rest: np.ndarray, shapes: np.ndarray
    ) -> None:
        """Measure its range.

        Args:
            measure: float (..., 68, 2) -> float (...).
            at_rest: float (68, 2), the target's neutral face, upright.
            shapes: float (N, 68, 2), the training shapes, upright.
        """
        self._measure, self._at_rest = measure, float(measure(at_rest))
        self._range = value_ranges(measure(shapes) - self._at_rest)

    def missing(self, face: np.ndarray, wanted: np.ndarray) -> float:
        """How much a face lacks of the measure that is wanted, as far as the target showed it.

        Args:
            face: float (68, 2), upright. What it has already beyond that range is known.
            wanted: float (68, 2), the face that has the measure.
        """
        change = float(self._measure(face)) - self._at_rest
        low, high = self._range
        known = min(low, change), max(high, change)
        return soft_clip(float(self._measure(wanted)) - self._at_rest, known) - change
