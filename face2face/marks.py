"""What tells people and machines that a picture is synthetic: metadata, and a label on the picture itself."""

import datetime
import struct
import zlib

import cv2
import numpy as np

from face2face import lettering

TOOL = "face2face"

SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
"""IPTC's name for what a trained network made: what image banks, newsrooms and social networks look for."""

LABEL = "AI-generated"

_XMP_IN_MP4 = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")  # the kind of `uuid` box that holds XMP
_XMP_IN_JPEG = b"http://ns.adobe.com/xap/1.0/\0"
_XMP_IN_PNG = b"XML:com.adobe.xmp"
_PNG_HEADER = 8 + 25  # the signature and the chunk IHDR, which have to come first


def now() -> str:
    """The date of what is made now, ISO 8601, to the second, with its zone."""
    return datetime.datetime.now().astimezone().isoformat(timespec="seconds")


def comment(date: str) -> str:
    """The mark in one line, for formats that have room for no more."""
    return f"{LABEL}: a face painted by a neural network ({TOOL}, {date}, {SOURCE_TYPE})"


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
    encoded = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))[1].tobytes()
    chunk = b"iTXt" + _XMP_IN_PNG + b"\0" * 5 + xmp(date)  # not compressed, no language
    chunk = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return encoded[:_PNG_HEADER] + chunk + encoded[_PNG_HEADER:]


def jpeg(picture: np.ndarray, date: str, quality: int) -> bytes:
    """A marked JPEG file of uint8 (H, W, 3), RGB. quality: 1 to 100."""
    bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    encoded = cv2.imencode(".jpg", bgr, (cv2.IMWRITE_JPEG_QUALITY, quality))[1].tobytes()
    segment = _XMP_IN_JPEG + xmp(date)
    return encoded[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + encoded[2:]


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
    lettering.write(picture, [LABEL], max(9.0, picture.shape[0] / 20), foot=True)
    return picture
