"""The sound track of a recorded video file."""

from fractions import Fraction
from typing import Any

import numpy as np

from face2face.output.sound import RATE, Sound

SOUND_LATE = 0.5
"""Seconds that samples may arrive after their picture; later ones are replaced by silence."""

_SOUND_JITTER = 0.005  # seconds of gap or overlap between two pieces that are still taken as adjacent


class SoundTrack:
    """Encodes sound in step with the pictures, with silence where samples are missing."""

    def __init__(self, container: Any, codec: str, sound: Sound, start: float) -> None:
        """Add the track to a file.

        Args:
            container: PyAV's output container.
            codec: FFmpeg's name of the encoder.
            sound: What is recorded.
            start: Second of the source at which the recording begins.
        """
        import av

        self._av, self._container, self._sound, self._start = av, container, sound, start
        self._layout = "mono" if sound.channels == 1 else "stereo"
        self._stream = container.add_stream(codec, rate=RATE, layout=self._layout)
        self._stream.bit_rate = 80_000 * sound.channels
        self._drops_lead_in = codec == "aac"
        self._count = 0  # samples so far
        self._end: int | None = None

    def fill(self, complete: float) -> None:
        """Encode what has arrived, and silence where samples are missing before second `complete`."""
        for begin, samples in self._sound.read(self._start, self._start + complete + SOUND_LATE):
            missing = round((begin - self._start) * RATE) - self._count
            if self._count == 0 or abs(missing) > _SOUND_JITTER * RATE:
                self._silence(missing)
                samples = samples[:, max(0, -missing) :]
            self._write(samples)
        self._silence(round(complete * RATE) - self._count)

    def end(self, seconds: float) -> None:
        """Encode the rest, up to the sample at which the recording ends, in its seconds."""
        self._end = round(seconds * RATE)
        self.fill(seconds)
        self._mux(None)

    def _silence(self, count: int) -> None:
        while count > 0:
            part = np.zeros((self._sound.channels, min(count, RATE)), np.float32)
            self._write(part)
            count -= part.shape[1]

    def _write(self, samples: np.ndarray) -> None:
        if self._end is not None:
            samples = samples[:, : max(0, self._end - self._count)]
        if not samples.shape[1]:
            return
        frame = self._av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), "fltp", self._layout)
        frame.rate, frame.pts, frame.time_base = RATE, self._count, Fraction(1, RATE)
        self._count += samples.shape[1]
        self._mux(frame)

    def _mux(self, frame: Any) -> None:
        for packet in self._stream.encode(frame):
            # AAC begins with a priming packet before second 0. A fragmented file cannot say that it is to be
            # skipped, and the sound would be late.
            if not (self._drops_lead_in and packet.pts is not None and packet.pts < 0):
                self._container.mux(packet)
