"""The user's commands to the live loop, and the state that the loop reports back.

The window's keys and the page's buttons both put commands into one `Controls`, from which the loop takes
them; the window and the page both show one `State`.
"""

import queue
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path

from face2face import cli

VIEWS = ("driver", "drawing", "overlay", "generated")
"""What is shown beside the face: the driver, the drawing, the driver with his landmarks; or nothing."""


@dataclass(frozen=True)
class Command:
    """One command.

    Attributes:
        name: As `Controls.press` and the page's address know it.
        key: The key that gives it.
        help: What it does, for the list of keys.
        button: The text of the page's button; "": the page has none.
        pressed: The field of `State` by which the button is shown as pressed; "": it never is.
        confirm: The question that the page asks first, or "".
    """

    name: str
    key: str
    help: str
    button: str = ""
    pressed: str = ""
    confirm: str = ""

    @property
    def key_name(self) -> str:
        """The key as it is written for people."""
        return "space" if self.key == " " else self.key


COMMANDS = (
    Command("calibrate", "c", "learn my face at rest", "Calibrate"),
    Command("face", "n", "the next face in view", "Next face"),
    Command("view", "v", "beside the face: me, the drawing, my landmarks, nothing", "View"),
    Command("mirror", "m", "as in a mirror", "Mirror", "is_mirrored"),
    Command("record", "r", "begin a recording, or end it", "Record", "recording"),
    Command("snapshot", "s", "keep this picture", "Snapshot"),
    Command("freeze", " ", "hold the picture still", "Freeze", "is_frozen"),
    Command("fullscreen", "f", "full screen", "Full screen"),
    Command("help", "h", "these keys"),
    Command("end", "q", "end", "End", confirm="End the program?"),
)
"""All commands but the choice of a model, in the order of the keys' list and of the page's buttons."""


@dataclass(frozen=True)
class Gain:
    """How much of the driver's motion is carried, which the user sets from 0 to `MAX_GAIN`; 1: as it is.

    Attributes:
        name: The field of `State`, and the first part of its commands.
        less: The key that lowers it by `GAIN_STEP`.
        more: The key that raises it.
        label: Of the page's slider.
        help: What there is less or more of, for the list of keys.
    """

    name: str
    less: str
    more: str
    label: str
    help: str


GAINS = (
    Gain("expression", "[", "]", "Expression", "expression"),
    Gain("head", ",", ".", "Head", "head motion"),
)
MAX_GAIN = 2.0
GAIN_STEP = 0.1

gain_argument = cli.number_type(
    float, lambda number: 0 <= number <= MAX_GAIN, f"a number from 0 to {MAX_GAIN:g}"
)
"""The type of a gain's command-line argument."""

_ESCAPE = "\x1b"
_MODEL = "model-"
_BY_KEY = {command.key: command.name for command in COMMANDS} | {_ESCAPE: "end"}
_BY_KEY |= {gain.less: f"{gain.name}-less" for gain in GAINS}
_BY_KEY |= {gain.more: f"{gain.name}-more" for gain in GAINS}
_NAMES = frozenset(command.name for command in COMMANDS)


class Controls:
    """The commands that were given and not yet taken. Any thread may give some."""

    def __init__(self) -> None:
        self._given: queue.SimpleQueue[str] = queue.SimpleQueue()

    def press(self, command: str) -> bool:
        """Give a command: a name in `COMMANDS`, "model-1" to "model-9", or one that `gain_change` reads.

        Returns:
            Whether there is such a command.
        """
        exists = command in _NAMES or model_of(command) is not None or gain_change(command) is not None
        if exists:
            self._given.put(command)
        return exists

    def press_key(self, key: str) -> bool:
        """Give the command of a key, in small or capital letters.

        Returns:
            Whether the key has a command.
        """
        if key.isdigit():
            return self.press(f"{_MODEL}{key}")
        return self.press(_BY_KEY.get(key.lower(), ""))

    def take(self) -> list[str]:
        """The commands that were given since the last call, in their order."""
        commands = []
        while not self._given.empty():
            commands.append(self._given.get())
        return commands


