"""Shows, records and sends driven frames, and carries out the user's commands."""

import time
from collections.abc import Callable
from pathlib import Path

from face2face.live.composer import Composer
from face2face.live.driven_frame import DrivenFrame
from face2face.live.painter import Painter
from face2face.output.base import Output
from face2face.output.controls import Controls, State, gain_change, model_of
from face2face.output.recorder import Recorder
from face2face.output.virtual_camera import VirtualCamera
from face2face.output.window import Window
from face2face.sources.base import Source

RECORDER_NOTICE_SECONDS = 4.0
"""How long a notice is shown."""

_LONGEST_SLEEP = 0.05  # seconds in which no command is carried out

_STILL_SECONDS = 0.25
"""After this time without a new frame the last picture is shown again, with the messages of that moment."""


class Presenter:
    """Writes driven frames to every output that there is, and carries out the user's commands.

    Attributes:
        state: What the user sees of the program beside the picture.
        page: The page, if there is one.
        keeps_pace: Whether a file is played no faster than its frame rate: with a window, page or camera.
    """

    def __init__(
        self,
        source: Source,
        painter: Painter,
        controls: Controls,
        state: State,
        recorder: Recorder,
        window: Window | None = None,
        page: Output | None = None,
        camera: VirtualCamera | None = None,
        records_generated_only: bool = False,
        is_labelled: bool = False,
    ) -> None:
        """Bring the outputs together; whoever opened them closes them.

        Args:
            painter: What the user's commands go to, and to its driver.
            records_generated_only: Record the face alone, whatever the view is.
            is_labelled: Write on each face that it is AI-generated.
        """
        self._source, self._painter, self._controls = source, painter, controls
        self.state, self._recorder = state, recorder
        self._window, self.page, self._camera = window, page, camera
        self._records_generated_only, self._is_labelled = records_generated_only, is_labelled
        self.keeps_pace = not source.live and bool(window or page or camera)
        self._clock: float | None = None  # `time.monotonic()` at a file's second 0
        self._shown: Composer | None = None
        self._refreshed_at = 0.0
        self._recorded_view = "driver"
        self._last_notice, self._noticed_at = "", 0.0
        self._has_ended = False
        self._commands: dict[str, Callable[[], None]] = {
            "calibrate": painter.driver.calibrate,
            "face": painter.driver.next_face,
            "view": state.next_view,
            "mirror": self._toggle_mirror,
            "record": recorder.toggle,
            "snapshot": self._snapshot,
            "freeze": self._toggle_freeze,
            "help": self._toggle_help,
            "fullscreen": self._toggle_fullscreen,
            "end": self._end,
        }

    @property
    def written(self) -> list[Path]:
        """The recordings that have been written."""
        return self._recorder.written

    @property
    def shortfall(self) -> str:
        """Why a recording is not whole, or ""."""
        return self._recorder.shortfall

    def write(self, driven: DrivenFrame) -> None:
        """Show, record and send a frame that has passed all stages, unless the user ends before its time."""
        if not self._pace(driven.seconds):
            return
        if not self.state.is_frozen or self._shown is None:
            self._shown = Composer(driven, self._is_labelled)
        stats = self._painter.stats
        self.state.fps, self.state.latency = stats.recent_fps, stats.recent_latency
        self.state.message = driven.state
        self._record(driven.seconds)
        if self._camera is not None:
            self._camera.write(self._shown.face)
        self._refresh()

    def goes_on(self) -> bool:
        """Carry out the user's commands; False if one of them ends the program.

        To be called often, whether there is a new frame or not: the window answers only here.
        """
        if self._window is not None:
            if key := self._window.key():
                self._controls.press_key(key)
            self._has_ended |= not self._window.is_open()
        commands = self._controls.take()
        for command in commands:
            self._carry_out(command)
        is_still = time.monotonic() - self._refreshed_at > _STILL_SECONDS
        if is_still:
            self.state.message = self._source.state or self.state.message
        if (commands or is_still) and not self._has_ended:
            self._refresh()
        return not self._has_ended

    def _carry_out(self, command: str) -> None:
        model = model_of(command)
        if (change := gain_change(command)) is not None:
            self._painter.driver.set_gain(change.name, self.state.change_gain(change))
        elif model is None:
            self._commands[command]()
        elif model < len(self.state.models):
            self._painter.choose(model)
            self.state.model = model

    def _toggle_mirror(self) -> None:
        self.state.is_mirrored = not self.state.is_mirrored

    def _toggle_freeze(self) -> None:
        self.state.is_frozen = not self.state.is_frozen

    def _toggle_help(self) -> None:
        self.state.shows_help = not self.state.shows_help

    def _toggle_fullscreen(self) -> None:
        if self._window is not None:
            self._window.toggle_fullscreen()

    def _snapshot(self) -> None:
        if self._shown is not None:
            self._recorder.snapshot(self._shown.picture(self.state.view))

    def _end(self) -> None:
        self._has_ended = True

    def _pace(self, seconds: float) -> bool:
        """Wait until it is time for a file's picture of that second; False if the user ends it meanwhile."""
        if not self.keeps_pace:
            return True
        if self._clock is None:
            self._clock = time.monotonic() - seconds
        early = self._clock + seconds - time.monotonic()
        if early <= 0:  # the loop is slower than the file: later pictures keep that delay
            self._clock -= early
        while early > 0:  # a file's time stamps may have a gap, in which the window and the page go on
            time.sleep(min(early, _LONGEST_SLEEP))
            early = self._clock + seconds - time.monotonic()
            if early > 0 and not self.goes_on():
                return False
        return True

    def _record(self, seconds: float) -> None:
        if self._recorder.path is None:
            return
        if self._records_generated_only:
            self._recorder.write(self._shown.face, seconds)
            return
        if self.state.view != "generated":  # its pictures have another size, which a recording cannot take
            self._recorded_view = self.state.view
        self._recorder.write(self._shown.picture(self._recorded_view), seconds)

    def _refresh(self) -> None:
        """Show the last picture, with the messages of this moment, in the window and on the page."""
        self._refreshed_at = time.monotonic()
        self.state.recording = str(self._recorder.path) if self._recorder.path else None
        self._update_notice()
        picture = None
        if self._shown is not None and (self._window is not None or self.page is not None):
            picture = self._shown.picture(self.state.view, self.state.is_mirrored, is_marked=True)
        if self._window is not None:
            if picture is not None:
                self._window.write(picture, self.state.lines())
            self._window.set_title(f"{Window.TITLE} - {self.state.fps:.1f} frames/s")
        if self.page is not None:
            self.page.write(picture)

    def _update_notice(self) -> None:
        if self._recorder.notice != self._last_notice:
            self._last_notice, self._noticed_at = self._recorder.notice, time.monotonic()
        is_fresh = time.monotonic() - self._noticed_at < RECORDER_NOTICE_SECONDS
        self.state.notice = self._last_notice if is_fresh else ""
