"""The values that an option may have, for the command line and for the reader of options.json."""

import argparse
import contextlib
from dataclasses import Field, dataclass, field


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, both included. It serves as the type of an argparse argument.

    Attributes:
        kind: int or float.
        low: Smallest number.
        high: Largest number.
    """

    kind: type
    low: float
    high: float

    def __call__(self, text: str) -> float:
        """Parse a number. Raises: argparse.ArgumentTypeError if it is none, or is out of range."""
        with contextlib.suppress(ValueError):
            if self.contains(value := self.kind(text)):
                return value
        raise argparse.ArgumentTypeError(f"expected {self}, got '{text}'")

    def __str__(self) -> str:
        if self.kind is int:
            return f"a whole number from {self.low:,} to {self.high:,}"
        return f"a number from {self.low:g} to {self.high:,g}"

    def contains(self, value: object) -> bool:
        """Whether a value of any type is a number of this range."""
        kinds = int if self.kind is int else (int, float)
        is_number = isinstance(value, kinds) and not isinstance(value, bool)
        return is_number and self.low <= value <= self.high


COUNT = Range(int, 1, 10**9)
COUNT_OR_NONE = Range(int, 0, 10**9)
"""0 turns the option off."""
FRACTION = Range(float, 0.0, 1.0)
WEIGHT = Range(float, 0.0, 1e6)
"""Weight of a loss."""


def option(
    default: object,
    type: Range | None = None,
    choices: tuple = (),
    shapes_weights: bool = False,
    help: str = "",
) -> Field:
    """Declare an option as a field of a dataclass. Without a type or choices it is a switch.

    Args:
        default: Default value. An option whose default is None may be None.
        type: Range of an option that is a number.
        choices: All values that the option may have, of one type.
        shapes_weights: Whether the option cannot change when a training is resumed.
        help: Help text. An option without one is no command-line option.
    """
    metadata = {"type": type, "choices": choices, "help": help, "shapes_weights": shapes_weights}
    return field(default=default, metadata=metadata)


def is_valid(known: Field, value: object) -> bool:
    """Whether an option may have this value."""
    if value is None:
        return known.default is None
    if choices := known.metadata["choices"]:
        return type(value) is type(choices[0]) and value in choices
    if known.metadata["type"]:
        return known.metadata["type"].contains(value)
    return isinstance(value, bool)


def describe(known: Field) -> str:
    """Describe the valid values of an option, for an error message."""
    if choices := known.metadata["choices"]:
        return f"one of {', '.join(map(str, choices))}"
    return str(known.metadata["type"] or "true or false")
