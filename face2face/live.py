"""The real-time loop: frame -> face -> points -> drawing -> generator -> window, file, folder."""

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from face2face.painter import Painted, Painter, Seen
from face2face.pipeline import Pipeline
from face2face.sinks import Window
from face2face.stats import Stats
from face2face.video import Frame

CALIBRATE_KEY = ord("c")


def _write_over(picture: np.ndarray, text: str) -> np.ndarray:
    picture = picture.copy()
    scale = picture.shape[0] / 512
    at = (int(24 * scale), int(48 * scale))
    for colour, thickness in (((0, 0, 0), 8), ((255, 255, 255), 3)):  # legible on any picture
        width = max(1, round(thickness * scale))
        cv2.putText(picture, text, at, cv2.FONT_HERSHEY_SIMPLEX, 1.6 * scale, colour, width, cv2.LINE_AA)
    return picture


@dataclass
class Output:
    """Where the pictures go. In the window, q or Esc end it, c calibrates, and 1 to 9 choose a model."""

    show_drawing: bool = False
    window: Window | None = None
    recording: object | None = None
    record_generated_only: bool = False

    def write(self, painted: Painted, seconds: float, stats: Stats) -> None:
        both = painted.side_by_side(self.show_drawing)
        if self.recording is not None:
            self.recording.write(painted.generated if self.record_generated_only else both, seconds)
        if self.window is not None:
            self.window.write(_write_over(both, painted.state) if painted.state else both, seconds)
            self.window.set_title(f"{Window.TITLE} - {stats.recent_fps:.1f} frames/s")

    def goes_on(self, painter: Painter) -> bool:
        """Do what the user asks for; false if that is to end. To be called often, new picture or not."""
        if self.window is None:
            return True
        key = self.window.key()
        if key == CALIBRATE_KEY:
            painter.calibrate()
        if ord("1") <= key <= ord("9"):
            painter.choose(key - ord("1"))
        return self.window.is_open(key)


def run(
    frames: Iterator[Frame],
    painter: Painter,
    stats: Stats,
    output: Output,
    is_live: bool = False,
    limit: int | None = None,
) -> None:
    """Paint each frame and put it out, until the source, the limit or the user ends it.

    Capture, landmarks and generator work at the same time, in threads of their own; the output in this one.
    is_live: the frames do not wait; those that come too fast are dropped.
    """

    def captured() -> Iterator[tuple[Frame, float]]:
        while True:
            with stats.measure("capture"):
                frame = next(frames, None)
            if frame is None:
                return
            yield frame, time.perf_counter()

    def look(item: tuple[Frame, float]) -> tuple[Seen, float]:
        return painter.look(item[0], stats), item[1]

    def paint(item: tuple[Seen, float]) -> tuple[Painted, float, float]:
        return painter.paint(item[0], stats), item[0].seconds, item[1]

    items = captured() if is_live else itertools.islice(captured(), limit)
    with Pipeline(items, (look, paint), is_live) as pipeline:
        for result in pipeline:
            if result is not None:
                painted, seconds, at = result
                with stats.measure("output"):
                    output.write(painted, seconds, stats)
                stats.show(at, painted.points is not None)
                stats.dropped = pipeline.dropped
            if not output.goes_on(painter) or stats.frames == limit:
                break
