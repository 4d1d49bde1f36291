"""The one reader and writer of JSON files: a schema of msgspec types, and one clear error for every fault.

JSON comes from other people's folders and graphs. What passes here has the types, the sizes and the ranges
that its schema names, and every number in it is finite.
"""

from pathlib import Path
from typing import Annotated, TypeVar

import msgspec

from face2face import cli

MAX_BYTES = 2**28
"""Size of a file that is read: the sidecar of a hundred thousand pictures is smaller."""

Coordinate = Annotated[float, msgspec.Meta(ge=-1e5, le=1e5)]
"""Of a point, in pixels. No picture is that large; what lies further away is no face."""

Points = Annotated[list[tuple[Coordinate, Coordinate]], msgspec.Meta(min_length=68, max_length=68)]
"""A face's 68 landmarks, [x, y] each."""

T = TypeVar("T")


def read(path: Path, kind: type[T], what: str) -> T:
    """Read a JSON file as a record.

    Args:
        kind: the schema: a msgspec Struct, a dataclass, or any type that msgspec checks.
        what: what the file should be, for the error: "what --calibration wrote".
    Raises:
        UserError: if the file is too large, damaged, or does not fit the schema.
    """
    if path.stat().st_size > MAX_BYTES:
        raise cli.UserError(f"expected {what}, got a file of over {MAX_BYTES >> 20} MB: {path}")
    return decode(path.read_bytes(), kind, what, str(path))


def decode(data: bytes | str, kind: type[T], what: str, where: str) -> T:
    """The same of JSON text that comes from `where`. Raises: UserError."""
    try:
        if isinstance(data, str):
            data = data.encode()
        return msgspec.json.decode(data, type=kind)
    except (ValueError, RecursionError) as error:  # of msgspec, and of text that is not UTF-8
        raise cli.UserError(f"expected {what}, got {where} ({cli.shown(str(error))})") from None


def encode(record: object, indent: int = 2) -> str:
    """A record as JSON text that ends with a new line. indent: spaces; 0 for one line."""
    data = msgspec.json.encode(record)
    return (msgspec.json.format(data, indent=indent) if indent else data).decode() + "\n"
