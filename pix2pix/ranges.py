"""What an option may be. Each range stands once: the command line and the reader of options.json ask it."""

import argparse
import contextlib
import math
from dataclasses import Field, dataclass, field


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, both included; as an argument's type it reads a number's text.

    Args:
        kind: int or float.
    """

    kind: type
    low: float
    high: float

    def __call__(self, text: str) -> float:
        with contextlib.suppress(ValueError):
            if self.holds(value := self.kind(text)):
                return value
        raise argparse.ArgumentTypeError(f"expected {self}, got '{text}'")

    def __str__(self) -> str:
        if self.kind is int:
            return f"a whole number from {self.low:,} to {self.high:,}"
        return f"a number from {self.low:g} to {self.high:,g}"

    def holds(self, value: object) -> bool:
        """Whether a value, of whatever type, is a number of this range."""
        kinds = int if self.kind is int else (int, float)
        is_number = isinstance(value, kinds) and not isinstance(value, bool)
        return is_number and math.isfinite(value) and self.low <= value <= self.high


COUNT = Range(int, 1, 10**9)
COUNT_OR_NONE = Range(int, 0, 10**9)
"""0 turns off what is counted."""
FRACTION = Range(float, 0.0, 1.0)
WEIGHT = Range(float, 0.0, 1e6)
"""Of a loss."""


def option(
    default, type: Range | None = None, choices: tuple = (), shapes_weights: bool = False, help: str = ""
) -> Field:
    """An option, as a field of a dataclass; without a type or choices it is a switch.

    Args:
        type: of numbers.
        choices: all values that it may have, of one type.
        shapes_weights: whether it cannot change when a training goes on.
        help: for the command line; an option without one is not told there.
    """
    metadata = {"type": type, "choices": choices, "help": help, "shapes_weights": shapes_weights}
    return field(default=default, metadata=metadata)


def holds(known: Field, value: object) -> bool:
    """Whether an option may have a value."""
    if value is None:
        return known.default is None
    if choices := known.metadata["choices"]:
        return type(value) is type(choices[0]) and value in choices
    if known.metadata["type"]:
        return known.metadata["type"].holds(value)
    return isinstance(value, bool)


def told(known: Field) -> str:
    """What an option may be, for an error."""
    if choices := known.metadata["choices"]:
        return f"one of {', '.join(map(str, choices))}"
    return str(known.metadata["type"] or "true or false")
