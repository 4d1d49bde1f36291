"""What the benchmarks of the live loop share: a webcam's pictures, an output, contestants in processes."""

import itertools
import json
import subprocess
import sys
import time
from collections.abc import Iterator

import numpy as np

from face2face import cli
from face2face.live.composer import Composer
from face2face.live.driven_frame import DrivenFrame
from face2face.sources.base import Source

FRAME_SIZE = (640, 480)
"""Width and height of a webcam's pictures."""


class Composed:
    """An output that composes each picture as the window does, and shows it to nobody."""

    def __init__(self):
        self.first: tuple[float, float, float] | None = None

    def write(self, driven: DrivenFrame) -> None:
        Composer(driven).picture("driver")
        self.note()

    def note(self) -> None:
        """Remember when the first picture was there: time of day, by the clock, and of the processor."""
        self.first = self.first or (time.time(), time.perf_counter(), time.process_time())

    def goes_on(self) -> bool:
        return True


def webcam_pictures(source: Source, count: int) -> Iterator[tuple[float, np.ndarray]]:
    """A source's first frames at the size of a webcam's: seconds, and uint8 (H, W, 3), RGB."""
    import cv2

    for frame in itertools.islice(source.frames(), count):
        picture = cv2.resize(frame.picture, FRAME_SIZE, interpolation=cv2.INTER_LINEAR)
        yield frame.seconds, cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def run(script: str, words: list, environment: dict[str, str] | None = None) -> dict:
    """Run a benchmark's script as a contestant; returns what its last line says, JSON.

    Raises:
        UserError: If it fails.
    """
    command = [sys.executable, script, *map(str, words)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        last_line = done.stderr.strip().rpartition("\n")[2]
        raise cli.UserError(f"a contestant failed: {last_line}")
    return json.loads(done.stdout.splitlines()[-1])
