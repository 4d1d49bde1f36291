"""Samples are spread evenly over a sequence."""

import pytest

from face2face.sampling import spread_indices


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
