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
from face2face.framing import resize
from face2face.generator import Generator
from face2face.landmarks import draw
from face2face.retarget import Calibration, Retargeter, read_calibration
from face2face.sinks import Window
from face2face.tracking import Tracker
from face2face.video import Frame

NO_FACE = ("hold", "passthrough", "blank")
"""What is shown in place of the generated face when the driver's has been gone for a while."""

PREVIEW_SCALE = 2
"""The driver's preview, and so a window's or recording's height, in sides of model space: it stays sharp."""

CALIBRATE_KEY = ord("c")

STAGES = ("capture", "landmarks", "drawing", "generator", "output")


@dataclass(frozen=True)
class DrivingOptions:
    """retarget: carry the driver's motion onto the target's face, or draw the driver's face where it is.
    calibration_file: read if it is there, else written once the driver is known. hold_seconds: how long the
    last face stays without a new one before `no_face`, one of `NO_FACE`, takes its place.
    """

    retarget: bool = True
    calibration_file: Path | None = None
    hold_seconds: float = 0.5
    no_face: str = "hold"


@dataclass(frozen=True)
class Painted:
    """What became of one frame; all pictures are square, uint8 (S, S, 3), RGB.

    driver: the middle square of the driver's frame, larger than the others. drawing, generated: of the last
    frame with a face if this one has none; black as long as there was no face at all. state: what the user
    should know, or "".
    points: float (68, 2), the driver's in pixels of the frame, None without a face.
    """

    driver: np.ndarray
    drawing: np.ndarray
    generated: np.ndarray
    state: str
    points: np.ndarray | None

    def side_by_side(self, show_drawing: bool) -> np.ndarray:
        """The driver, or the drawing, beside the generated face, as large as the driver's preview."""
        size = self.driver.shape[0]
        left = resize(self.drawing, size) if show_drawing else self.driver
        return np.concatenate([left, resize(self.generated, size)], axis=1)


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

    def __init__(self, tracker: Tracker, generator: Generator, options: DrivingOptions, source: str = ""):
        """source: the frames' source's name; a clip of the target itself needs no calibration."""
        self._source = source
        self._tracker, self._generator, self._options = tracker, generator, options
        self._target = generator.target
        size = self._target.image_size
        self._drawing = self._generated = np.zeros((size, size, 3), np.uint8)
        self._seen_at: float | None = None
        self._calibration: Calibration | None = None
        self._retargeter: Retargeter | None = None

    def __call__(self, frame: Frame, stats: Stats) -> Painted:
        height, width = frame.picture.shape[:2]
        window = FrameWindow.centre(width, height)
        with stats.measure("landmarks"):
            points = self._tracker(frame)
        with stats.measure("drawing"):
            if points is not None:
                carried = self._carry(points, window, frame)
                self._drawing = draw(carried, self._target.image_size, self._target.drawing)
            preview = window.picture(frame.picture, PREVIEW_SCALE * self._target.image_size)
            driver = cv2.cvtColor(preview, cv2.COLOR_BGR2RGB)
        if points is not None:
            with stats.measure("generator"):
                self._generated = self._generator(self._drawing)
            self._seen_at = frame.seconds
            stats.frames_with_face += 1
        generated = self._shown(driver, frame.seconds)
        return Painted(driver, self._drawing, generated, self._state(points is not None), points)

    def calibrate(self) -> None:
        """Learn the driver's face at rest anew, over the next second."""
        if self._calibration is not None:
            self._calibration.restart()

    def _carry(self, points: np.ndarray, window: FrameWindow, frame: Frame) -> np.ndarray:
        """The points to draw, in model space."""
        if not self._options.retarget or self._target.face is None:
            return window.points(points, self._target.image_size)
        frame_size = frame.picture.shape[1::-1]
        file = self._options.calibration_file
        if self._calibration is None:
            self._calibration = self._first_calibration(frame_size)
        if self._calibration.look(points, frame.seconds):
            self._retargeter = Retargeter(self._target.face, self._calibration.neutral)
            if file and not self._calibration.is_running:
                self._calibration.write(file, frame_size)
        return self._retargeter(points)

    def _first_calibration(self, frame_size: tuple[int, int]) -> Calibration:
        """What is known of the driver before the first look; its retargeter is made if that is enough."""
        face, file = self._target.face, self._options.calibration_file
        own = self._target.neutral_in(self._source, frame_size)
        if own is not None:
            self._retargeter = Retargeter(face, own, face.shut_eyes)
            return Calibration(own)
        if file and file.is_file():
            calibration = read_calibration(file, frame_size)
            self._retargeter = Retargeter(face, calibration.neutral)
            return calibration
        return Calibration()

    def _shown(self, driver: np.ndarray, seconds: float) -> np.ndarray:
        """The face to show: the last one, until the driver's has been gone for too long."""
        is_held = self._seen_at is not None and seconds - self._seen_at <= self._options.hold_seconds
        if is_held or self._options.no_face == "hold":
            return self._generated
        if self._options.no_face == "passthrough":
            return resize(driver, self._target.image_size)
        return np.zeros_like(self._generated)

    def _state(self, has_face: bool) -> str:
        if not has_face:
            return "no face"
        is_calibrating = self._calibration is not None and self._calibration.is_running
        return "calibrating: look straight ahead" if is_calibrating else ""


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
    """Paint each frame and show and record it, until the source, the limit or the user ends it.

    In the window, q or Esc end it and c calibrates.
    """
    while limit is None or stats.frames < limit:
        with stats.measure("capture"):
            frame = next(frames, None)
        if frame is None:
            break
        painted = painter(frame, stats)
        with stats.measure("output"):
            both = painted.side_by_side(show_drawing)
            if recording is not None:
                recording.write(painted.generated if record_generated_only else both, frame.seconds)
            if window is not None:
                window.write(_write_over(both, painted.state) if painted.state else both, frame.seconds)
                window.set_title(f"{Window.TITLE} - {stats.fps:.1f} frames/s")
        stats.frames += 1
        if window is not None:
            key = window.key()
            if key == CALIBRATE_KEY:
                painter.calibrate()
            if not window.is_open(key):
                break
