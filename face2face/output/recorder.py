"""Recordings and snapshots that begin and end while the program runs, and never end it."""

import contextlib
import datetime
from collections.abc import Callable
from pathlib import Path

import numpy as np

from face2face import cli, metadata
from face2face.output.image_folder import ImageFolder, write_picture
from face2face.output.recording import VideoFile, open_recording
from face2face.output.recording_place import free_path
from face2face.output.sound import Sound

OpenSound = Callable[[], contextlib.AbstractContextManager[Sound | None]]


class Recorder:
    """Writes one recording after the other. If the disk is full, the recording ends and `notice` says so.

    Attributes:
        path: Of the recording that is being written; None between recordings.
        written: The recordings that were written.
        notice: What happened last, for the user, or "".
        shortfall: Why a recording is not complete, or "".
    """

    def __init__(
        self, fps: float, open_sound: OpenSound = contextlib.nullcontext, path: Path | None = None
    ) -> None:
        """Begin without a recording.

        Args:
            fps: The source's nominal frame rate.
            open_sound: Called for each recording, gives its sound, if it has any, until it ends.
            path: Of the first recording; the next ones are numbered. None: they are named by their time.
        """
        self._fps, self._open_sound, self._path = fps, open_sound, path
        self._recording: VideoFile | ImageFolder | None = None
        self._sound = contextlib.ExitStack()
        self._is_first = True
        self.path: Path | None = None
        self.written: list[Path] = []
        self.notice = self.shortfall = ""

    def begin(self) -> None:
        """Begin a recording.

        Raises:
            UserError: If it cannot be written there.
            OSError: If the system refuses.
        """
        path = self._path or named_by_time(".mp4")
        if not self._is_first:
            path = free_path(path)
        sound = self._sound.enter_context(self._open_sound())
        try:
            self._recording = open_recording(path, self._fps, sound)
        except BaseException:
            self._sound.close()
            raise
        self.path, self._is_first = path, False

    def toggle(self) -> None:
        """Begin a recording, or end it; `notice` says what went wrong."""
        if self._recording is not None:
            self.end()
            return
        try:
            self.begin()
            self.notice = ""
        except (cli.UserError, OSError) as error:
            self._warn(f"no recording: {cli.reason(error)}")

    def write(self, picture: np.ndarray, seconds: float) -> None:
        """Append a picture if there is a recording.

        Args:
            picture: uint8 (H, W, 3), RGB.
            seconds: Its time in the source.
        """
        if self._recording is None:
            return
        try:
            self._recording.write(picture, seconds)
        except OSError as error:
            self._finish(error)

    def end(self) -> None:
        """End the recording, if there is one."""
        if self._recording is not None:
            self._finish()

    def _finish(self, error: OSError | None = None) -> None:
        """Close the recording; error: why it ends, if the user did not ask for it."""
        recording, self._recording, self.path = self._recording, None, None
        reasons = [cli.reason(error)] if error else []
        try:
            recording.close()
        except (cli.UserError, OSError) as at_the_end:
            reasons.append(cli.reason(at_the_end))
        self._sound.close()
        if recording.has_pictures and recording.is_there():
            self.written.append(recording.path)
        if reasons:
            self._warn(f"the recording ended: {reasons[0]}: {recording.path}")
            self.shortfall = (
                self.shortfall or f"expected a whole recording, got what came before: {self.notice}"
            )
        else:
            self.notice = f"wrote {recording.path}" if recording.has_pictures else "nothing was recorded"

    def snapshot(self, picture: np.ndarray) -> None:
        """Write uint8 (H, W, 3), RGB, as a PNG into the current folder."""
        path = named_by_time(".png")
        try:
            write_picture(path, picture, metadata.now())
            self.notice = f"wrote {path}"
        except OSError as error:
            self._warn(f"no snapshot: {cli.reason(error)}")

    def _warn(self, notice: str) -> None:
        self.notice = notice
        cli.warn(notice)


def named_by_time(ending: str) -> Path:
    """An unused path in the current folder, named by the time."""
    return free_path(Path(f"face2face-{datetime.datetime.now():%Y%m%d-%H%M%S}{ending}"))
