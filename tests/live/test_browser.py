"""A browser's camera as the source: what it takes, and that no file makes it take more."""

import struct
import time

import cv2
import numpy as np
import pytest

from face2face.sources.browser import MAX_PIXELS, BrowserSource, decode
from tests import made

PICTURE = made.noise(64, 128)


def jpeg(picture: np.ndarray, *options: int) -> bytes:
    return cv2.imencode(".jpg", picture, options)[1].tobytes()


def frame_header(data: bytes) -> tuple[bytes, bytes, bytes]:
    """A JPEG file in three: what stands before its frame's header, the header, what stands after it."""
    at = min(data.index(marker) for marker in (b"\xff\xc0", b"\xff\xc2") if marker in data)
    end = at + 2 + struct.unpack(">H", data[at + 2 : at + 4])[0]
    return data[:at], data[at:end], data[end:]


def claiming(data: bytes, width: int, height: int) -> bytes:
    """The file with another size in its header."""
    before, header, after = frame_header(data)
    return before + header[:5] + struct.pack(">HH", height, width) + header[9:] + after


def test_a_browsers_pictures_are_the_source():
    source = BrowserSource()
    frames = source.frames()
    assert source.state.startswith("waiting for a browser's camera")
    for blue in (40, 220):
        assert source.put(jpeg(np.full((48, 64, 3), (blue, 90, 10), np.uint8)), "1") == ""
        frame = next(frames)
        assert frame.picture.shape == (48, 64, 3) and frame.picture.dtype == np.uint8
        assert np.abs(frame.picture.astype(int) - (blue, 90, 10)).max() < 5
    assert source.state == "" and frame.number == 1
    source.stop()
    assert next(frames, None) is None


def test_a_frame_was_captured_when_its_picture_came():
    source = BrowserSource()
    before = time.perf_counter()
    source.put(jpeg(PICTURE), "1")
    came = time.perf_counter()
    assert before <= next(source.frames()).captured <= came


def test_one_page_at_a_time_is_the_camera():
    source, picture = BrowserSource(), jpeg(PICTURE)
    assert source.put(b"no picture", "0") != ""  # which does not make a page the camera
    assert source.put(picture, "1") == ""
    assert source.put(picture, "2") == "another page is the camera"
    assert source.put(picture, "1") == ""


SMOOTH = cv2.resize(PICTURE, (512, 256))  # colours are spread over pixels in more than one way


@pytest.mark.parametrize("picture", [SMOOTH, SMOOTH[:, :, 0], SMOOTH[:1, :1], SMOOTH[:147, :293]])
@pytest.mark.parametrize("sampling", [0x111111, 0x211111, 0x221111])
def test_it_decodes_what_opencv_decodes(picture, sampling):
    data = jpeg(picture, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling)
    expected = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    decoded = decode(data)
    assert decoded.shape == expected.shape
    assert np.abs(decoded.astype(int) - expected).mean() < 3


def test_the_largest_picture_and_one_that_is_larger():
    side = round(MAX_PIXELS**0.5)
    assert decode(jpeg(np.zeros((side, side, 3), np.uint8))).shape == (side, side, 3)
    with pytest.raises(ValueError, match=f"expected a JPEG of at most {MAX_PIXELS} pixels"):
        decode(jpeg(np.zeros((side + 1, side, 3), np.uint8)))


SMALL = jpeg(np.zeros((100, 100, 3), np.uint8))
HUGE = claiming(SMALL, 30_000, 30_000)
BEFORE, HEADER, AFTER = frame_header(SMALL)
HUGE_HEADER = frame_header(HUGE)[1]


@pytest.mark.parametrize(
    "data",
    [
        HUGE,
        claiming(SMALL, 65_535, 65_535),
        claiming(SMALL, 65_535, 1_000),
        BEFORE + b"\xff\xff\xff\xff" + HUGE_HEADER + AFTER,  # fill bytes
        BEFORE + b"\xff\xff\xff\xfe\0\x06abcd" + HUGE_HEADER + AFTER,
        BEFORE
        + b"\xff\xfe\0"
        + bytes([len(HEADER) + 2])
        + HEADER
        + HUGE_HEADER
        + AFTER,  # the small size stands in a comment
        BEFORE + b"\0\x01" + HUGE_HEADER + AFTER,
        BEFORE + b"\xff\xd0" + HUGE_HEADER + AFTER,
        BEFORE + HEADER + HUGE_HEADER + AFTER,
        BEFORE + HUGE_HEADER + HEADER + AFTER,
    ],
)
def test_a_small_file_that_holds_a_huge_picture_takes_no_memory(data):
    resource = pytest.importorskip("resource")  # of Unix
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ValueError, match="expected a JPEG"):
        decode(data)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # of 2,700,000 kilobytes


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no picture",
        b"\xff\xd8\xff\xe0",
        b"\xff\xd8\xff\xda",
        jpeg(PICTURE)[:200],
        jpeg(PICTURE)[: len(jpeg(PICTURE)) // 2],
        claiming(jpeg(PICTURE), 0, 0),
        cv2.imencode(".png", PICTURE)[1].tobytes(),
        b"GIF89a\xff\xda",
        jpeg(PICTURE) + jpeg(PICTURE),
        jpeg(PICTURE, cv2.IMWRITE_JPEG_PROGRESSIVE, 1),  # many scans, of which each costs the decoder time
    ],
)
def test_what_is_no_picture_is_refused(data):
    assert BrowserSource().put(data, "1").startswith("expected a JPEG")


def test_damaged_pictures_are_refused_or_decoded():
    rng, data = np.random.default_rng(0), np.frombuffer(jpeg(PICTURE), np.uint8)
    refused = 0
    for _ in range(500):
        damaged = data.copy()
        damaged[rng.integers(0, 700, 4)] = rng.integers(0, 256, 4)
        try:
            assert decode(damaged.tobytes()).shape[2] == 3
        except ValueError:
            refused += 1
    assert 100 < refused < 500
