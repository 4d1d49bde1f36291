"""Evenly spread samples of a sequence."""

from collections.abc import Iterable


def spread_indices(total: int, count: int) -> list[int]:
    """Indices of `count` samples of a sequence of length `total`, the middle of each of `count` equal parts.

    Args:
        total: Length of the sequence. 0 has no index.
        count: Number of samples. Above `total`, indices repeat.

    Returns:
        Indices in ascending order, from 0 to `total` - 1.
    """
    return [int((i + 0.5) * total / count) for i in range(count)] if total else []


def spread_order(numbers: Iterable[int]) -> list[int]:
    """Different numbers in an order in which any first few of them are spread over all.

    Returns:
        Each number once, sorted by its place among all with the bits of the place reversed (van der Corput's
        sequence).
    """
    ascending = sorted(set(numbers))
    bits = max(len(ascending) - 1, 1).bit_length()
    places = sorted(range(len(ascending)), key=lambda place: int(f"{place:0{bits}b}"[::-1], 2))
    return [ascending[place] for place in places]
