"""As much of protobuf's wire format as it takes to look into a file without the program that would run it."""

from collections.abc import Iterator
from dataclasses import dataclass

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
"""Wire types. Groups, the other two, are in no file of ours."""

MAX_TEXT_BYTES = 2**22
"""The longest text, a target's JSON, takes about 30 kB."""

_MAX_NUMBER = 2**29 - 1
_MAX_VARINT_BYTES = 10


class DecodeError(ValueError):
    """The bytes are no message, or not all of it is there."""


@dataclass
class Budget:
    """How many more fields may be read: a file of nothing but tiny fields would be read for hours."""

    fields: int

    def spend(self) -> None:
        """Raises: DecodeError if nothing is left."""
        self.fields -= 1
        if self.fields < 0:
            raise DecodeError("it has too many parts")


class Message:
    """The fields of a message that is not copied out of its file.

    Where a field that can be there once is there twice, readers do not agree which of them counts: it is
    refused, so that what was looked at is what will run.
    """

    def __init__(self, data: memoryview, budget: Budget):
        """Raises: DecodeError if the bytes are no message."""
        self._fields: dict[tuple[int, int], list] = {}
        self._budget = budget
        self.size = len(data)  # in bytes
        for number, kind, value in _fields(data, budget):
            self._fields.setdefault((number, kind), []).append(value)

    @classmethod
    def empty(cls) -> "Message":
        return cls(memoryview(b""), Budget(0))

    def numbers(self) -> set[int]:
        return {number for number, _ in self._fields}

    def messages(self, number: int) -> Iterator["Message"]:
        """Each message of a repeated field."""
        for data in self._fields.get((number, BYTES), []):
            yield Message(data, self._budget)

    def message(self, number: int) -> "Message":
        """The message of a field; an empty one if it is not there."""
        return Message(self.data(number), self._budget)

    def text(self, number: int) -> str:
        return _text(self.data(number))

    def texts(self, number: int) -> list[str]:
        """Each text of a repeated field."""
        return [_text(data) for data in self._fields.get((number, BYTES), [])]

    def integer(self, number: int) -> int:
        """A signed whole number; 0 if it is not there."""
        return _signed(self._once(number, VARINT, 0))

    def integers(self, number: int) -> list[int]:
        """The signed whole numbers of a repeated field, packed into one or not."""
        values = list(self._fields.get((number, VARINT), []))
        for data in self._fields.get((number, BYTES), []):
            at = 0
            while at < len(data):
                self._budget.spend()
                value, at = _varint(data, at)
                values.append(value)
        return [_signed(value) for value in values]

    def data(self, number: int) -> memoryview:
        """The bytes of a field, where they lie in the file."""
        return self._once(number, BYTES, memoryview(b""))

    def _once(self, number: int, kind: int, default):
        values = self._fields.get((number, kind), [default])
        if len(values) > 1:
            raise DecodeError(f"field {number} is there {len(values)} times")
        return values[0]


def _fields(data: memoryview, budget: Budget) -> Iterator[tuple[int, int, int | memoryview]]:
    """Number, wire type and value of each field."""
    at = 0
    while at < len(data):
        budget.spend()
        tag, at = _varint(data, at)
        number, kind = tag >> 3, tag & 7
        if not 0 < number <= _MAX_NUMBER:
            raise DecodeError(f"it has a field of number {number}")
        if kind == VARINT:
            value, at = _varint(data, at)
            yield number, kind, value
            continue
        if kind == BYTES:
            length, at = _varint(data, at)
        elif kind in (FIXED32, FIXED64):
            length = 4 if kind == FIXED32 else 8
        else:
            raise DecodeError(f"it has a field of wire type {kind}")
        if at + length > len(data):
            raise DecodeError("it ends too early")
        yield number, kind, data[at : at + length]
        at += length


def _text(data: memoryview) -> str:
    if len(data) > MAX_TEXT_BYTES:
        raise DecodeError(f"it has a text of {len(data):,} bytes")
    try:
        return bytes(data).decode()
    except UnicodeDecodeError:
        raise DecodeError("it has a text that is not UTF-8") from None


def _signed(value: int) -> int:
    return value - 2**64 if value >= 2**63 else value


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    """An unsigned whole number and where the next thing begins."""
    value = 0
    for i in range(_MAX_VARINT_BYTES):
        if at + i >= len(data):
            raise DecodeError("it ends too early")
        byte = data[at + i]
        value |= (byte & 0x7F) << (7 * i)
        if byte < 0x80:
            return value & (2**64 - 1), at + i + 1
    raise DecodeError("it has a number without an end")
