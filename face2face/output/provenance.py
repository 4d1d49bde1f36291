"""Provenance: metadata and a visible label that tell machines and people that a picture is synthetic."""

import datetime

import numpy as np

from face2face import pictures
from face2face.output import overlay_text

TOOL = pictures.SOFTWARE

SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
"""IPTC's term for media made by a trained model; image banks, newsrooms and social networks look for it."""

LABEL = "AI-generated"

_COMMENT = f"{LABEL}: a face painted by a neural network ({TOOL}, "  # the start of each comment


def now() -> str:
    """Return the present time in ISO 8601, to the second, with its zone."""
    return datetime.datetime.now().astimezone().isoformat(timespec="seconds")


def comment(date: str) -> str:
    """Return the provenance in one line of ASCII, for formats that have a comment only."""
    return f"{_COMMENT}{date}, {SOURCE_TYPE})"


def is_comment(text: str) -> bool:
    """Return whether a comment is that of a file which this project made."""
    return text.startswith(_COMMENT)


def video_tags(date: str) -> dict[str, str]:
    """Return the metadata of a video file of an ISO 8601 date.

    FFmpeg writes the comment into MP4, MOV, Matroska and WebM, where FFmpeg and exiftool read it. It writes
    the source type into Matroska and WebM only; the comment holds it, too.
    """
    return {"comment": comment(date), "date": date, "digital_source_type": SOURCE_TYPE}


def xmp(date: str) -> bytes:
    """Return the provenance as an XMP packet, UTF-8, of an ISO 8601 date."""
    return f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">
   <Iptc4xmpExt:DigitalSourceType>{SOURCE_TYPE}</Iptc4xmpExt:DigitalSourceType>
   <Iptc4xmpExt:AISystemUsed>{TOOL}</Iptc4xmpExt:AISystemUsed>
   <xmp:CreatorTool>{TOOL}</xmp:CreatorTool>
   <xmp:CreateDate>{date}</xmp:CreateDate>
   <dc:description><rdf:Alt><rdf:li xml:lang="x-default">{comment(date)}</rdf:li></rdf:Alt></dc:description>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>""".encode()


def png(picture: np.ndarray, date: str) -> bytes:
    """Encode uint8 (H, W, 3), RGB, as a PNG file with provenance of an ISO 8601 date."""
    return pictures.encode(picture, ".png", xmp=xmp(date))


def jpeg(picture: np.ndarray, date: str, quality: int) -> bytes:
    """Encode uint8 (H, W, 3), RGB, as a JPEG file of a quality of 1 to 100, with provenance."""
    return pictures.encode(picture, ".jpg", quality, xmp(date))


def gif_block(date: str) -> bytes:
    """Return the comment as a comment extension of a GIF file."""
    text = comment(date).encode("ascii")
    assert len(text) < 256  # one sub-block
    return b"\x21\xfe" + bytes([len(text)]) + text + b"\0"


def label(picture: np.ndarray) -> np.ndarray:
    """Return a copy of uint8 (H, W, 3) with 'AI-generated' in its lower left corner."""
    picture = picture.copy()
    overlay_text.write(picture, [LABEL], max(9.0, picture.shape[0] / 20), at_bottom=True)
    return picture
