"""What is made says that it is: to machines in the formats' own places, to people on the picture."""

import datetime
import shutil
import struct
import subprocess
import xml.etree.ElementTree as ET
import zlib

import av
import cv2
import numpy as np
import pytest

from face2face.output import provenance, recording
from tests import made

SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
DATE = "2026-01-02T03:04:05+00:00"

PICTURE = made.noise(64, 128)


def said_by(packet: bytes) -> dict[str, str]:
    """The properties of an XMP packet, by their names without the namespace's prefix."""
    root = ET.fromstring(packet.decode("utf-8"))
    return {each.tag.split("}")[1]: "".join(each.itertext()).strip() for each in root.iter()}


def assert_marked(packet: bytes) -> None:
    said = said_by(packet)
    assert said["DigitalSourceType"] == SOURCE_TYPE
    assert said["CreatorTool"] == "face2face"
    datetime.datetime.fromisoformat(said["CreateDate"])
    assert "AI-generated" in said["description"]


def record(path, count: int = 5):
    out = recording.open_recording(path, 25.0)
    for number in range(count):
        out.write(PICTURE, number / 25)
    out.close()


def png_chunks(data: bytes) -> dict[bytes, bytes]:
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, at = {}, 8
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        content = data[at + 8 : at + 8 + length]
        assert struct.unpack(">I", data[at + 8 + length : at + 12 + length])[0] == zlib.crc32(kind + content)
        chunks[kind] = content
        at += 12 + length
    return chunks


def test_pngs_of_a_folder(tmp_path):
    record(tmp_path / "out")
    chunks = png_chunks((tmp_path / "out/5.png").read_bytes())
    keyword, flags, packet = chunks[b"iTXt"].partition(b"\0\0\0\0\0")
    assert keyword == b"XML:com.adobe.xmp" and flags
    assert_marked(packet)
    assert np.array_equal(cv2.imread(str(tmp_path / "out/5.png"))[..., ::-1], PICTURE)


def test_a_jpeg():
    data = provenance.jpeg(PICTURE, DATE, 90)
    assert data[:4] == b"\xff\xd8\xff\xe1"
    (length,) = struct.unpack(">H", data[4:6])
    name, _, packet = data[6 : 4 + length].partition(b"\0")
    assert name == b"http://ns.adobe.com/xap/1.0/"
    assert_marked(packet)
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert np.abs(decoded[..., ::-1].astype(int) - PICTURE).mean() < 5


def test_an_mp4_says_it_once(tmp_path):
    """In the comment alone, which FFmpeg and exiftool read (see the next tests)."""
    record(tmp_path / "out.mp4")
    data, at, boxes = (tmp_path / "out.mp4").read_bytes(), 0, []
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        boxes.append(kind)
        at += length
    assert at == len(data) and {b"ftyp", b"moov", b"moof", b"mdat"} <= set(boxes)
    assert b"uuid" not in boxes and data.count(SOURCE_TYPE.encode()) == 1


@pytest.mark.skipif(not shutil.which("exiftool"), reason="apt-get install libimage-exiftool-perl")
@pytest.mark.parametrize("name", ["out.mp4", "out.mov", "out.mkv", "out.webm", "out.gif"])
def test_another_program_reads_the_comment(tmp_path, name):
    record(tmp_path / name)
    command = ["exiftool", "-s3", "-Comment", tmp_path / name]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said.startswith("AI-generated: ") and SOURCE_TYPE in said


def test_a_mov(tmp_path):
    record(tmp_path / "out.mov")
    with av.open(str(tmp_path / "out.mov"), options={"export_xmp": "1"}) as container:
        assert_marked(container.metadata["xmp"].encode())


@pytest.mark.parametrize("ending", [".mp4", ".mov", ".mkv", ".webm"])
def test_the_metadata_of_a_video(tmp_path, ending):
    record(tmp_path / f"out{ending}")
    with av.open(str(tmp_path / f"out{ending}")) as container:
        said = {key.lower(): value for key, value in container.metadata.items()}
    assert said["comment"].startswith("AI-generated: ") and "face2face" in said["comment"]
    assert SOURCE_TYPE in said["comment"]
    assert datetime.datetime.fromisoformat(said["date"]).date() == datetime.date.today()


def test_a_gif(tmp_path):
    record(tmp_path / "out.gif")
    data = (tmp_path / "out.gif").read_bytes()
    at = data.index(b"\x21\xfe")
    text = data[at + 3 : at + 3 + data[at + 2]]
    assert text.startswith(b"AI-generated: ") and SOURCE_TYPE.encode() in text
    assert data[at + 3 + data[at + 2]] == 0
    with av.open(str(tmp_path / "out.gif")) as container:
        assert len(list(container.decode(video=0))) == 5


@pytest.mark.parametrize("size", [(64, 64), (256, 256), (512, 512)])
def test_a_label_stands_in_the_lower_left_and_nowhere_else(size):
    plain = np.full((*size, 3), 120, np.uint8)
    labelled = provenance.label(plain)
    rows, columns = np.nonzero((labelled != plain).any(axis=-1))
    assert (plain == 120).all()  # the picture itself is not written on
    assert columns.min() == 0 and rows.max() == size[0] - 1
    assert rows.min() > 0.7 * size[0]
    assert labelled.max() > 220 and labelled.min() < 40  # white letters on a dark panel