def model_of(command: str) -> int | None:
    """The index of the model that a command chooses; None if it is another command."""
    place = command.removeprefix(_MODEL)
    if command.startswith(_MODEL) and len(place) == 1 and place in "123456789":
        return int(place) - 1
    return None


@dataclass(frozen=True)
class GainChange:
    """What a command does to a gain.

    Attributes:
        name: The gain's, of `GAINS`.
        value: The new gain, or what is added to it.
        is_added: Which of the two.
    """

    name: str
    value: float
    is_added: bool = False


def gain_change(command: str) -> GainChange | None:
    """What a command does to a gain; None if it is another command.

    Args:
        command: "expression-less", "expression-more", "expression-1.25"; likewise of the other gains.
    """
    name, _, value = command.partition("-")
    if name not in {gain.name for gain in GAINS}:
        return None
    if value in ("less", "more"):
        return GainChange(name, GAIN_STEP if value == "more" else -GAIN_STEP, is_added=True)
    if re.fullmatch(r"[0-9](\.[0-9]{1,4})?", value) and float(value) <= MAX_GAIN:
        return GainChange(name, float(value))
    return None


@dataclass
class State:
    """What the user sees of the program beside the picture.

    Attributes:
        view: One of `VIEWS`.
        is_mirrored: Whether the picture is flipped as in a mirror.
        is_frozen: Whether the picture is held still.
        shows_help: Whether the window lists the keys.
        recording: Path of the recording that is being written, None if there is none.
        message: What is wrong with the picture, or asked of the driver, or "".
        notice: What a command has done, or could not do, or "".
        fps: Frames per second of late.
        latency: Seconds from a frame's capture to its picture, None until it is known.
        models: Names of the models.
        model: Index of the model that generates.
        expression: How much of the driver's expression is carried, one of `GAINS`.
        head: How much of the driver's head motion is carried, likewise.
    """

    view: str = VIEWS[0]
    is_mirrored: bool = False
    is_frozen: bool = False
    shows_help: bool = False
    recording: str | None = None
    message: str = ""
    notice: str = ""
    fps: float = 0.0
    latency: float | None = None
    models: list[str] = field(default_factory=list)
    model: int = 0
    expression: float = 1.0
    head: float = 1.0

    def change_gain(self, change: GainChange) -> float:
        """Change a gain, within 0 and `MAX_GAIN`, and return it."""
        value = change.value + (getattr(self, change.name) if change.is_added else 0.0)
        setattr(self, change.name, round(min(max(value, 0.0), MAX_GAIN), 4))
        return getattr(self, change.name)

    def next_view(self) -> None:
        """Go to the next view, and from the last one to the first."""
        self.view = VIEWS[(VIEWS.index(self.view) + 1) % len(VIEWS)]

    def lines(self) -> list[str]:
        """The window's lines of text: figures, messages, and the keys if they are asked for."""
        figures = f"{self.fps:.1f} frames/s"
        if self.latency is not None:
            figures += f", {1000 * self.latency:.0f} ms"
        if len(self.models) > 1:
            figures += f", model {self.models[self.model]}"
        for gain in GAINS:
            if (value := getattr(self, gain.name)) != 1:
                figures += f", {gain.name} {value:.4g}"
        recording = f"recording {Path(self.recording).name}" if self.recording else ""
        lines = [figures, recording, self.message, "frozen" if self.is_frozen else "", self.notice]
        if self.shows_help:
            lines += [f"{command.key_name}: {command.help}" for command in COMMANDS]
            lines += [f"{gain.less} {gain.more}: less or more {gain.help}" for gain in GAINS]
            lines += ["1 to 9: another model"] if len(self.models) > 1 else []
        return [line for line in lines if line]

    def as_json(self) -> dict:
        """The state for the page, with its own names of the fields as keys."""
        return asdict(self)
