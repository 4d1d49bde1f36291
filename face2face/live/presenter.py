"""What becomes of a painted face: it is put together, shown, recorded and sent as the user wants it."""

import time
from pathlib import Path

import cv2
import numpy as np

from face2face.face.crop import resize
from face2face.face.drawing import draw
from face2face.live.painter import Painted, Painter
from face2face.live.stats import Stats
from face2face.output import provenance
from face2face.output.controls import Controls, State, model_of
from face2face.output.page.server import Server
from face2face.output.recorder import Recorder
from face2face.output.virtual_camera import VirtualCamera
from face2face.output.window import Window
from face2face.sources.base import Source

NOTICE_SECONDS = 4.0
"""How long a notice is shown."""

_STILL_SECONDS = 0.25
"""After so long without a new picture the last one is shown again, with what is to be said by then."""


class Presenter:
    """Shows painted faces wherever they are wanted, and does what the user commands.

    keeps_pace: a file is not shown faster than it was filmed; so it is if somebody watches.
    """

    def __init__(
        self,
        source: Source,
        controls: Controls,
        state: State,
        recorder: Recorder,
        window: Window | None = None,
        page: Server | None = None,
        camera: VirtualCamera | None = None,
        records_generated_only: bool = False,
        label: bool = False,
    ):
        """records_generated_only: the face alone, whatever the view is. label: write on it what it is."""
        self._source, self._controls, self.state, self._recorder = source, controls, state, recorder
        self._window, self.page, self._camera = window, page, camera
        self._records_generated_only, self._label = records_generated_only, label
        self.keeps_pace = not source.live and bool(window or page or camera)
        self._clock: float | None = None
        self._shown: Painted | None = None
        self._refreshed_at = 0.0
        self._left_of_recording = "driver"
        self._told, self._told_at = "", 0.0
        self._has_ended = False

    @property
    def written(self) -> list[Path]:
        """The recordings that there are."""
        return self._recorder.written

    @property
    def lost(self) -> str:
        """Why a recording is not whole, or ""."""
        return self._recorder.lost

    def write(self, painted: Painted, seconds: float, stats: Stats) -> None:
        """Show, record and send a painted face, of that second of its source."""
        self._pace(seconds)
        if not self.state.is_frozen or self._shown is None:
            self._shown = painted
        self.state.fps, self.state.latency = stats.recent_fps, stats.recent_latency
        self.state.state = painted.state
        self._record(seconds)
        if self._camera is not None:
            self._camera.write(self._face(False))
        self._refresh()

    def goes_on(self, painter: Painter) -> bool:
        """Do what the user commands; false if that is to end. To be called often, new picture or not."""
        if self._window is not None:
            if key := self._window.key():
                self._controls.press_key(key)
            self._has_ended |= not self._window.is_open()
        commands = self._controls.take()
        for command in commands:
            self._do(command, painter)
        is_still = time.monotonic() - self._refreshed_at > _STILL_SECONDS
        if is_still:
            self.state.state = self._source.state or self.state.state
        if (commands or is_still) and not self._has_ended:
            self._refresh()
        return not self._has_ended

    def _do(self, command: str, painter: Painter) -> None:
        state = self.state
        if command == "calibrate":
            painter.calibrate()
        elif command == "view":
            state.next_view()
        elif command == "mirror":
            state.is_mirrored = not state.is_mirrored
        elif command == "record":
            self._recorder.toggle()
        elif command == "snapshot":
            if self._shown is not None:
                self._recorder.snapshot(self._picture(state.view, False))
        elif command == "freeze":
            state.is_frozen = not state.is_frozen
        elif command == "help":
            state.shows_help = not state.shows_help
        elif command == "fullscreen":
            if self._window is not None:
                self._window.toggle_fullscreen()
        elif command == "end":
            self._has_ended = True
        elif (model := model_of(command)) is not None and model < len(state.models):
            painter.choose(model)
            state.model = model

    def _pace(self, seconds: float) -> None:
        if not self.keeps_pace:
            return
        if self._clock is None:
            self._clock = time.monotonic() - seconds
        early = self._clock + seconds - time.monotonic()
        if early > 0:
            time.sleep(early)
        else:  # slower than its source: from here on it goes as fast as it goes
            self._clock -= early

    def _record(self, seconds: float) -> None:
        if self._recorder.path is None:
            return
        if self._records_generated_only:
            self._recorder.write(self._face(False), seconds)
            return
        if self.state.view != "generated":  # whose pictures are of another size
            self._left_of_recording = self.state.view
        self._recorder.write(self._picture(self._left_of_recording, False), seconds)

    def _refresh(self) -> None:
        """Show the last picture, with what is to be said now, in the window and on the page."""
        self._refreshed_at = time.monotonic()
        self.state.recording = str(self._recorder.path) if self._recorder.path else None
        self._notice()
        picture = None
        if self._shown is not None and (self._window is not None or self.page is not None):
            picture = self._picture(self.state.view, self.state.is_mirrored)
        if self._window is not None:
            if picture is not None:
                self._window.write(picture, self.state.lines())
            self._window.set_title(f"{Window.TITLE} - {self.state.fps:.1f} frames/s")
        if self.page is not None:
            self.page.write(picture)

    def _notice(self) -> None:
        if self._recorder.notice != self._told:
            self._told, self._told_at = self._recorder.notice, time.monotonic()
        is_fresh = time.monotonic() - self._told_at < NOTICE_SECONDS
        self.state.notice = self._told if is_fresh else ""

    def _picture(self, view: str, mirrored: bool) -> np.ndarray:
        """The view, uint8 (P, P or 2 P, 3), RGB, as high as the driver's preview."""
        size = self._shown.driver.shape[0]
        face = resize(self._face(mirrored), size)
        if view == "generated":
            return face
        left = {"driver": self._driver, "drawing": self._drawing, "overlay": self._overlay}[view]()
        return np.concatenate([cv2.flip(left, 1) if mirrored else left, face], axis=1)

    def _face(self, mirrored: bool) -> np.ndarray:
        face = self._shown.generated
        if mirrored:
            face = cv2.flip(face, 1)
        return provenance.label(face) if self._label else face

    def _driver(self) -> np.ndarray:
        return self._shown.driver

    def _drawing(self) -> np.ndarray:
        return resize(self._shown.drawing, self._shown.driver.shape[0])

    def _overlay(self) -> np.ndarray:
        """The driver with the landmarks that were found on him."""
        picture = self._shown.driver
        if self._shown.driver_points is None:
            return picture
        lines = draw(self._shown.driver_points, picture.shape[0], line_side=picture.shape[0] // 2)
        return np.where(lines.any(axis=-1, keepdims=True), lines, picture)
