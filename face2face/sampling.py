"""Evenly spread samples of a sequence."""


def spread_indices(total: int, count: int) -> list[int]:
    """Indices of `count` samples of a sequence of length `total`, the middle of each of `count` equal parts.

    Args:
        total: Length of the sequence. 0 has no index.
        count: Number of samples. Above `total`, indices repeat.

    Returns:
        Indices in ascending order, from 0 to `total` - 1.
    """
    return [int((i + 0.5) * total / count) for i in range(count)] if total else []
