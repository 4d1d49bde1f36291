"""What is heard while pictures are recorded: the source file's sound, or a microphone's."""

import collections
import contextlib
import os
import queue
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from face2face import cli
from face2face.cli import UserError
from face2face.sources import devices

RATE = 48_000
"""Samples a second: of all sound in here."""

_LATE_PIECES, _LATE_SECONDS = 50, 0.1  # of a microphone: as a rule, a second of pieces

_QUEUED_CHUNKS = 1000  # of a microphone that nobody reads: about twenty seconds, then the oldest go

MICROPHONES = {"linux": ("alsa", "default"), "darwin": ("avfoundation", ":default"), "win32": ("dshow", None)}
"""By platform: the system's interface, and what it calls the microphone that it is set to."""

ALSA_FILES = {
    "ALSA_CONFIG_DIR": "usr/share/alsa",
    "ALSA_CONFIG_PATH": "usr/share/alsa/alsa.conf",
    "ALSA_PLUGIN_DIR": "usr/lib*/**/alsa-lib",
}
"""Linux: where the system has what the ALSA inside PyAV looks for elsewhere, by its variables."""


class Sound(ABC):
    """Sound on the time line of a source's pictures. channels: 1 or 2."""

    channels: int

    @abstractmethod
    def read(self, start: float, until: float) -> Iterator[tuple[float, np.ndarray]]:
        """The next pieces, from the second `start` on, and perhaps a little more than `until`.

        Each is its first sample's time in seconds, which may be before `start`, and float32 (channels, n) of
        -1 to 1. Nothing comes twice.
        """

    @abstractmethod
    def close(self) -> None: ...


class FileSound(Sound):
    """A video file's own sound. A recording that begins anew makes a new one."""

    def __init__(self, path: Path):
        """Raises: UserError if there is none. `has_sound` tells before."""
        import av

        self._container = av.open(str(path), metadata_errors="replace")
        if not self._container.streams.audio:
            self._container.close()
            raise UserError(f"expected a video with sound, got {path}")
        stream = self._container.streams.audio[0]
        pictures = self._container.streams.video[0]
        self._begin = float((pictures.start_time or 0) * pictures.time_base)  # the source's second 0
        self.channels = min(2, stream.channels)
        self._pieces = None
        self._stream = stream
        self._next: tuple[float, np.ndarray] | None = None

    def _decoded(self, start: float) -> Iterator[tuple[float, np.ndarray]]:
        import av

        if start > 0:
            self._container.seek(round((start + self._begin) * 1e6))  # to before it, in microseconds
        resample = _Resampler(self.channels)
        with contextlib.suppress(av.FFmpegError):  # damaged: silence from here on
            for frame in self._container.decode(self._stream):
                for seconds, samples in resample(frame):
                    if seconds - self._begin + samples.shape[1] / RATE > start:
                        yield seconds - self._begin, samples

    def read(self, start: float, until: float) -> Iterator[tuple[float, np.ndarray]]:
        if self._pieces is None:
            self._pieces = self._decoded(start)
            self._next = next(self._pieces, None)
        while self._next is not None and self._next[0] < until:
            yield self._next
            self._next = next(self._pieces, None)

    def close(self) -> None:
        self._container.close()


def has_sound(path: Path) -> bool:
    """Whether a file has sound beside its pictures."""
    import av

    try:
        with av.open(str(path), metadata_errors="replace") as container:
            return bool(container.streams.audio and container.streams.video)
    except av.FFmpegError:  # OpenCV may read what this cannot
        return False


class Microphone(Sound):
    """A microphone, listened to in a thread of its own from the start."""

    def __init__(self, device: str | None, clock: float):
        """device: as the system calls it, None for the one that it is set to.

        clock: `time.monotonic()` at the second 0 of the pictures' time line.
        Raises:
            UserError: if there is none.
        """
        self._container = _open_microphone(device)
        self._stream = self._container.streams.audio[0]
        self.channels = min(2, self._stream.channels)
        self._clock = clock
        self._pieces = queue.Queue(_QUEUED_CHUNKS)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="microphone", daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        import av

        resample, timeline = _Resampler(self.channels), Timeline()
        with contextlib.suppress(av.FFmpegError):  # unplugged: silence from here on
            for frame in self._container.decode(self._stream):
                if self._ended.is_set():
                    return
                arrived = time.monotonic() - self._clock
                for _, samples in resample(frame):
                    self._put((timeline.place(arrived, samples.shape[1] / RATE), samples))

    def _put(self, piece: tuple[float, np.ndarray]) -> None:
        while True:
            try:
                return self._pieces.put_nowait(piece)
            except queue.Full:
                with contextlib.suppress(queue.Empty):
                    self._pieces.get_nowait()

    def read(self, start: float, until: float) -> Iterator[tuple[float, np.ndarray]]:
        with contextlib.suppress(queue.Empty):
            while True:
                begin, samples = self._pieces.get_nowait()
                if begin + samples.shape[1] / RATE > start:
                    yield begin, samples

    def close(self) -> None:
        self._ended.set()
        self._thread.join(timeout=2)
        if not self._thread.is_alive():  # else it waits for a silent device, and ends with the program
            self._container.close()


class Timeline:
    """When the pieces of a microphone's sound began, which come late by more or less, one after the other.

    They follow each other without gaps, however late one comes, for the machine may be busy. Only if all come
    late for a while, some sound was lost in between.
    """

    def __init__(self):
        self._heard_until: float | None = None
        self._late: collections.deque[float] = collections.deque(maxlen=_LATE_PIECES)

    def place(self, arrived: float, length: float) -> float:
        """The second at which a piece of that length began, that arrived at a second."""
        if self._heard_until is None:
            self._heard_until = arrived - length
        self._late.append(arrived - length - self._heard_until)
        least = min(self._late)
        is_lost = len(self._late) == _LATE_PIECES and least > _LATE_SECONDS
        if is_lost or least < 0:  # a piece is never early: it is the first that came late
            self._heard_until += least
            self._late.clear()
        begin = self._heard_until
        self._heard_until += length
        return begin


def _open_microphone(device: str | None):
    """Raises: UserError if there is none."""
    import av

    interface, name = MICROPHONES.get(sys.platform, MICROPHONES["linux"])
    if interface == "dshow":
        name = next((f"audio={each}" for each in devices.names(interface, "audio")), None)
    name = device or name
    if name is None or interface not in av.formats_available:
        raise UserError("no microphone can be heard here")
    if interface == "alsa":
        for variable, pattern in ALSA_FILES.items():
            if found := next(Path("/").glob(pattern), None):
                os.environ.setdefault(variable, str(found))
    with cli.quiet_stderr():  # ALSA's own lines
        try:
            return av.open(name, format=interface)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
    raise UserError(f"microphone '{name}' cannot be opened ({reason}): is one plugged in?")


class _Resampler:
    """Decoded sound of any kind -> its time in seconds and float32 (channels, n) at `RATE`."""

    def __init__(self, channels: int):
        import av

        self._resampler = av.AudioResampler("fltp", "mono" if channels == 1 else "stereo", RATE)

    def __call__(self, frame) -> Iterator[tuple[float, np.ndarray]]:
        for part in self._resampler.resample(frame):
            yield float(part.pts * part.time_base), part.to_ndarray()
