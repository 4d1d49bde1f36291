"""The sound that is recorded with pictures: its interface, and a video file's own sound."""

import contextlib
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from face2face.cli import UserError

RATE = 48_000
"""Sample rate of all sound that is recorded, in Hz."""


class Sound(ABC):
    """Sound on the time line of a source's pictures.

    Attributes:
        channels: 1 or 2.
    """

    channels: int

    @abstractmethod
    def read(self, start: float, until: float) -> Iterator[tuple[float, np.ndarray]]:
        """Yield the next samples, each once.

        Args:
            start: Second before which samples may be skipped.
            until: Second up to which samples are wanted; a few more may come.

        Yields:
            The first sample's time in seconds, which may be before `start`, and float32 (channels, n), -1 to
            1, at `RATE`.
        """

    @abstractmethod
    def close(self) -> None:
        """Release the file or device."""


class FileSound(Sound):
    """A video file's own sound, read once from start to end; each recording opens a new one."""

    def __init__(self, path: Path) -> None:
        """Open the file.

        Raises:
            UserError: If it has no sound (see `has_sound`).
            av.FFmpegError: If it cannot be read.
        """
        import av

        self._container = av.open(os.path.abspath(path), metadata_errors="replace")
        stream = _audio_stream(self._container)
        if stream is None:
            self._container.close()
            raise UserError(f"expected a video with sound, got {path}")
        pictures = self._container.streams.video[0]
        self._begin = float((pictures.start_time or 0) * pictures.time_base)  # second 0 of the source
        self.channels = min(2, stream.channels)
        self._pieces = None
        self._stream = stream
        self._next: tuple[float, np.ndarray] | None = None

    def _decoded(self, start: float) -> Iterator[tuple[float, np.ndarray]]:
        import av

        if start > 0:
            self._container.seek(round((start + self._begin) * 1e6))  # microseconds; lands before the start
        resampler = Resampler(self.channels)
        with contextlib.suppress(av.FFmpegError):  # a damaged file: the rest is silence
            for frame in self._container.decode(self._stream):
                for seconds, samples in resampler(frame):
                    if seconds - self._begin + samples.shape[1] / RATE > start:
                        yield seconds - self._begin, samples

    def read(self, start: float, until: float) -> Iterator[tuple[float, np.ndarray]]:
        """Yield the samples up to `until`; see `Sound.read`."""
        if self._pieces is None:
            self._pieces = self._decoded(start)
            self._next = next(self._pieces, None)
        while self._next is not None and self._next[0] < until:
            yield self._next
            self._next = next(self._pieces, None)

    def close(self) -> None:
        """Close the file."""
        self._container.close()


def has_sound(path: Path) -> bool:
    """Whether a video file has sound with its pictures."""
    import av

    try:
        with av.open(os.path.abspath(path), metadata_errors="replace") as container:
            return bool(_audio_stream(container) and container.streams.video)
    except av.FFmpegError:  # OpenCV may read files that FFmpeg cannot
        return False


def _audio_stream(container: Any) -> Any | None:
    """The first audio stream that there is a decoder for."""
    return next((stream for stream in container.streams.audio if stream.codec_context), None)


class Resampler:
    """Brings sound of any rate and format to float32 at `RATE`, with its time."""

    def __init__(self, channels: int) -> None:
        import av

        self._av = av
        self._layout = "mono" if channels == 1 else "stereo"
        self._resampler = av.AudioResampler("fltp", self._layout, RATE)

    def __call__(self, frame: Any) -> Iterator[tuple[float, np.ndarray]]:
        """Resample PyAV's audio frame.

        Yields:
            The first sample's time in seconds, and float32 (channels, n), -1 to 1.
        """
        for part in self._resampler.resample(frame):
            yield float(part.pts * part.time_base), part.to_ndarray()

    def samples(self, samples: np.ndarray, rate: int, seconds: float) -> Iterator[tuple[float, np.ndarray]]:
        """Resample float32 (channels, n), -1 to 1, of a rate in Hz, which begin at a second.

        Yields:
            The same as for a frame.
        """
        frame = self._av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), "fltp", self._layout)
        frame.rate, frame.pts, frame.time_base = rate, round(seconds * rate), Fraction(1, rate)
        return self(frame)
