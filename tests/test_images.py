import cv2
import numpy as np
import pytest

from face2face.cli import UserError
from pix2pix import images
from tests import made


def test_a_picture_comes_back_as_it_was_written(tmp_path):
    picture = made.noise(20, 30)
    images.write(tmp_path / "a.png", picture)
    assert np.array_equal(images.read(tmp_path / "a.png"), picture)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_colours_are_rgb(tmp_path):
    red = np.full((4, 4, 3), (255, 0, 0), np.uint8)
    images.write(tmp_path / "red.png", red)
    assert cv2.imread(str(tmp_path / "red.png"))[0, 0].tolist() == [0, 0, 255]
    assert images.read(tmp_path / "red.png")[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize(
    "stored",
    [
        np.full((4, 4), 200, np.uint8),
        np.full((4, 4, 4), 200, np.uint8),
        np.full((4, 4, 3), 200 * 257, np.uint16),
    ],
    ids=["grey", "alpha", "16 bit"],
)
def test_other_channels_and_depths_are_read_as_rgb(tmp_path, stored):
    cv2.imwrite(str(tmp_path / "a.png"), stored)
    picture = images.read(tmp_path / "a.png")
    assert picture.dtype == np.uint8 and picture.shape == (4, 4, 3)
    assert np.array_equal(picture, np.full((4, 4, 3), 200))


def test_a_file_that_is_no_image_is_named(tmp_path):
    path = tmp_path / "a.png"
    path.write_text("not an image")
    with pytest.raises(UserError, match=r"expected an image, got a file that cannot be decoded: .*a\.png"):
        images.read(path)


def test_a_picture_that_cannot_be_written_leaves_nothing(tmp_path):
    path = tmp_path / "missing" / "a.png"
    with pytest.raises(OSError, match="cannot be written") as error:
        images.write(path, made.noise(4, 4))
    assert error.value.filename == str(path)
    assert not list(tmp_path.iterdir())


def test_each_level_survives_the_networks_range():
    levels = np.arange(256, dtype=np.uint8)
    unit = images.to_unit(levels.astype(np.float32))
    assert (unit[0], unit[-1]) == (-1, 1)
    assert np.array_equal(images.from_unit(unit), levels)


def test_values_beyond_the_range_are_clipped():
    assert images.from_unit(np.array([-1.5, 1.5, 0.0])).tolist() == [0, 255, 128]
