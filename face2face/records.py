"""Reads and writes JSON files, for the whole project: a schema of msgspec types, one error for every fault.

JSON may come from other people's folders and graphs. A record that is returned has the types, sizes and
ranges of its schema, and all its numbers are finite.
"""

from pathlib import Path
from typing import Annotated, TypeVar

import msgspec

from face2face import cli

MAX_BYTES = 2**28
"""Maximum size of a file that is read: the sidecar of a hundred thousand pictures is smaller."""

Coordinate = Annotated[float, msgspec.Meta(ge=-1e5, le=1e5)]
"""A coordinate of a landmark, in pixels. No picture is as large as these bounds."""

Point = tuple[Coordinate, Coordinate]
"""A landmark, [x, y], in pixels."""

Points = Annotated[list[Point], msgspec.Meta(min_length=68, max_length=68)]
"""The 68 landmarks of a face, [x, y] each, in pixels."""

T = TypeVar("T")


def read(path: Path, kind: type[T], what: str) -> T:
    """Read a JSON file as a record.

    Args:
        path: Of the file.
        kind: The schema: a msgspec Struct, a dataclass, or any type that msgspec checks.
        what: What the file should be, for the error: "what --calibration wrote".

    Returns:
        The record, an instance of `kind`.

    Raises:
        UserError: If the file is too large, damaged, or does not fit the schema.
        OSError: If the system refuses.
    """
    if path.stat().st_size > MAX_BYTES:
        raise cli.UserError(f"expected {what}, got a file of over {MAX_BYTES >> 20} MB: {path}")
    return decode(path.read_bytes(), kind, what, str(path))


def decode(data: bytes | str, kind: type[T], what: str, where: str) -> T:
    """Decode JSON text as a record.

    Args:
        data: JSON text, in UTF-8 if bytes.
        kind: The schema, as for `read`.
        what: What the text should be, for the error.
        where: Where the text comes from, for the error.

    Raises:
        UserError: If the text is damaged, or does not fit the schema.
    """
    try:
        if isinstance(data, str):
            data = data.encode()
        return msgspec.json.decode(data, type=kind)
    except (ValueError, RecursionError) as error:  # of msgspec, or of text that is not UTF-8
        raise cli.UserError(f"expected {what}, got {where} ({cli.shown(str(error))})") from None


def encode(record: object, indent: int = 2) -> str:
    """Encode a record as JSON text that ends with a newline.

    Args:
        indent: Spaces per level; 0 for one line.
    """
    data = msgspec.json.encode(record)
    return (msgspec.json.format(data, indent=indent) if indent else data).decode() + "\n"
