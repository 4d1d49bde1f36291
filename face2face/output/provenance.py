"""What tells people and machines that a picture is synthetic: metadata, and a label on the picture itself."""

import datetime
import struct

import numpy as np

from face2face import pictures
from face2face.output import overlay_text

TOOL = "face2face"

SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
"""IPTC's name for what a trained network made: what image banks, newsrooms and social networks look for."""

LABEL = "AI-generated"

_XMP_IN_MP4 = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")  # the kind of `uuid` box that holds XMP


_COMMENT = f"{LABEL}: a face painted by a neural network ({TOOL}, "  # how each of our comments begins


def now() -> str:
    """The date of what is made now, ISO 8601, to the second, with its zone."""
    return datetime.datetime.now().astimezone().isoformat(timespec="seconds")


def comment(date: str) -> str:
    """The mark in one line, for formats that have room for no more."""
    return f"{_COMMENT}{date}, {SOURCE_TYPE})"


def is_comment(text: str) -> bool:
    """Whether a file's comment is the mark: this project made the file."""
    return text.startswith(_COMMENT)


def xmp(date: str) -> bytes:
    """The mark as an XMP packet, UTF-8."""
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
    """A marked PNG file of uint8 (H, W, 3), RGB."""
    return pictures.encode(picture, ".png", xmp=xmp(date))


def jpeg(picture: np.ndarray, date: str, quality: int) -> bytes:
    """A marked JPEG file of uint8 (H, W, 3), RGB. quality: 1 to 100."""
    return pictures.encode(picture, ".jpg", quality, xmp(date))


def mp4_box(date: str) -> bytes:
    """The mark as a box of an MP4 file's top level."""
    content = _XMP_IN_MP4 + xmp(date)
    return struct.pack(">I4s", 8 + len(content), b"uuid") + content


def gif_block(date: str) -> bytes:
    """The mark as a comment of a GIF file."""
    text = comment(date).encode("ascii")
    assert len(text) < 256  # one sub-block
    return b"\x21\xfe" + bytes([len(text)]) + text + b"\0"


def label(picture: np.ndarray) -> np.ndarray:
    """The picture with 'AI-generated' in its lower left corner, for people; uint8 (H, W, 3)."""
    picture = picture.copy()
    overlay_text.write(picture, [LABEL], max(9.0, picture.shape[0] / 20), foot=True)
    return picture
