"""Metadata that tells programs that a picture or video is synthetic: made by a model, by which tool, when."""

import datetime

from face2face import pictures

TOOL = pictures.SOFTWARE

SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
"""IPTC's term for media made by a trained model; image banks, newsrooms and social networks look for it."""

LABEL = "AI-generated"

_COMMENT = f"{LABEL}: a face painted by a neural network ({TOOL}, "  # the start of each comment


def now() -> str:
    """The present time in ISO 8601, to the second, with its zone."""
    return datetime.datetime.now().astimezone().isoformat(timespec="seconds")


def comment(date: str | None) -> str:
    """The provenance in one line of ASCII, for formats that have a comment only; date as in `xmp`."""
    return f"{_COMMENT}{f'{date}, ' if date else ''}{SOURCE_TYPE})"


def is_comment(text: str) -> bool:
    """Whether a comment is that of a file which this project made."""
    return text.startswith(_COMMENT)


def xmp(date: str | None) -> bytes:
    """The provenance as an XMP packet, UTF-8.

    Args:
        date: When the picture was made, ISO 8601; None: it is not told, so that the same picture is the same
            file.
    """
    created = f"\n   <xmp:CreateDate>{date}</xmp:CreateDate>" if date else ""
    return f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">
   <Iptc4xmpExt:DigitalSourceType>{SOURCE_TYPE}</Iptc4xmpExt:DigitalSourceType>
   <Iptc4xmpExt:AISystemUsed>{TOOL}</Iptc4xmpExt:AISystemUsed>
   <xmp:CreatorTool>{TOOL}</xmp:CreatorTool>{created}
   <dc:description><rdf:Alt><rdf:li xml:lang="x-default">{comment(date)}</rdf:li></rdf:Alt></dc:description>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>""".encode()
