"""Provenance of what is shown and recorded: metadata in the formats' own places, and a visible label."""

import numpy as np

from face2face import metadata, pictures
from face2face.output import overlay_text


def video_tags(date: str) -> dict[str, str]:
    """The metadata of a video file of an ISO 8601 date.

    FFmpeg writes the comment into MP4, MOV, Matroska and WebM, where FFmpeg and exiftool read it. It writes
    the source type into Matroska and WebM only; the comment holds it, too.
    """
    return {
        "comment": metadata.comment(date),
        "date": date,
        "digital_source_type": metadata.SOURCE_TYPE,
    }


def png(picture: np.ndarray, date: str) -> bytes:
    """Encode uint8 (H, W, 3), RGB, as a PNG file with provenance of an ISO 8601 date."""
    return pictures.encode(picture, ".png", xmp=metadata.xmp(date))


def jpeg(picture: np.ndarray, date: str, quality: int) -> bytes:
    """Encode uint8 (H, W, 3), RGB, as a JPEG file of a quality of 1 to 100, with provenance."""
    return pictures.encode(picture, ".jpg", quality, metadata.xmp(date))


def gif_block(date: str) -> bytes:
    """The comment as a comment extension of a GIF file."""
    text = metadata.comment(date).encode("ascii")
    assert len(text) < 256  # one sub-block
    return b"\x21\xfe" + bytes([len(text)]) + text + b"\0"


def label(picture: np.ndarray) -> np.ndarray:
    """A copy of uint8 (H, W, 3) with 'AI-generated' in its lower left corner."""
    picture = picture.copy()
    overlay_text.write(picture, [metadata.LABEL], max(9.0, picture.shape[0] / 20), at_bottom=True)
    return picture
