"""The one reader and the one writer of picture files."""

import random

import cv2
import numpy as np
import pytest
from PIL import ExifTags, Image

from face2face import pictures
from face2face.cli import UserError
from tests import made

PICTURE = made.noise(20, 30)


@pytest.mark.parametrize("ending", [".png", ".PNG"])
def test_a_picture_comes_back_as_it_was_written(tmp_path, ending):
    pictures.write(tmp_path / f"a{ending}", PICTURE)
    assert np.array_equal(pictures.read(tmp_path / f"a{ending}"), PICTURE)
    assert [path.name for path in tmp_path.iterdir()] == [f"a{ending}"]


@pytest.mark.parametrize("ending", [".jpg", ".jpeg"])
def test_a_jpeg_is_near_what_was_written(tmp_path, ending):
    pictures.write(tmp_path / f"a{ending}", PICTURE)
    assert (tmp_path / f"a{ending}").read_bytes()[:2] == b"\xff\xd8"
    assert np.abs(pictures.read(tmp_path / f"a{ending}").astype(int) - PICTURE).mean() < 6


def test_colours_are_rgb(tmp_path):
    pictures.write(tmp_path / "red.png", np.full((4, 4, 3), (255, 0, 0), np.uint8))
    assert cv2.imread(str(tmp_path / "red.png"))[0, 0].tolist() == [0, 0, 255]
    assert pictures.read(tmp_path / "red.png")[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize(
    "stored",
    [
        np.full((4, 4), 200, np.uint8),
        np.full((4, 4, 4), 200, np.uint8),
        np.full((4, 4), 200 * 257, np.uint16),
        np.full((4, 4, 3), 200 * 257, np.uint16),
    ],
    ids=["grey", "alpha", "16 bit grey", "16 bit"],
)
def test_other_channels_and_depths_are_read_as_rgb(tmp_path, stored):
    cv2.imwrite(str(tmp_path / "a.png"), stored)
    picture = pictures.read(tmp_path / "a.png")
    assert picture.dtype == np.uint8 and picture.shape == (4, 4, 3)
    assert np.array_equal(picture, np.full((4, 4, 3), 200))


@pytest.mark.parametrize("ending", [".bmp", ".webp"])
def test_other_formats_are_read(tmp_path, ending):
    cv2.imwrite(str(tmp_path / f"a{ending}"), PICTURE[..., ::-1], [cv2.IMWRITE_WEBP_QUALITY, 101])
    assert np.array_equal(pictures.read(tmp_path / f"a{ending}"), PICTURE)


def test_a_photo_that_lies_on_its_side_is_turned_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter, as cameras note it
    Image.fromarray(np.ascontiguousarray(np.rot90(PICTURE))).save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(pictures.read(tmp_path / "a.png"), PICTURE)


# --- what cannot be read --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content", [b"", b"not an image", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"GIF89a"]
)
def test_a_file_that_is_no_image_is_named(tmp_path, content):
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"expected an image, got a file that cannot be decoded .*a\.png"):
        pictures.read(path)


@pytest.mark.parametrize("ending", [".png", ".jpg", ".bmp", ".webp"])
def test_a_damaged_file_is_read_or_named(tmp_path, ending):
    """Cut off and overwritten anywhere: no other error comes out."""
    path, rng = tmp_path / f"a{ending}", random.Random(0)
    cv2.imwrite(str(path), PICTURE)
    whole = path.read_bytes()
    for _ in range(60):
        damaged = bytearray(whole)
        for _ in range(rng.randrange(1, 8)):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        path.write_bytes(damaged[: rng.randrange(len(damaged)) if rng.random() < 0.3 else None])
        try:
            assert pictures.read(path).ndim == 3
        except UserError as error:
            assert str(path) in str(error) and "\n" not in str(error)


@pytest.mark.parametrize("width, height", [(50_000, 50_000), (9_000, 9_000), (2**31 - 1, 1), (0, 5)])
def test_a_small_file_that_claims_to_hold_a_huge_picture(tmp_path, width, height):
    path = tmp_path / "a.png"
    path.write_bytes(made.claimed_png(width, height))
    assert path.stat().st_size < 200
    with pytest.raises(UserError, match="expected an image"):
        pictures.read(path)


def test_a_file_that_is_missing_is_named_by_the_system(tmp_path):
    with pytest.raises(FileNotFoundError) as raised:
        pictures.read(tmp_path / "a.png")
    assert raised.value.filename == str(tmp_path / "a.png")


# --- what is ours ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", [".png", ".jpg"])
@pytest.mark.parametrize("xmp", [b"", b"<x:xmpmeta/>"], ids=["plain", "with XMP"])
def test_a_picture_of_ours_is_known_and_replaced(tmp_path, ending, xmp):
    path = tmp_path / f"a{ending}"
    pictures.write(path, PICTURE, xmp)
    assert pictures.is_ours(path) and xmp in path.read_bytes()
    pictures.write(path, made.noise(8, 8), xmp)
    assert pictures.read(path).shape == (8, 8, 3)


@pytest.mark.parametrize("ending", [".png", ".jpg"])
def test_a_picture_of_another_is_not_replaced(tmp_path, ending):
    path = tmp_path / f"a{ending}"
    cv2.imwrite(str(path), PICTURE)
    before = path.read_bytes()
    assert not pictures.is_ours(path)
    with pytest.raises(UserError, match="expected a new file, or an older one of this kind to replace"):
        pictures.write(path, made.noise(8, 8))
    assert path.read_bytes() == before


def test_text_that_speaks_of_us_is_not_ours(tmp_path):
    (tmp_path / "a.png").write_text("made by face2face")
    assert not pictures.is_ours(tmp_path / "a.png")
    assert not pictures.is_ours(tmp_path / "nowhere.png")
    assert not pictures.is_ours(tmp_path)


def test_a_picture_that_no_file_can_hold_is_refused(tmp_path):
    huge = np.broadcast_to(np.uint8(0), (1, pictures.MAX_SIDE + 1, 3))
    with pytest.raises(UserError, match="expected a picture of at most 32768 pixels a side"):
        pictures.write(tmp_path / "a.png", huge)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_size_by_the_header_is_that_of_the_picture(tmp_path, orientation):
    picture = Image.new("RGB", (64, 32))
    picture.getexif()[ExifTags.Base.Orientation] = orientation
    picture.save(tmp_path / "1.jpg", exif=picture.getexif())
    assert pictures.size(tmp_path / "1.jpg") == pictures.read(tmp_path / "1.jpg").shape[1::-1]
