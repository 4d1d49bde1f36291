"""From the driver's frame to the target's generated face: landmarks, retargeting, drawing, generator."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np

from face2face.face.crop import CropBox, resize
from face2face.face.tracking import Tracker
from face2face.generator.generator import Generator
from face2face.live.driven_frame import DrivenFrame
from face2face.live.driver import Driver
from face2face.live.options import DEFAULT_HOLD_SECONDS, DrivingOptions
from face2face.live.stats import Stats
from face2face.sources.base import Frame, Source

PREVIEW_SCALE = 2
"""Side of the driver's preview, and so the height of windows and recordings, in sides of the model space. The
preview has more detail than a picture of the generator's size would have."""


class Painter:
    """Generates the target's face for the driver's frames, in three stages that three threads may run.

    A context manager: leaving it ends the generators' threads.

    Attributes:
        driver: The person who drives.
        size: Side of the largest model space, in pixels: the size of drawings and faces that are shown.
        concurrency: How many faces are generated at the same time.
        stats: What the stages' times are written to.
    """

    def __init__(
        self,
        tracker: Tracker,
        generators: Sequence[Generator],
        options: DrivingOptions,
        source: Source | None = None,
        stats: Stats | None = None,
    ) -> None:
        """Create the stages; nothing is generated yet.

        Args:
            generators: Of one target or several; the first generates until `choose` says otherwise.
            source: As in `Driver`.
            stats: None: new ones.

        Raises:
            UserError: If the calibration's file is damaged, or the iris model is not installed.
        """
        self._generators, self._options = generators, options
        self.driver = Driver(tracker, [generator.target for generator in generators], options, source)
        self.stats = stats or Stats()
        self.size = max(generator.target.image_size for generator in generators)
        self._last_drawing = self._last_face = np.zeros((self.size, self.size, 3), np.uint8)
        self._last_face_at: float | None = None
        self._hold_seconds = DEFAULT_HOLD_SECONDS if options.hold_seconds is None else options.hold_seconds
        self._chosen = 0
        self.concurrency = max(generator.concurrency for generator in generators)
        self._executor = ThreadPoolExecutor(self.concurrency, thread_name_prefix="generator")

    def __enter__(self) -> "Painter":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Drop the faces that have not been begun, wait for those that have, and end the threads.

        A neutral face that was still being learned is written to the calibration's file, if there is one.
        """
        self._executor.shutdown(cancel_futures=True)
        self.driver.keep()

    def __call__(self, frame: Frame) -> DrivenFrame:
        """Run all stages on one frame."""
        return self.present(self.generate(self.detect(frame)))

    def detect(self, frame: Frame) -> DrivenFrame:
        """Run the first stage: detect the driver's landmarks, and draw them for the generator."""
        height, width = frame.picture.shape[:2]
        crop_box = CropBox.centre(width, height)
        model, drawing, target_points, preview_points = self._chosen, None, None, None
        side = PREVIEW_SCALE * self.size
        with self.stats.measure("landmarks"):
            face = self.driver.find(frame)
        with self.stats.measure("drawing"):
            if face is not None:
                target = self._generators[model].target
                target_points, gaze = self.driver.carry(face, frame, model)
                drawing = target.draw(target_points, crop_box.side, gaze)
                preview_points = crop_box.points(face.points, side)
            preview = cv2.cvtColor(crop_box.picture(frame.picture, side), cv2.COLOR_BGR2RGB)
        return DrivenFrame(
            seconds=frame.seconds,
            captured=frame.captured,
            preview=preview,
            state=self.driver.state(face, frame.seconds),
            model=model,
            detected=None if face is None else face.detected,
            points=None if face is None else face.points,
            preview_points=preview_points,
            is_one_of_several=face is not None and face.count > 1,
            target_points=target_points,
            drawing=drawing,
        )

    def generate(self, driven: DrivenFrame) -> DrivenFrame:
        """Run the second stage: begin to generate the face. `concurrency` faces are generated at a time."""
        if driven.drawing is not None:
            driven.pending_face = self._executor.submit(
                self._generate, self._generators[driven.model], driven.drawing
            )
        return driven

    def _generate(self, generator: Generator, drawing: np.ndarray) -> np.ndarray:
        with self.stats.measure("generator"):
            return generator(drawing)

    def present(self, driven: DrivenFrame) -> DrivenFrame:
        """Run the third stage, in the order of the frames: wait for the face, and decide what is shown."""
        if driven.pending_face is not None:
            self._last_face = resize(driven.pending_face.result(), self.size)
            self._last_drawing = resize(driven.drawing, self.size)
            self._last_face_at = driven.seconds
        driven.shown_drawing = self._last_drawing
        driven.generated = self._face_to_show(driven)
        return driven

    def choose(self, model: int) -> None:
        """Generate with another model from the next frame on, by its index, if there is one."""
        if model < len(self._generators):
            self._chosen = model

    def _face_to_show(self, driven: DrivenFrame) -> np.ndarray:
        """The last generated face, or what replaces it once the driver has been missing for too long."""
        is_held = self._last_face_at is not None and driven.seconds - self._last_face_at <= self._hold_seconds
        if is_held or self._options.no_face == "hold":
            return self._last_face
        if self._options.no_face == "passthrough":
            return resize(driven.preview, self.size)
        return np.zeros_like(self._last_face)
