"""Samples are spread evenly over a sequence."""

import numpy as np
import pytest

from face2face.sampling import spread_indices, spread_order


@pytest.mark.parametrize(
    "total, count, expected",
    [
        (10, 1, [5]),
        (10, 2, [2, 7]),
        (3, 3, [0, 1, 2]),
        (100, 4, [12, 37, 62, 87]),
        (2, 4, [0, 0, 1, 1]),
        (5, 0, []),
        (0, 3, []),
    ],
)
def test_samples_are_the_middles_of_equal_parts(total, count, expected):
    assert spread_indices(total, count) == expected


@pytest.mark.parametrize("total", [1, 7, 1000, 10**6 + 1])
def test_as_many_samples_as_elements_are_all_of_them(total):
    assert spread_indices(total, total) == list(range(total))


@pytest.mark.parametrize("total", [1, 2, 5, 8, 24, 100])
def test_the_first_few_of_an_order_are_spread_over_all(total):
    """Nowhere do they leave a gap of more than twice their mean distance."""
    order = spread_order([*range(total), 0])
    assert sorted(order) == list(range(total))
    for count in range(1, total):
        gaps = np.diff([*sorted(order[:count]), total])
        assert order[0] == 0 and gaps.max() <= 2 * total / count
