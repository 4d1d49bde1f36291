"""From the driver's frame to the target's painted face: points, calibration, drawing, generator."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from face2face.face.crop import CropBox, resize
from face2face.face.drawing import draw
from face2face.face.tracking import Tracker
from face2face.generator.generator import Generator
from face2face.live.stats import Stats
from face2face.sources.files import Frame
from face2face.target.retarget import Calibration, Retargeter, read_calibration

NO_FACE = ("hold", "passthrough", "blank")
"""What is shown in place of the generated face when the driver's has been gone for a while."""

PREVIEW_SCALE = 2
"""The driver's preview, and so a window's or recording's height, in sides of model space: it stays sharp."""


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
    points: float (68, 2), the driver's in pixels of the frame, None without a face. driver_points: the same
    in pixels of `driver`.
    """

    driver: np.ndarray
    drawing: np.ndarray
    generated: np.ndarray
    state: str
    points: np.ndarray | None
    driver_points: np.ndarray | None


@dataclass(frozen=True)
class Seen:
    """What was found in a frame, and is to be painted: half the way from `Frame` to `Painted`.

    model: the number of the generator that is to paint it. drawing: for that generator, None without a face.
    """

    seconds: float
    driver: np.ndarray
    state: str
    points: np.ndarray | None
    driver_points: np.ndarray | None
    model: int
    drawing: np.ndarray | None


@dataclass(frozen=True)
class Painting:
    """A frame whose face is being painted, uint8 (S, S, 3), RGB; None if there is no face to paint."""

    seen: Seen
    face: Future[np.ndarray] | None


class Painter:
    """Paints a target's face from the driver's frames, in three steps that three threads may take."""

    def __init__(
        self, tracker: Tracker, generators: Sequence[Generator], options: DrivingOptions, source: str = ""
    ):
        """
        Args:
            generators: of one target or several; the first paints until `choose` says otherwise.
            source: the frames' source's name; a clip of the target itself needs no calibration.
        Raises:
            UserError: if the calibration's file is damaged.
        """
        self._source = source
        self._tracker, self._generators, self._options = tracker, generators, options
        self._size = max(generator.target.image_size for generator in generators)
        self._drawing = self._generated = np.zeros((self._size, self._size, 3), np.uint8)
        self._seen_at: float | None = None
        file = options.calibration_file
        self._saved = read_calibration(file) if file and file.is_file() else None
        self._calibration: Calibration | None = None
        self._is_asked_to_calibrate = self._is_recalibrated = False
        self._chosen = 0
        self.concurrency = max(generator.concurrency for generator in generators)
        self._executor = ThreadPoolExecutor(self.concurrency, thread_name_prefix="generator")
        self._retargeters: dict[int, Retargeter] = {}

    @property
    def size(self) -> int:
        """Side, in pixels, of the largest model space: of what is drawn and painted."""
        return self._size

    def __call__(self, frame: Frame, stats: Stats) -> Painted:
        return self.show(self.paint(self.look(frame, stats), stats))

    def look(self, frame: Frame, stats: Stats) -> Seen:
        """The first step: the driver's face, and the drawing to paint."""
        height, width = frame.picture.shape[:2]
        window = CropBox.centre(width, height)
        model, drawing = self._chosen, None
        with stats.measure("landmarks"):
            points = self._tracker(frame)
        with stats.measure("drawing"):
            if points is not None:
                target = self._generators[model].target
                drawing = draw(self._carry(points, window, frame, model), target.image_size, target.drawing)
            side = PREVIEW_SCALE * self._size
            driver = cv2.cvtColor(window.picture(frame.picture, side), cv2.COLOR_BGR2RGB)
            on_driver = None if points is None else window.points(points, side)
        state = self._state(points is not None)
        return Seen(frame.seconds, driver, state, points, on_driver, model, drawing)

    def paint(self, seen: Seen, stats: Stats) -> Painting:
        """The second step: begin to paint what the first found. Faces are painted `concurrency` at a time."""

        def face() -> np.ndarray:
            with stats.measure("generator"):
                return self._generators[seen.model](seen.drawing)

        return Painting(seen, None if seen.drawing is None else self._executor.submit(face))

    def show(self, painting: Painting) -> Painted:
        """The third step, in the order of the frames: wait for the face, and decide what is shown."""
        seen = painting.seen
        if painting.face is not None:
            generated = painting.face.result()
            self._drawing, self._generated = resize(seen.drawing, self._size), resize(generated, self._size)
            self._seen_at = seen.seconds
        generated = self._shown(seen.driver, seen.seconds)
        return Painted(seen.driver, self._drawing, generated, seen.state, seen.points, seen.driver_points)

    def calibrate(self) -> None:
        """Learn the driver's face at rest anew, over the next second. Any thread may ask for it."""
        self._is_asked_to_calibrate = True

    def choose(self, model: int) -> None:
        """Paint with another generator from the next frame on, if there is one of this number, from 0."""
        if model < len(self._generators):
            self._chosen = model

    def _carry(self, points: np.ndarray, window: CropBox, frame: Frame, model: int) -> np.ndarray:
        """The points to draw, in the model space of a generator."""
        target = self._generators[model].target
        if not self._options.retarget or target.face is None:
            return window.points(points, target.image_size)
        frame_size = frame.picture.shape[1::-1]
        own = target.neutral_in(self._source, frame_size)
        if self._calibration is None:
            self._calibration = self._first_calibration(own, frame_size)
        elif self._is_asked_to_calibrate:
            self._calibration.restart()
            self._is_recalibrated = True
        self._is_asked_to_calibrate = False
        if self._calibration.look(points, frame.seconds):
            self._retargeters.clear()
            file = self._options.calibration_file
            if file and not self._calibration.is_running:
                self._calibration.write(file, frame_size)
        if model not in self._retargeters:
            if own is not None and not self._is_recalibrated:
                self._retargeters[model] = Retargeter(target.face, own, target.face.shut_eyes)
            else:
                self._retargeters[model] = Retargeter(target.face, self._calibration.neutral)
        return self._retargeters[model](points)

    def _first_calibration(self, own: np.ndarray | None, frame_size: tuple[int, int]) -> Calibration:
        """What is known of the driver before the first look. own: at rest, if the target itself drives."""
        if own is not None:
            return Calibration(own)
        return self._saved.scaled_to(frame_size) if self._saved else Calibration()

    def _shown(self, driver: np.ndarray, seconds: float) -> np.ndarray:
        """The face to show: the last one, until the driver's has been gone for too long."""
        is_held = self._seen_at is not None and seconds - self._seen_at <= self._options.hold_seconds
        if is_held or self._options.no_face == "hold":
            return self._generated
        if self._options.no_face == "passthrough":
            return resize(driver, self._size)
        return np.zeros_like(self._generated)

    def _state(self, has_face: bool) -> str:
        if not has_face:
            return "no face"
        is_calibrating = self._calibration is not None and self._calibration.is_running
        return "calibrating: look straight ahead" if is_calibrating else ""
