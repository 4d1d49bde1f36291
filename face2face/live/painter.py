"""From the driver's frame to the target's generated face: landmarks, retargeting, drawing, generator."""

import contextlib
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np

from face2face import cli
from face2face.face.crop import CropBox, resize
from face2face.face.landmarks import Face
from face2face.face.tracking import Tracker
from face2face.generator.generator import Generator
from face2face.live.driven_frame import DrivenFrame
from face2face.live.options import HOLD_SECONDS, DrivingOptions
from face2face.live.stats import Stats
from face2face.sources.base import Frame, Source
from face2face.target.calibration import Calibration, read_calibration
from face2face.target.retarget import SHUT_EYES, Retargeter

PREVIEW_SCALE = 2
"""Side of the driver's preview, and so the height of windows and recordings, in sides of the model space. The
preview has more detail than a picture of the generator's size would have."""

NOTICE_SECONDS = 2.0
"""How long it is said which face is followed once another was asked for."""

LOOK_AHEAD_FRAMES = 24
"""So many frames of a file are looked through for the driver's face at rest before it is driven. It takes a
second or two, of large videos longer."""
LOOK_AHEAD_SECONDS = 5.0
"""And so long at most. What was found by then counts: on a busy machine, or of a large video, runs can
differ."""


class Painter:
    """Generates the target's face for the driver's frames, in three stages that three threads may run.

    A context manager: leaving it ends the generators' threads.

    Attributes:
        concurrency: How many faces are generated at the same time.
        stats: What the stages' times are written to.
        gains: How much of the driver's motion is carried, by the names of `controls.GAINS`.
    """

    def __init__(
        self,
        tracker: Tracker,
        generators: Sequence[Generator],
        options: DrivingOptions,
        source: str = "",
        stats: Stats | None = None,
    ) -> None:
        """Create the stages; nothing is generated yet.

        Args:
            generators: Of one target or several; the first generates until `choose` says otherwise.
            source: The name of the frames' source. A clip of the target itself needs no calibration.
            stats: None: new ones.

        Raises:
            UserError: If the calibration's file is damaged, or the iris model is not installed.
        """
        self._source = source
        self._tracker, self._generators, self._options = tracker, generators, options
        self.stats = stats or Stats()
        self._size = max(generator.target.image_size for generator in generators)
        self._last_drawing = self._last_face = np.zeros((self._size, self._size, 3), np.uint8)
        self._last_face_at: float | None = None
        self._hold_seconds = HOLD_SECONDS if options.hold_seconds is None else options.hold_seconds
        file = options.calibration_file
        self._saved = read_calibration(file) if file and file.is_file() else None
        self._calibration: Calibration | None = None
        self._is_asked_to_calibrate = self._is_recalibrated = self._is_kept = False
        self._seen_ahead: list[np.ndarray] = []
        self._gazes_ahead: list[np.ndarray] = []
        if options.gaze and any(generator.target.gaze is not None for generator in generators):
            tracker.follow_gaze()
        self._frame_size = (0, 0)
        self._chosen = 0
        self.gains = {"expression": options.expression, "head": options.head}
        self._retargeters: dict[int, Retargeter] = {}
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
        if self._calibration is not None and self._calibration.is_known:
            self._keep_calibration()

    @property
    def size(self) -> int:
        """Side of the largest model space, in pixels: the size of drawings and faces that are shown."""
        return self._size

    def __call__(self, frame: Frame) -> DrivenFrame:
        """Run all stages on one frame."""
        return self.present(self.generate(self.detect(frame)))

    def look_ahead(self, source: Source) -> None:
        """Look for the driver's face at rest in a sample of a file's frames, before they are driven.

        To be called before the first frame. It takes `LOOK_AHEAD_SECONDS` at most.
        """
        is_needed = self._options.retarget and self._saved is None and not source.live
        if not is_needed or all(generator.target.face is None for generator in self._generators):
            return
        until = time.monotonic() + LOOK_AHEAD_SECONDS
        face: Face | None = None
        with contextlib.suppress(cli.UserError):  # a damaged frame is told when its turn comes
            for frame in source.sample(LOOK_AHEAD_FRAMES):
                found = self._tracker.detector.find(frame.picture, face)
                if found is not None:
                    face = found
                    self._seen_ahead.append(found.points)
                    gaze = self._tracker.find_gaze(frame.picture, found.points)
                    self._gazes_ahead += [] if gaze is None else [gaze]
                if time.monotonic() > until:
                    break

    def detect(self, frame: Frame) -> DrivenFrame:
        """Run the first stage: detect the driver's landmarks, and draw them for the generator."""
        height, width = frame.picture.shape[:2]
        crop_box = CropBox.centre(width, height)
        model, drawing, driver_points = self._chosen, None, None
        side = PREVIEW_SCALE * self._size
        with self.stats.measure("landmarks"):
            points = self._tracker(frame)
        if self._tracker.has_changed:
            self._begin_anew()
        with self.stats.measure("drawing"):
            if points is not None:
                target = self._generators[model].target
                drawn, gaze = self._retarget(points, crop_box, frame, model)
                drawing = target.draw(drawn, crop_box.side, gaze)
                driver_points = crop_box.points(points, side)
            driver = cv2.cvtColor(crop_box.picture(frame.picture, side), cv2.COLOR_BGR2RGB)
        state = self._state(points is not None, frame.seconds)
        is_one_of_several = points is not None and self._tracker.count > 1
        return DrivenFrame(
            *(frame.seconds, frame.captured, driver, points, driver_points, model, state, drawing),
            is_one_of_several=is_one_of_several,
        )

    def generate(self, driven: DrivenFrame) -> DrivenFrame:
        """Run the second stage: begin to generate the face. `concurrency` faces are generated at a time."""
        if driven.drawing is not None:
            driven.face = self._executor.submit(
                self._generate, self._generators[driven.model], driven.drawing
            )
        return driven

    def _generate(self, generator: Generator, drawing: np.ndarray) -> np.ndarray:
        with self.stats.measure("generator"):
            return generator(drawing)

    def present(self, driven: DrivenFrame) -> DrivenFrame:
        """Run the third stage, in the order of the frames: wait for the face, and decide what is shown."""
        if driven.face is not None:
            self._last_face = resize(driven.face.result(), self._size)
            self._last_drawing = resize(driven.drawing, self._size)
            self._last_face_at = driven.seconds
        driven.shown_drawing = self._last_drawing
        driven.generated = self._face_to_show(driven)
        return driven

    def calibrate(self) -> None:
        """Take the next second's face as the driver's neutral one. Any thread may call this."""
        self._is_asked_to_calibrate = True

    def next_face(self) -> None:
        """Drive by the next face in view from the next frame on. Any thread may call this."""
        self._tracker.next_face()

    def choose(self, model: int) -> None:
        """Generate with another model from the next frame on, by its index, if there is one."""
        if model < len(self._generators):
            self._chosen = model

    def set_gain(self, name: str, value: float) -> None:
        """Carry more or less of the driver's motion from the next frame on. Any thread may call this.

        Args:
            name: A key of `gains`.
            value: 0 to `controls.MAX_GAIN`.
        """
        self.gains[name] = value

    def _retarget(
        self, points: np.ndarray, crop_box: CropBox, frame: Frame, model: int
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """What to draw for a generator.

        Returns:
            The points, float (68, 2), in its model space, and the gaze, float (2, 2); None: at rest.
        """
        target, gaze = self._generators[model].target, self._tracker.gaze
        if not self._options.retarget or target.face is None:
            return crop_box.points(points, target.image_size), gaze
        frame_size = frame.picture.shape[1::-1]
        own = None if self._is_recalibrated else target.neutral_in(self._source, frame_size)
        if self._calibration is None:
            self._calibration = self._first_calibration(target.face.neutral, own, frame_size)
        if self._is_asked_to_calibrate:
            self._calibration.restart()
            for retargeter in self._retargeters.values():
                retargeter.forget_shut_eyes()
            self._is_recalibrated, self._is_asked_to_calibrate, self._is_kept = True, False, False
            own = None
        self._calibration.look(points, frame.seconds, self._tracker.found_gaze)
        self._frame_size = frame_size
        if self._calibration.is_settled and not self._calibration.is_running:
            self._keep_calibration()
        if model not in self._retargeters:
            self._retargeters[model] = Retargeter(target.face)
        neutral, shut_eyes = self._calibration.neutral, SHUT_EYES
        if own is not None:
            neutral, shut_eyes = own, target.face.shut_eyes
        self._retargeters[model].set_driver(neutral, shut_eyes)
        if gaze is not None and target.gaze is not None:
            gaze = target.gaze.carry(gaze, self._calibration.gaze.rest if own is None else target.gaze.rest)
        return self._retargeters[model](points, **self.gains), gaze

    def _first_calibration(
        self, prior: np.ndarray, own: np.ndarray | None, frame_size: tuple[int, int]
    ) -> Calibration:
        """What is known of the driver before the first frame.

        Args:
            prior: float (68, 2), the target's neutral face.
            own: The same in pixels of the frame, if the target itself drives.
            frame_size: (width, height) in pixels.
        """
        if own is None and self._saved is None:
            calibration = Calibration(prior)
            calibration.look_ahead(self._seen_ahead, self._gazes_ahead)
            return calibration
        self._is_kept = True
        if own is not None:
            return Calibration(prior, own)
        gaze = None if self._saved.gaze is None else np.array(self._saved.gaze)
        return Calibration(prior, self._saved.scaled_to(frame_size), gaze)

    def _keep_calibration(self) -> None:
        """Write the neutral face to the calibration's file, once each time that it is learned."""
        if self._options.calibration_file and not self._is_kept:
            self._calibration.write(self._options.calibration_file, self._frame_size)
            self._is_kept = True

    def _begin_anew(self) -> None:
        """Learn the neutral face of another driver; the last one's does not count for him.

        The calibration's file stays the last one's, until a calibration is asked for.
        """
        if self._calibration is not None and self._calibration.is_known:
            self._keep_calibration()
        self._calibration = self._saved = None
        self._seen_ahead, self._gazes_ahead = [], []
        self._is_recalibrated = self._is_kept = True
        for retargeter in self._retargeters.values():
            retargeter.forget_shut_eyes()

    def _face_to_show(self, driven: DrivenFrame) -> np.ndarray:
        """The last generated face, or what replaces it once the driver has been missing for too long."""
        is_held = self._last_face_at is not None and driven.seconds - self._last_face_at <= self._hold_seconds
        if is_held or self._options.no_face == "hold":
            return self._last_face
        if self._options.no_face == "passthrough":
            return resize(driven.driver, self._size)
        return np.zeros_like(self._last_face)

    def _state(self, has_face: bool, seconds: float) -> str:
        if not has_face:
            return "no face"
        tracker, calibration, said = self._tracker, self._calibration, []
        if 0 <= seconds - tracker.asked_at < NOTICE_SECONDS:
            which = f"face {tracker.place + 1} of {tracker.count}, from the left"
            said.append(which if tracker.count > 1 else "no other face is in view")
        if calibration is not None and (calibration.is_running or not calibration.is_known):
            said.append("calibrating: look straight ahead")
        return "; ".join(said)
