"""Recordings and snapshots that begin and end while the program runs, and never end it."""

import contextlib
import datetime
from collections.abc import Callable
from pathlib import Path

import numpy as np

from face2face import cli
from face2face.output import provenance
from face2face.output.place import free
from face2face.output.recording import open_recording, write_picture
from face2face.output.sound import Sound

OpenSound = Callable[[], contextlib.AbstractContextManager[Sound | None]]


class Recorder:
    """Writes one recording after the other. A disk that is full ends a recording, and `notice` tells it.

    path: of the recording that is on. written: those that there are. lost: why one is not whole, or "".
    """

    def __init__(self, fps: float, open_sound: OpenSound = contextlib.nullcontext, path: Path | None = None):
        """path: of the first recording; the next ones are numbered. None: they are named by their time.

        open_sound: called for each recording: its sound, if it has any, until it ends.
        """
        self._fps, self._open_sound, self._path = fps, open_sound, path
        self._recording = None
        self._sound = contextlib.ExitStack()
        self._is_first = True
        self.path: Path | None = None
        self.written: list[Path] = []
        self.notice = self.lost = ""

    def begin(self) -> None:
        """Raises: UserError if it cannot be a recording; OSError."""
        path = self._path or named_by_time(".mp4")
        if not self._is_first:
            path = free(path)
        sound = self._sound.enter_context(self._open_sound())
        try:
            self._recording = open_recording(path, self._fps, sound)
        except BaseException:
            self._sound.close()
            raise
        self.path, self._is_first = path, False

    def toggle(self) -> None:
        """Begin, or end; what goes wrong is in `notice`."""
        if self._recording is not None:
            self.end()
            return
        try:
            self.begin()
            self.notice = ""
        except (cli.UserError, OSError) as error:
            self._tell(f"no recording: {reason(error)}")

    def write(self, picture: np.ndarray, seconds: float) -> None:
        """Write uint8 (H, W, 3), RGB, of that second of the source, if a recording is on."""
        if self._recording is None:
            return
        try:
            self._recording.write(picture, seconds)
        except OSError as error:
            self._finish(error)

    def end(self) -> None:
        if self._recording is not None:
            self._finish()

    def _finish(self, error: OSError | None = None) -> None:
        """Close the recording; error: why, if that is not the user's wish."""
        recording, self._recording, self.path = self._recording, None, None
        reasons = [reason(error)] if error else []
        try:
            recording.close()
        except (cli.UserError, OSError) as at_the_end:
            reasons.append(reason(at_the_end))
        self._sound.close()
        if recording.has_pictures and recording.path.exists():
            self.written.append(recording.path)
        if reasons:
            self._tell(f"the recording ended: {reasons[0]}: {recording.path}")
            self.lost = self.lost or f"expected a whole recording, got what came before: {self.notice}"
        else:
            self.notice = f"wrote {recording.path}" if recording.has_pictures else "nothing was recorded"

    def snapshot(self, picture: np.ndarray) -> None:
        """Keep uint8 (H, W, 3), RGB, as a PNG in the current folder."""
        path = named_by_time(".png")
        try:
            write_picture(path, picture, provenance.now())
            self.notice = f"wrote {path}"
        except OSError as error:
            self._tell(f"no snapshot: {reason(error)}")

    def _tell(self, notice: str) -> None:
        self.notice = notice
        cli.warn(notice)


def reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def named_by_time(ending: str) -> Path:
    """A name in the current folder that is free."""
    return free(Path(f"face2face-{datetime.datetime.now():%Y%m%d-%H%M%S}{ending}"))
