"""Protobuf's wire format for fuzzing: messages as lists of fields, changed and written."""

from collections.abc import Sequence

from hypothesis import strategies as st

from tests.fuzz.mutations import EXTREMES, NUMBERS, bytes_like

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_KINDS = (VARINT, FIXED64, BYTES, 3, 4, FIXED32, 6, 7)
_CHANGES = ("value", "value", "drop", "double", "number", "kind", "wrap", "swap", "take", "text", "length")
_DEEPEST = 12

Field = tuple[int, int, object]
"""Number, wire type, and a whole number or bytes."""

_change = st.tuples(st.sampled_from(_CHANGES), NUMBERS, NUMBERS, st.binary(max_size=20))


def varint(value: int) -> bytes:
    value %= 2**64
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def message(*fields: Field) -> bytes:
    return b"".join(_written(field) for field in fields)


def _written(field: Field) -> bytes:
    number, kind, value = field
    head = varint(number << 3 | kind)
    if kind == BYTES:
        value = value.encode() if isinstance(value, str) else value
        return head + varint(len(value)) + value
    return head + (varint(value) if isinstance(value, int) else value)


def parsed(data: bytes) -> list[Field] | None:
    """The fields of a message; None if it is none."""
    fields, at = [], 0
    try:
        while at < len(data):
            tag, at = _read_varint(data, at)
            number, kind = tag >> 3, tag & 7
            if kind == VARINT:
                value, at = _read_varint(data, at)
            elif kind in (BYTES, FIXED32, FIXED64):
                length = {FIXED32: 4, FIXED64: 8}.get(kind)
                if length is None:
                    length, at = _read_varint(data, at)
                value, at = data[at : at + length], at + length
            else:
                return None
            if not number or at > len(data):
                return None
            fields.append((number, kind, value))
    except IndexError:
        return None
    return fields


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80 or shift > 63:
            return value, at


def graphs_like(valid: Sequence[bytes], words: Sequence[str]) -> st.SearchStrategy[bytes]:
    """Graphs whose fields are changed at any depth, and changed bytes. words: texts to put in."""

    def change(data: bytes, changes: Sequence[tuple]) -> bytes:
        for each in changes:
            data = _changed(data, *each, words)
        return data

    changed = st.builds(change, st.sampled_from(valid), st.lists(_change, min_size=1, max_size=5))
    return st.one_of(changed, changed, changed, changed, bytes_like(valid))


def _changed(
    data: bytes, kind: str, where: int, amount: int, piece: bytes, words: Sequence[str], depth: int = 0
) -> bytes:
    """Change one field, which a walk into the message ends at."""
    fields = parsed(data)
    if not fields:
        return data + message((1 + amount % 20, VARINT, EXTREMES[amount % len(EXTREMES)]))
    at, where = where % len(fields), where // len(fields)
    number, wire, value = fields[at]
    if wire == BYTES and value and depth < _DEEPEST and where % 4 and parsed(value):
        inner = _changed(value, kind, where // 4 + amount, amount // 2, piece, words, depth + 1)
        fields[at] = (number, wire, inner)
        return message(*fields)
    extreme = EXTREMES[amount % len(EXTREMES)]
    if kind == "value":
        fields[at] = (number, wire, extreme if wire == VARINT else _numbers(value, amount, extreme))
    elif kind == "drop":
        del fields[at]
    elif kind == "double":
        fields.insert(at, fields[at])
    elif kind == "number":
        fields[at] = (extreme % 2**29 if amount & 1 else 1 + amount % 12, wire, value)
    elif kind == "kind":
        return message(*fields[:at]) + varint(number << 3 | _KINDS[amount % 8]) + message(*fields[at + 1 :])
    elif kind == "wrap":
        inner = message(fields[at])
        for _ in range(1 + amount % 200):
            inner = message((number, BYTES, inner))
        fields.append((number, BYTES, inner))
    elif kind == "swap":
        other = amount % len(fields)
        fields[at], fields[other] = fields[other], fields[at]
    elif kind == "take":
        fields[at] = (number, BYTES, piece)
    elif kind == "text":
        fields[at] = (number, BYTES, words[amount % len(words)])
    elif kind == "length":
        tail = varint(number << 3 | BYTES) + varint(extreme) + piece
        return message(*fields[:at]) + tail + message(*fields[at + 1 :])
    return message(*fields)


def _numbers(value: bytes, amount: int, extreme: int) -> bytes:
    """Bytes that may be an array of 32 bits each: one of its numbers changed."""
    if len(value) < 4:
        return value + b"\xff"
    at = 4 * (amount % (len(value) // 4))
    return value[:at] + (extreme % 2**32).to_bytes(4, "little") + value[at + 4 :]
