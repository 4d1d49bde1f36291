"""The real-time loop: frame -> face -> points -> drawing -> generator -> window, file, folder."""

import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from face2face.framing import Window as FrameWindow
from face2face.generator import Generator
from face2face.landmarks import Face, LandmarkDetector, draw
from face2face.retarget import Retargeter
from face2face.sinks import Window
from face2face.video import Frame

FORGET_SECONDS = 1.0
"""After so long without a face, the next one may be anybody's: the largest is taken."""

STAGES = ("capture", "landmarks", "drawing", "generator", "output")


@dataclass(frozen=True)
class Painted:
    """What became of one frame; all pictures uint8 (S, S, 3), RGB.

    driver: the middle square of the driver's frame. drawing, generated: of the last frame with a face if
    this one has none; black as long as there was no face at all.
    """

    driver: np.ndarray
    drawing: np.ndarray
    generated: np.ndarray
    has_face: bool

    def view(self, show_drawing: bool, generated_only: bool = False) -> np.ndarray:
        """The picture to show: the driver or the drawing beside the generated face, or that alone."""
        if generated_only:
            return self.generated
        view = np.concatenate([self.drawing if show_drawing else self.driver, self.generated], axis=1)
        return view if self.has_face else _write_over(view, "no face")


def _write_over(picture: np.ndarray, text: str) -> np.ndarray:
    picture = picture.copy()
    scale = picture.shape[0] / 512
    at = (int(24 * scale), int(48 * scale))
    for colour, thickness in (((0, 0, 0), 8), ((255, 255, 255), 3)):  # legible on any picture
        width = max(1, round(thickness * scale))
        cv2.putText(picture, text, at, cv2.FONT_HERSHEY_SIMPLEX, 1.6 * scale, colour, width, cv2.LINE_AA)
    return picture


@dataclass
class Stats:
    """How many frames there were, and how long each stage took, in seconds."""

    frames: int = 0
    frames_with_face: int = 0
    stages: dict[str, list[float]] = field(default_factory=lambda: {stage: [] for stage in STAGES})
    _began: float | None = None
    _ended: float | None = None

    def start(self) -> None:
        self._began = time.perf_counter()

    def stop(self) -> None:
        self._ended = time.perf_counter()

    @property
    def fps(self) -> float:
        """Frames per second since `start`, up to `stop`."""
        if self._began is None:
            return 0.0
        return self.frames / max((self._ended or time.perf_counter()) - self._began, 1e-9)

    @contextlib.contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.stages[stage].append(time.perf_counter() - began)

    def write(self, path: Path) -> None:
        """As JSON: frames, frames_with_face, fps, and of each stage the median and the 95th percentile."""
        stages = {
            stage: {
                "median_ms": 1000 * float(np.median(times)),
                "p95_ms": 1000 * float(np.percentile(times, 95)),
            }
            for stage, times in self.stages.items()
            if times
        }
        content = {
            "frames": self.frames,
            "frames_with_face": self.frames_with_face,
            "fps": self.fps,
            "stages": stages,
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=2) + "\n")


class Painter:
    """Paints the target's face from the driver's frames."""

    def __init__(self, detector: LandmarkDetector, generator: Generator, retargeter: Retargeter | None):
        self._detector, self._generator, self._retargeter = detector, generator, retargeter
        self._size = generator.target.image_size
        self._drawing = self._generated = np.zeros((self._size, self._size, 3), np.uint8)
        self._face: Face | None = None
        self._face_seconds = 0.0

    def __call__(self, frame: Frame, stats: Stats) -> Painted:
        height, width = frame.picture.shape[:2]
        window = FrameWindow.centre(width, height)
        with stats.measure("landmarks"):
            face = self._find(frame)
        with stats.measure("drawing"):
            if face is not None:
                points = self._points(face, window, frame.seconds)
                self._drawing = draw(points, self._size, self._generator.target.drawing)
            driver = cv2.cvtColor(window.picture(frame.picture, self._size), cv2.COLOR_BGR2RGB)
        if face is not None:
            with stats.measure("generator"):
                self._generated = self._generator(self._drawing)
        stats.frames_with_face += face is not None
        return Painted(driver, self._drawing, self._generated, face is not None)

    def _find(self, frame: Frame) -> Face | None:
        if frame.seconds - self._face_seconds > FORGET_SECONDS:
            self._face = None
        face = self._detector.find(frame.picture, self._face)
        if face is not None:
            self._face, self._face_seconds = face, frame.seconds
        return face

    def _points(self, face: Face, window: FrameWindow, seconds: float) -> np.ndarray:
        """The points to draw, in model space."""
        if self._retargeter is not None:
            return self._retargeter.follow(face.points, seconds)
        return window.points(face.points, self._size)


def run(
    frames: Iterator[Frame],
    painter: Painter,
    stats: Stats,
    show_drawing: bool = False,
    window: Window | None = None,
    recording=None,
    record_generated_only: bool = False,
    limit: int | None = None,
) -> None:
    """Paint each frame and show and record it, until the source, the limit or the user ends it."""
    while limit is None or stats.frames < limit:
        with stats.measure("capture"):
            frame = next(frames, None)
        if frame is None:
            break
        painted = painter(frame, stats)
        with stats.measure("output"):
            if recording is not None:
                recording.write(painted.view(show_drawing, record_generated_only), frame.seconds)
            if window is not None:
                window.write(painted.view(show_drawing), frame.seconds)
                window.set_title(f"{Window.TITLE} - {stats.fps:.1f} frames/s")
        stats.frames += 1
        if window is not None and not window.is_open():
            break
