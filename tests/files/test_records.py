"""The one reader of JSON files."""

import msgspec
import pytest

from face2face import records
from face2face.cli import UserError


class Kind(msgspec.Struct):
    name: str
    points: records.Points | None = None


@pytest.mark.parametrize("indent", [0, 2])
def test_what_is_written_is_read(tmp_path, indent):
    record = Kind("a", [(float(i), -0.5) for i in range(68)])
    text = records.encode(record, indent)
    assert text.endswith("\n") and (text.count("\n") == 1) == (indent == 0)
    (tmp_path / "a.json").write_text(text)
    assert records.read(tmp_path / "a.json", Kind, "a record") == record


@pytest.mark.parametrize(
    "content, reason",
    [
        (b"", "truncated"),
        (b"{", "truncated"),
        (b"\xff\xfe\0", "malformed"),
        (b"[]", "Expected `object`, got `array`"),
        (b"null", "got `null`"),
        (b"{}", "missing required field `name`"),
        (b'{"name": 1}', "Expected `str`, got `int`"),
        (b'{"name": "\xff"}', ""),
        (b'{"name": "a", "points": [[NaN, 1]]}', "malformed"),
        (b'{"name": "a", "points": [[1, 1]]}', "length >= 68"),
        (b'{"name": "a", "points": [' + b"[1e999, 0]," * 67 + b"[0, 0]]}", "out of range"),
        (b'{"name": "a", "points": [' + b"[1e6, 0]," * 67 + b"[0, 0]]}", "<= 100000.0"),
        (b'{"name": "a"} {}', "trailing"),
        (b"[" * 1_000_000, ""),
        (b'{"name": "a", "x": ' + b"[" * 1_000_000, ""),
        (b'{"name": "a", "x": ' + b"1" * 1_000_000 + b"}", None),
    ],
)
def test_each_fault_is_one_clear_line(content, reason, tmp_path):
    """Fields that nobody knows may hold anything that is JSON."""
    path = tmp_path / "a.json"
    path.write_bytes(content)
    if reason is None:
        assert records.read(path, Kind, "a record").name == "a"
        return
    with pytest.raises(UserError, match=r"expected a record, got .*a\.json \(") as raised:
        records.read(path, Kind, "a record")
    message = str(raised.value)
    assert reason in message and "\n" not in message and len(message) < len(str(path)) + 200


def test_text_of_a_graph_is_read_alike():
    assert records.decode('{"name": "a"}', Kind, "a record", "a graph").name == "a"
    with pytest.raises(UserError, match="expected a record, got a graph"):
        records.decode('{"name": "\ud800"}', Kind, "a record", "a graph")


def test_a_file_that_is_too_large_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "MAX_BYTES", 10)
    (tmp_path / "a.json").write_text('{"name": "abc"}')
    with pytest.raises(UserError, match="expected a record, got a file of over"):
        records.read(tmp_path / "a.json", Kind, "a record")
