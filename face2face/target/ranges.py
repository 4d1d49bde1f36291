"""Ranges of measures: measured in training, and kept when a driver exceeds them."""

import numpy as np

RANGE_PERCENTILES = (0.5, 99.5)
"""Percentiles that bound the range of a measure: the few frames beyond may be detection errors."""

SOFTNESS = 0.15
"""How far a value may exceed its known range, over the range's length."""


def value_ranges(values: np.ndarray) -> np.ndarray:
    """Low and high of each column, float (N, K) -> float (K, 2). 0, the neutral face, always lies within."""
    low, high = np.percentile(values, RANGE_PERCENTILES, axis=0)
    return np.stack([np.minimum(low, 0.0), np.maximum(high, 0.0)], axis=1)


def saturate(values: np.ndarray | float, limit: np.ndarray | float) -> np.ndarray | float:
    """Compress values of 0 and more smoothly, so that they never reach a limit; small ones hardly change.

    Args:
        values: float (...).
        limit: Above 0, of a shape that broadcasts to theirs.

    Returns:
        float (...), 0 to `limit`.
    """
    return limit * (1 - np.exp(-values / limit))


def soft_clip(values: np.ndarray, ranges: np.ndarray, softness: float = SOFTNESS) -> np.ndarray:
    """Limit values smoothly: unchanged in their ranges, and not much beyond.

    Args:
        values: float (K,).
        ranges: float (K, 2), low and high.
        softness: How far a value may exceed its range, over the range's length.

    Returns:
        float (K,).
    """
    low, high = ranges.T
    margin = np.maximum(softness * (high - low), 1e-9)
    over, under = np.maximum(values - high, 0.0), np.maximum(low - values, 0.0)
    inside = np.clip(values, low, high)
    return inside + saturate(over, margin) - saturate(under, margin)
