from pathlib import Path

import numpy as np
import pytest

from face2face.cli import UserError
from pix2pix import images


def test_each_level_survives_the_networks_range():
    levels = np.arange(256, dtype=np.uint8)
    unit = images.normalise(levels.astype(np.float32))
    assert (unit[0], unit[-1]) == (-1, 1)
    assert np.array_equal(images.denormalise(unit), levels)


def test_values_beyond_the_range_are_clipped():
    assert images.denormalise(np.array([-1.5, 1.5, 0.0])).tolist() == [0, 255, 128]


def test_images_are_known_by_their_names():
    paths = [Path("a/1.png"), Path("a/2.jpg"), Path("a/2.5.png")]
    assert images.by_stem(paths) == dict(zip(("1", "2", "2.5"), paths, strict=True))
    with pytest.raises(UserError, match=r"expected one image named 2, got two: a/2\.jpg and b/2\.png"):
        images.by_stem([*paths, Path("b/2.png")])
