"""Reads and writes picture files, for the whole project. Pictures are uint8 (H, W, 3), RGB."""

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
from PIL import ExifTags, Image, ImageOps

from face2face import files
from face2face.cli import UserError, shown

SOFTWARE = "face2face"
"""The maker that each written picture names: a later run replaces only pictures that name it."""

MAX_PIXELS = 2**26
"""Maximum size of a picture that is read: the header of a small file can claim a huge picture."""

MAX_SIDE = 2**15
"""Maximum side of a picture that is written, in pixels."""

JPEG_QUALITY = 95

_FORMATS = ("PNG", "JPEG", "BMP", "WEBP")
_HEAD_BYTES = 4096  # read from a file to find the maker's name, which stands before the pixel data
_PNG_HEADER = 8 + 25  # the signature and the chunk IHDR, which have to come first
_PROVENANCE = (
    b"Software\0" + SOFTWARE.encode(),
    b"CreatorTool>" + SOFTWARE.encode(),
    b"made by " + SOFTWARE.encode(),
)
_DAMAGE = (
    OSError,
    ValueError,
    SyntaxError,
    TypeError,
    KeyError,
    IndexError,
    EOFError,
    OverflowError,
    MemoryError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)
"""The exceptions that Pillow's decoders raise on damaged files."""


def read(path: Path) -> np.ndarray:
    """Read a picture of any channels and depth; its EXIF orientation is applied and alpha is dropped.

    Returns:
        uint8 (H, W, 3), RGB.

    Raises:
        UserError: If its header claims more than `MAX_PIXELS`, or it cannot be decoded.
        OSError: If the system refuses.
    """
    if path.exists() and not path.is_file():  # reading a pipe would wait for its writer
        raise UserError(f"expected an image, got a folder, a device or a pipe: {path}")
    try:
        with Image.open(path, formats=_FORMATS) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                size = f"{picture.width}x{picture.height}"
                raise UserError(f"expected an image of at most {MAX_PIXELS:,} pixels, got {size}: {path}")
            return _as_rgb(picture)
    except _DAMAGE as error:
        if isinstance(error, OSError) and error.errno:  # no permission, no such file: the system's own words
            raise
        raise UserError(
            f"expected an image, got a file that cannot be decoded ({shown(str(error))}): {path}"
        ) from None


def size(path: Path) -> tuple[int, int]:
    """Width and height of a picture that can be read, by its header, as `read` returns it."""
    with Image.open(path, formats=_FORMATS) as picture:
        is_turned = picture.getexif().get(ExifTags.Base.Orientation, 1) >= 5
        return picture.size[::-1] if is_turned else picture.size


def _as_rgb(picture: Image.Image) -> np.ndarray:
    if picture.getexif().get(ExifTags.Base.Orientation, 1) != 1:
        picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith("I"):  # 16-bit greyscale
        grey = np.asarray(picture).astype(np.uint32) >> 8
        return np.repeat(np.minimum(grey, 255).astype(np.uint8)[..., None], 3, axis=-1)
    return np.array(picture if picture.mode == "RGB" else picture.convert("RGB"))


def encode(picture: np.ndarray, ending: str, quality: int = JPEG_QUALITY, xmp: bytes = b"") -> bytes:
    """Encode a picture as a file's bytes that name this project as the maker.

    OpenCV encodes it: it takes a third of Pillow's time, which matters where each frame is recorded. It
    writes no metadata, so that is inserted afterwards.

    Args:
        picture: uint8 (H, W, 3), RGB, or (H, W), greyscale.
        ending: The format: ".png", ".jpg" or ".jpeg".
        quality: JPEG quality, 1 to 100.
        xmp: An XMP packet to embed.

    Raises:
        UserError: If a side is above `MAX_SIDE`.
    """
    if max(picture.shape[:2]) > MAX_SIDE:
        size = f"{picture.shape[1]}x{picture.shape[0]}"
        raise UserError(f"expected a picture of at most {MAX_SIDE} pixels a side to write, got {size}")
    bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR) if picture.ndim == 3 else picture
    if ending.lower() == ".png":
        encoded = cv2.imencode(".png", bgr)[1].tobytes()
        provenance = _png_chunk(b"tEXt", b"Software\0" + SOFTWARE.encode())
        if xmp:
            # The zeros: not compressed, no language.
            provenance += _png_chunk(b"iTXt", b"XML:com.adobe.xmp" + b"\0" * 5 + xmp)
        return encoded[:_PNG_HEADER] + provenance + encoded[_PNG_HEADER:]
    encoded = cv2.imencode(".jpg", bgr, (cv2.IMWRITE_JPEG_QUALITY, quality))[1].tobytes()
    provenance = _jpeg_segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp) if xmp else b""
    provenance += _jpeg_segment(0xFE, b"made by " + SOFTWARE.encode())
    return encoded[:2] + provenance + encoded[2:]


def _png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _jpeg_segment(marker: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def is_ours(path: Path) -> bool:
    """Whether a file is a picture that this project wrote."""
    if not path.is_file():  # reading a pipe would wait for its writer
        return False
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError:
        return False
    return head[:2] in (b"\x89P", b"\xff\xd8") and any(mark in head for mark in _PROVENANCE)


def write(path: Path, picture: np.ndarray, xmp: bytes = b"", replaceable: files.IsOurs = is_ours) -> None:
    """Write a picture; the file appears only when it is complete.

    Args:
        path: Ends in .png, .jpg or .jpeg.
        picture: uint8 (H, W, 3), RGB, or (H, W), greyscale.
        xmp: An XMP packet to embed.
        replaceable: Which existing files may be replaced.

    Raises:
        UserError: If `path` holds a file that may not be replaced, or the picture is too large.
        OSError: If it cannot be written.
    """
    files.write_bytes(path, encode(picture, path.suffix, xmp=xmp), replaceable)
