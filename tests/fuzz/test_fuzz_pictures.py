"""Pictures: of folders, and of a browser's camera."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import strategies as st

from face2face import pictures
from face2face.cli import UserError
from face2face.sources.browser import BrowserSource
from face2face.sources.open import open_source
from tests.fuzz import harness, mutations
from tests.fuzz.harness import Reader
from tests.fuzz.valid import picture_files

_SIGNATURE = b"\x89PNG\r\n\x1a\n"

_chunk_change = st.tuples(
    st.sampled_from(("size", "size", "header", "content", "drop", "double", "swap", "kind")),
    mutations.NUMBERS,
    mutations.NUMBERS,
    st.binary(max_size=12),
)


def pictures_like(valid: list[bytes]) -> st.SearchStrategy[bytes]:
    pngs = [file for file in valid if file.startswith(_SIGNATURE)]
    changed = mutations.bytes_like(valid)
    if not pngs:
        return changed
    chunks = st.builds(changed_png, st.sampled_from(pngs), st.lists(_chunk_change, min_size=1, max_size=3))
    return st.one_of(changed, changed, chunks)


def changed_png(data: bytes, changes: list[tuple]) -> bytes:
    """A PNG whose chunks are others, each with its right check sum: decoders look further into it."""
    chunks, at = [], len(_SIGNATURE)
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        chunks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    for kind, where, amount, piece in changes:
        i = where % len(chunks) if chunks else 0
        if not chunks:
            break
        name, content = chunks[i]
        if kind == "size":
            sides = [1, 16, 257, 2**13, 2**16, 2**26, 2**31 - 1, 0, 2**32 - 1]
            size = struct.pack(">II", sides[where % 9], sides[amount % 9])
            chunks[0] = (b"IHDR", size + chunks[0][1][8:])
        elif kind == "header" and len(chunks[0][1]) == 13:
            head = bytearray(chunks[0][1])
            head[8 + where % 5] = (0, 1, 2, 3, 4, 6, 8, 16, 255)[amount % 9]
            chunks[0] = (b"IHDR", bytes(head))
        elif kind == "content":
            change = [(("flip", "set", "cut", "drop", "insert")[amount % 5], where * 2, amount, piece)]
            chunks[i] = (name, mutations.changed_bytes(content, data, change))
        elif kind == "drop":
            del chunks[i]
        elif kind == "double":
            chunks.insert(i, chunks[i])
        elif kind == "swap":
            other = amount % len(chunks)
            chunks[i], chunks[other] = chunks[other], chunks[i]
        elif kind == "kind":
            names = (b"PLTE", b"tRNS", b"IDAT", b"IEND", b"iCCP", b"eXIf", b"zTXt", b"iTXt", b"acTL", b"fdAT")
            chunks[i] = (names[amount % len(names)], content)
    written = [
        struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        for name, content in chunks
    ]
    return _SIGNATURE + b"".join(written)


def jpegs() -> list[bytes]:
    return [file for file in picture_files() if file.startswith(b"\xff\xd8")]


# --- what reads them --------------------------------------------------------------------------------------


def read_picture(folder: Path) -> None:
    pictures.is_ours(folder / "input")
    picture = pictures.read(folder / "input")
    assert picture.dtype == np.uint8 and picture.ndim == 3 and picture.shape[2] == 3


def place_pictures(folder: Path, data: object) -> list[str]:
    for i, content in enumerate(data):
        (folder / f"{i}{('.png', '.jpg', '.webp', '.BMP')[i % 4]}").write_bytes(content)
    return []


def read_folder(folder: Path) -> None:
    with open_source(str(folder)) as source:
        for frame in source.frames():
            assert frame.picture.dtype == np.uint8 and frame.picture.ndim == 3


def put(folder: Path) -> None:
    """As a browser sends it."""
    source = BrowserSource()
    refused = source.put((folder / "input").read_bytes(), "page")
    if refused:
        raise UserError(refused)
    assert next(source.frames()).picture.dtype == np.uint8


READERS = [
    Reader("picture", read_picture, lambda: pictures_like(picture_files()), picture_files, 2000),
    Reader(
        "folder of pictures",
        read_folder,
        lambda: st.lists(pictures_like(picture_files()), max_size=3),
        lambda: [picture_files()[:4]],
        300,
        place_pictures,
    ),
    Reader("picture of a browser", put, lambda: pictures_like(jpegs()), lambda: jpegs()[:2], 700),
]


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
def test_a_picture_is_read_or_refused_in_one_line(reader, process):
    harness.fuzz(reader, process)
