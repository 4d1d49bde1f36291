"""The sound of a recording, beside its pictures."""

from fractions import Fraction

import numpy as np

from face2face.output.sound import RATE, Sound

SOUND_LATE = 0.5
"""Seconds that sound may come after its picture; later it is silence."""

_SOUND_JITTER = 0.005  # seconds by which pieces of sound may seem to miss each other without a gap


class SoundTrack:
    """The sound of a recording, sample by sample beside its pictures; silence where there is none."""

    def __init__(self, container, codec: str, sound: Sound, start: float):
        """start: the second of the source at which the recording begins."""
        import av

        self._av, self._container, self._sound, self._start = av, container, sound, start
        self._layout = "mono" if sound.channels == 1 else "stereo"
        self._stream = container.add_stream(codec, rate=RATE, layout=self._layout)
        self._stream.bit_rate = 80_000 * sound.channels
        self._drops_lead_in = codec == "aac"
        self._count = 0  # samples so far
        self._end: int | None = None

    def fill(self, complete: float) -> None:
        """Write what is there; up to `complete`, in the recording's seconds, it is all there will be."""
        for begin, samples in self._sound.read(self._start, self._start + complete + SOUND_LATE):
            missing = round((begin - self._start) * RATE) - self._count
            if self._count == 0 or abs(missing) > _SOUND_JITTER * RATE:
                self._silence(missing)
                samples = samples[:, max(0, -missing) :]
            self._write(samples)
        self._silence(round(complete * RATE) - self._count)

    def end(self, seconds: float) -> None:
        """Write the rest, to the sample that ends the recording."""
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

    def _mux(self, frame) -> None:
        for packet in self._stream.encode(frame):
            # AAC begins with a packet before the second 0, only to lead in. A fragmented file has no place
            # for it, and would delay one of the two tracks.
            if not (self._drops_lead_in and packet.pts is not None and packet.pts < 0):
                self._container.mux(packet)
