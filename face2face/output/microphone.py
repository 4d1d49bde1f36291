"""A microphone's sound with the time of each sample, by PortAudio (sounddevice)."""

import collections
import contextlib
import queue
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from face2face import loading
from face2face.output import portaudio
from face2face.output.sound import Resampler, Sound

_QUEUED_BLOCKS = 1000  # while no recording reads them: 20 seconds, then the oldest are dropped

_LOSSES = ((50, 0.1), (150, 0.03))
"""Pairs (blocks, seconds). Samples were lost if all of the last `blocks` blocks, which are one or three
seconds of sound, are late by more than `seconds`. On a busy machine all of a second may be a little late.
Sound that is early by 45 ms is noticed (ITU-R BT.1359)."""


class Microphone(Sound):
    """A microphone that is heard from the moment it is opened."""

    def __init__(self, device: str | None, clock: float, latency: str = "high") -> None:
        """Open the device and start it.

        Args:
            device: A part of its name, or its number among PortAudio's devices; None: the system's default.
            clock: `time.monotonic()` at second 0 of the pictures' time line.
            latency: "high", which loses fewer samples, or "low". The delay is in each block's time.

        Raises:
            UserError: If PortAudio is not installed, or the device is missing or cannot be opened.
        """
        wanted = portaudio.device_of(device)
        sounddevice = portaudio.import_sounddevice()
        try:
            with loading.quiet_stderr():  # ALSA writes its own lines
                found = sounddevice.query_devices(wanted, "input")
                self.channels = min(2, found["max_input_channels"])
                # Not every device can be opened at `RATE`; each can at its own rate.
                rate = round(found["default_samplerate"])
                self._blocks = TimedBlocks(self.channels, rate, clock)
                self._stream = sounddevice.InputStream(
                    samplerate=rate,
                    blocksize=round(portaudio.BLOCK_SECONDS * rate),
                    device=wanted,
                    channels=self.channels,
                    dtype="float32",
                    latency=latency,
                    callback=self._blocks.add,
                )
                self._stream.start()
        except (ValueError, sounddevice.PortAudioError) as error:
            raise portaudio.cannot_open(sounddevice, device, "input", error) from None

    def read(self, start: float, until: float) -> Iterator[tuple[float, np.ndarray]]:
        """Yield the samples that have arrived; see `Sound.read`."""
        return self._blocks.read(start)

    def close(self) -> None:
        """Stop the device."""
        self._stream.close()


class TimedBlocks:
    """The blocks of samples that PortAudio has delivered and no recording has read yet."""

    def __init__(self, channels: int, rate: int, clock: float) -> None:
        """Begin without a block.

        Args:
            channels: 1 or 2.
            rate: The device's sample rate in Hz.
            clock: `time.monotonic()` at second 0 of the pictures' time line.
        """
        self._rate, self._clock = rate, clock
        self._timeline = Timeline()
        self._resampler = Resampler(channels)
        self._blocks: queue.Queue[tuple[float, np.ndarray]] = queue.Queue(_QUEUED_BLOCKS)

    def add(self, samples: np.ndarray, count: int, times: Any, status: Any) -> None:
        """Add a block: PortAudio's callback, called in a thread of its own.

        Args:
            samples: float32 (count, channels), -1 to 1; PortAudio overwrites the array afterwards.
            count: Samples per channel.
            times: Has `currentTime` and `inputBufferAdcTime`, the capture time of the first sample,
                in seconds on PortAudio's clock.
            status: Flags of lost samples; unused, since `Timeline` finds gaps by the time.
        """
        length = count / self._rate
        # PulseAudio's ALSA device reports an age below the block's own length, and other systems report no
        # time at all (0). The first sample is at least as old as the block is long.
        has_time = times.inputBufferAdcTime > 0
        age = max(length, times.currentTime - times.inputBufferAdcTime) if has_time else length
        begin = self._timeline.place(time.monotonic() - self._clock - age, length)
        block = (begin, samples.T.copy())
        while True:
            try:
                return self._blocks.put_nowait(block)
            except queue.Full:
                with contextlib.suppress(queue.Empty):
                    self._blocks.get_nowait()

    def read(self, start: float) -> Iterator[tuple[float, np.ndarray]]:
        """Yield what has been added, without blocks that end before the second `start`; see `Sound.read`."""
        with contextlib.suppress(queue.Empty):
            while True:
                begin, samples = self._blocks.get_nowait()
                if begin + samples.shape[1] / self._rate > start:
                    yield from self._resampler.samples(samples, self._rate, begin)


class Timeline:
    """The start of each block of a microphone's sound, steadied.

    Consecutive blocks follow each other without gaps, however late one is delivered on a busy machine. Only
    if all blocks are late for long enough, samples were lost in between, and the time line jumps.
    """

    def __init__(self) -> None:
        self._end: float | None = None  # of the last block, in seconds
        self._delays: collections.deque[float] = collections.deque(maxlen=_LOSSES[-1][0])

    def place(self, measured: float, length: float) -> float:
        """Place the next block.

        Args:
            measured: The second at which it seems to begin, which is late by the delay of its delivery.
            length: Of the block, in seconds.

        Returns:
            The second at which it begins.
        """
        if self._end is None:
            self._end = measured
        delay = measured - self._end
        self._delays.append(delay)
        if shift := min(delay, 0.0) or self._lost():  # no block is early: an earlier one was late
            self._end += shift
            self._delays.clear()
        begin = self._end
        self._end += length
        return begin

    def _lost(self) -> float:
        """How many seconds of samples were lost without the time line's knowing."""
        delays = list(self._delays)
        for count, seconds in _LOSSES:
            if len(delays) >= count and (least := min(delays[-count:])) > seconds:
                return least
        return 0.0
