"""How the user talks to the loop, and what it tells: the same for the window's keys and the page's buttons.

Both press commands into one `Controls`; the loop takes them, and both show one `State`.
"""

import queue
from dataclasses import asdict, dataclass, field
from pathlib import Path

VIEWS = ("driver", "drawing", "overlay", "generated")
"""What is seen beside the face: the driver, the drawing, the driver's landmarks on him; or it is alone."""

KEYS = {
    "c": ("calibrate", "learn my face at rest"),
    "v": ("view", "beside the face: me, the drawing, my landmarks, nothing"),
    "m": ("mirror", "as in a mirror"),
    "r": ("record", "begin a recording, or end it"),
    "s": ("snapshot", "keep this picture"),
    " ": ("freeze", "hold the picture still"),
    "f": ("fullscreen", "full screen"),
    "h": ("help", "these keys"),
    "q": ("end", "end"),
}
"""The commands, by the key that gives each, and what they do."""

_END_KEYS = ("q", "\x1b")  # and Esc
_MODEL = "model-"

COMMANDS = tuple(command for command, _ in KEYS.values())


class Controls:
    """The commands that were given and not yet taken. Any thread may give some."""

    def __init__(self):
        self._given = queue.SimpleQueue()

    def press(self, command: str) -> bool:
        """Give a command, one of `COMMANDS` or "model-1" to "model-9"; False if it is none."""
        is_one = command in COMMANDS or model_of(command) is not None
        if is_one:
            self._given.put(command)
        return is_one

    def press_key(self, key: str) -> bool:
        """Give a key's command, in small or capital letters; False if it has none."""
        if key in _END_KEYS:
            return self.press("end")
        if key.isdigit():
            return self.press(f"{_MODEL}{key}")
        return key.lower() in KEYS and self.press(KEYS[key.lower()][0])

    def take(self) -> list[str]:
        """What was given since the last time, in its order."""
        commands = []
        while not self._given.empty():
            commands.append(self._given.get())
        return commands


def model_of(command: str) -> int | None:
    """The place, from 0, of the model that a command asks for; None if it asks for something else."""
    place = command.removeprefix(_MODEL)
    if command.startswith(_MODEL) and len(place) == 1 and place in "123456789":
        return int(place) - 1
    return None


@dataclass
class State:
    """What the user sees of the program beside the picture.

    state: what is wrong with the picture, or asked of the driver, or "". notice: what a command has done, or
    could not. latency: seconds from a frame's capture to its picture, None until it is known.
    """

    view: str = VIEWS[0]
    is_mirrored: bool = False
    is_frozen: bool = False
    shows_help: bool = False
    recording: str | None = None
    state: str = ""
    notice: str = ""
    fps: float = 0.0
    latency: float | None = None
    models: list[str] = field(default_factory=list)
    model: int = 0

    def next_view(self) -> None:
        self.view = VIEWS[(VIEWS.index(self.view) + 1) % len(VIEWS)]

    def lines(self) -> list[str]:
        """For the window: figures first, then what there is to say, and the keys where they are asked for."""
        figures = f"{self.fps:.1f} frames/s"
        if self.latency is not None:
            figures += f", {1000 * self.latency:.0f} ms"
        if len(self.models) > 1:
            figures += f", model {self.models[self.model]}"
        said = [f"recording {Path(self.recording).name}" if self.recording else "", self.state]
        lines = [figures, *said, "frozen" if self.is_frozen else "", self.notice]
        if self.shows_help:
            lines += [f"{'space' if key == ' ' else key}: {does}" for key, (_, does) in KEYS.items()]
            lines += ["1 to 9: another model"] if len(self.models) > 1 else []
        return [line for line in lines if line]

    def as_json(self) -> dict:
        """For the page."""
        return asdict(self)
