"""A microphone's sound for calls, played to a virtual cable as late as the pictures are."""

import time
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np

from face2face import cli, loading
from face2face.output import portaudio
from face2face.output.microphone import Microphone
from face2face.output.sound import RATE

KEPT_SECONDS = 5.0
"""So much sound is kept: the longest delay."""

TOLERANCE_SECONDS = 0.02
"""The delay is put right where it is wrong by more: voice and lips that differ by less look simultaneous."""

OUTPUT_SECONDS = 0.04
"""Length of the output's own buffer. A shorter one would run empty while the networks use all cores."""

SILENT_SECONDS = 2.0
"""After so much played sound without a sample of the microphone it counts as lost.

Played sound is counted, not time: a busy machine may let neither the microphone nor the output go on for
seconds."""

_TYPICAL_BLOCKS = 150
"""How many of the latest blocks the lateness is the median of: 3 seconds."""


class DelayedMicrophone:
    """Plays a microphone's sound to an output, delayed, from the moment it is opened until `close`."""

    def __init__(self, output: str, microphone: str | None, delay: Callable[[], float | None]) -> None:
        """Open both devices and start them.

        Args:
            output: The virtual cable: a part of its name, or its number among PortAudio's devices.
            microphone: Likewise; None: the system's default.
            delay: The delay from the microphone to the output in seconds, asked for each block; None: as long
                as it is unknown, silence is played. The devices' own buffers may make it longer.

        Raises:
            UserError: If PortAudio is not installed, or a device is missing or cannot be opened.
        """
        wanted = portaudio.device_of(output)
        sounddevice = portaudio.import_sounddevice()
        self._clock = time.monotonic()
        self._delay = delay
        self._is_closing = self._is_lost = False
        self._silent_blocks = 0  # were played since the microphone's last sample
        self._lateness: deque[float] = deque(maxlen=_TYPICAL_BLOCKS)
        self._microphone = Microphone(microphone, self._clock, "low")
        self._line = DelayLine(self._microphone.channels)
        try:
            with loading.quiet_stderr():  # ALSA writes its own lines
                found = sounddevice.query_devices(wanted, "output")
                self._stream = sounddevice.OutputStream(
                    samplerate=RATE,
                    blocksize=round(portaudio.BLOCK_SECONDS * RATE),
                    device=wanted,
                    channels=min(2, found["max_output_channels"]),
                    dtype="float32",
                    latency=OUTPUT_SECONDS,
                    callback=self._play,
                    finished_callback=self._end,
                )
                self._stream.start()
        except (ValueError, sounddevice.PortAudioError) as error:
            self._microphone.close()
            raise portaudio.cannot_open(sounddevice, output, "output", error) from None

    @property
    def lateness(self) -> float | None:
        """The sound's delay in seconds, the median of the last blocks; None: no sound is played.

        Where the devices' own buffers are longer than the delay that was asked for, it is as long as these.
        """
        latest = list(self._lateness)
        return float(np.median(latest)) if latest else None

    def close(self) -> None:
        """Stop both devices."""
        self._is_closing = True
        self._stream.close()
        self._microphone.close()

    def _play(self, samples: np.ndarray, count: int, times: Any, status: Any) -> None:
        """Fill the output's next block: PortAudio's callback, called in a thread of its own.

        Args:
            samples: float32 (count, channels), to be written.
            count: Samples per channel.
            times: Has `currentTime` and `outputBufferDacTime`, when the first sample is played, in seconds on
                PortAudio's clock.
            status: Flags of late blocks; unused, since `DelayLine` puts the delay right.
        """
        now = time.monotonic() - self._clock
        self._silent_blocks += 1
        for begin, arrived in self._microphone.read(0.0, now):
            self._line.add(begin, arrived)
            self._silent_blocks = 0
        is_silent = self._silent_blocks * count > SILENT_SECONDS * RATE
        if is_silent and not self._is_lost:
            self._is_lost = True
            cli.warn("the microphone of --delay-microphone gives no more sound: was it unplugged?")
        delay = self._delay()
        if is_silent or delay is None:
            self._lateness.clear()
            samples.fill(0)
            return
        played_at = now + max(times.outputBufferDacTime - times.currentTime, 0.0)
        played = self._line.read(played_at - delay, count)
        self._lateness.append(played_at + count / RATE - self._line.read_until)
        # One channel is played on both; of two that are played on one, each is half as loud.
        samples[:] = played.mean(axis=0)[:, None] if samples.shape[1] == 1 else played.T

    def _end(self) -> None:
        """PortAudio's callback at the end of the stream, wanted or not."""
        if not self._is_closing:
            self._lateness.clear()
            cli.warn("the output of --delay-microphone plays no more sound: was it removed?")


class DelayLine:
    """The latest sound of a microphone, from which blocks are read in order, some time later.

    Attributes:
        read_until: The second at which the last block that was read ends; 0 before the first one.
    """

    def __init__(self, channels: int) -> None:
        """Begin with silence.

        Args:
            channels: 1 or 2.
        """
        self._kept = np.zeros((channels, round(KEPT_SECONDS * RATE)), np.float32)
        self._count = 0  # of samples that were added
        self._end = 0.0  # the second at which they end
        self._next: int | None = None  # the sample that follows the last block that was read
        self._repeated_at = 0  # how many samples there were when a block was last read without enough of them
        self.read_until = 0.0

    def add(self, begin: float, samples: np.ndarray) -> None:
        """Add the microphone's next samples.

        Args:
            begin: The second of the first of them.
            samples: float32 (channels, n).
        """
        until = self._count + samples.shape[1]
        self._kept[:, np.arange(self._count, until) % self._kept.shape[1]] = samples
        self._count, self._end = until, begin + samples.shape[1] / RATE

    def read(self, begin: float, count: int) -> np.ndarray:
        """Read the block that follows the last one, or, where that is too early or too late, another one.

        The sound is faded from the one to the other within the block.

        Args:
            begin: The second at which the block should begin. Where it is not there yet, the latest is read,
                but only once: where no samples came since, the block fades to silence.
            count: Samples per channel.

        Returns:
            float32 (channels, count).
        """
        tolerance = round(TOLERANCE_SECONDS * RATE)
        wanted = self._count + round((begin - self._end) * RATE)
        latest = self._count - count - tolerance
        if wanted > latest:  # which comes and goes by whole blocks
            wanted, tolerance = latest, 3 * tolerance
        first = wanted if self._next is None else self._next
        is_there = first + count <= self._count
        block = self._block(first, count)
        if not is_there:
            if self._count == self._repeated_at:  # the same sound over and over would be a buzz
                wanted = self._count
            self._repeated_at = self._count
        if not is_there or abs(wanted - first) > tolerance:
            share = np.linspace(0, 1, count, dtype=np.float32)
            block += share * (self._block(wanted, count) - block)
            first = wanted
        self._next = first + count
        self.read_until = self._end - (self._count - self._next) / RATE
        return block

    def _block(self, first: int, count: int) -> np.ndarray:
        """The samples from a place on, float32 (channels, count); 0 where there are none."""
        places = np.arange(first, first + count)
        block = self._kept[:, places % self._kept.shape[1]]
        is_kept = (places >= 0) & (places < self._count) & (places >= self._count - self._kept.shape[1])
        return np.where(is_kept, block, np.float32(0))
