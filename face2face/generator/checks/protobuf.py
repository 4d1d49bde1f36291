"""A reader of protobuf's wire format, for files that are checked before TensorFlow parses them.

https://protobuf.dev/programming-guides/encoding/
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
"""Wire types. The other two, groups, are deprecated and occur in no graph."""

MAX_TEXT_BYTES = 2**22
"""Maximum size of a string. The longest one, a target's JSON, takes about 250 kB."""

T = TypeVar("T", int, memoryview)

_MAX_NUMBER = 2**29 - 1
_MAX_VARINT_BYTES = 10


class DecodeError(ValueError):
    """The bytes are no message, or a truncated one."""


@dataclass
class Budget:
    """The number of fields that may still be read: a file of nothing but tiny fields would take hours.

    Attributes:
        fields: What is left.
    """

    fields: int

    def spend(self) -> None:
        """Count one field.

        Raises:
            DecodeError: If the budget is used up.
        """
        self.fields -= 1
        if self.fields < 0:
            raise DecodeError("it has too many parts")


class Message:
    """The fields of a message, as views of the file's bytes.

    A singular field that occurs twice is refused: readers disagree on which one counts, and the one that was
    checked has to be the one that runs.

    Attributes:
        size: Of the message, in bytes.
    """

    def __init__(self, data: memoryview, budget: Budget) -> None:
        """Split a message into its fields.

        Args:
            data: The message.
            budget: Shared by all messages of a file.

        Raises:
            DecodeError: If the bytes are no message, or the budget is used up.
        """
        self._fields: dict[tuple[int, int], list] = {}
        self._budget = budget
        self.size = len(data)
        for number, kind, value in _fields(data, budget):
            self._fields.setdefault((number, kind), []).append(value)

    @classmethod
    def empty(cls) -> "Message":
        """A message without fields."""
        return cls(memoryview(b""), Budget(0))

    def numbers(self) -> set[int]:
        """The numbers of the fields that occur."""
        return {number for number, _ in self._fields}

    def messages(self, number: int) -> Iterator["Message"]:
        """Each message of a repeated field."""
        for data in self._fields.get((number, BYTES), []):
            yield Message(data, self._budget)

    def message(self, number: int) -> "Message":
        """The message of a field; an empty one if the field does not occur."""
        return Message(self.data(number), self._budget)

    def text(self, number: int) -> str:
        """The string of a field; "" if the field does not occur."""
        return _text(self.data(number))

    def texts(self, number: int) -> list[str]:
        """Each string of a repeated field."""
        return [_text(data) for data in self._fields.get((number, BYTES), [])]

    def integer(self, number: int) -> int:
        """A signed integer; 0 if the field does not occur."""
        return _signed(self._once(number, VARINT, 0))

    def integers(self, number: int) -> list[int]:
        """The signed integers of a repeated field, packed or not."""
        values = list(self._fields.get((number, VARINT), []))
        for data in self._fields.get((number, BYTES), []):
            at = 0
            while at < len(data):
                self._budget.spend()
                value, at = _varint(data, at)
                values.append(value)
        return [_signed(value) for value in values]

    def data(self, number: int) -> memoryview:
        """The bytes of a field, as a view of the file; empty if the field does not occur."""
        return self._once(number, BYTES, memoryview(b""))

    def _once(self, number: int, kind: int, default: T) -> T:
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
    """Decode an unsigned integer at an offset; returns it and the offset behind it."""
    value = 0
    for i in range(_MAX_VARINT_BYTES):
        if at + i >= len(data):
            raise DecodeError("it ends too early")
        byte = data[at + i]
        value |= (byte & 0x7F) << (7 * i)
        if byte < 0x80:
            return value & (2**64 - 1), at + i + 1
    raise DecodeError("it has a number without an end")
