"""How fast the loop is: frames per second, the time of each stage, the age of a picture when it is shown."""

import contextlib
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import numpy as np

from face2face import cli, files, records

STAGES = ("capture", "landmarks", "drawing", "generator", "output")
"""What is timed, in the order of the loop."""

_KEPT = 10_000
"""How many durations of each stage are kept, the latest: memory stays bounded in a program that runs for
days."""

_RECENT_SECONDS = 2.0
"""The time over which `recent_fps` is measured."""

_TYPICAL_PICTURES = 90
"""How many of the latest pictures the typical latency is the median of: 3 seconds of a usual camera."""

Count = Annotated[int, msgspec.Meta(ge=0)]


class Times(msgspec.Struct):
    """The distribution of a stage's times, or of the latency.

    Attributes:
        median_ms: Median, in milliseconds.
        p95_ms: 95th percentile, in milliseconds.
    """

    median_ms: float
    p95_ms: float


class Summary(msgspec.Struct, omit_defaults=True):
    """The content of the file that `--stats` writes.

    Attributes:
        stages: Times by the stages' names.
        latency: From a frame's capture to its picture; None if no frame was shown.
    """

    format_version: Literal[1]
    made_by: Literal["face2face"]
    frames: Count
    frames_with_face: Count
    dropped: Count
    fps: float
    stages: dict[str, Times]
    latency: Times | None = None


class Stats:
    """Counts and times, in seconds. Any thread may measure and read.

    Attributes:
        frames: How many frames were shown.
        frames_with_face: In how many of them the driver's face was found.
        dropped: How many frames of a live source were replaced by newer ones.
        stages: The latest durations of each of `STAGES`, in seconds.
        latency: The latest durations from a frame's capture to its picture, in seconds.
    """

    def __init__(self) -> None:
        self.frames = self.frames_with_face = self.dropped = 0
        self.stages: dict[str, deque[float]] = {stage: deque(maxlen=_KEPT) for stage in STAGES}
        self.latency: deque[float] = deque(maxlen=_KEPT)
        self._shown_at: deque[float] = deque()
        self._began: float | None = None
        self._ended: float | None = None

    def start(self) -> None:
        """Begin the time that `fps` is measured over."""
        self._began = time.perf_counter()

    def stop(self) -> None:
        """End the time that `fps` is measured over."""
        self._ended = time.perf_counter()

    @property
    def fps(self) -> float:
        """Frames per second since `start`, up to `stop`."""
        if self._began is None:
            return 0.0
        return self.frames / max((self._ended or time.perf_counter()) - self._began, 1e-9)

    @property
    def recent_fps(self) -> float:
        """Frames per second over the last `_RECENT_SECONDS`."""
        shown = list(self._shown_at)
        return (len(shown) - 1) / max(shown[-1] - shown[0], 1e-9) if len(shown) > 1 else 0.0

    @property
    def recent_latency(self) -> float | None:
        """Seconds from the last frame's capture to its picture; None before the first one."""
        return self.latency[-1] if self.latency else None

    @property
    def typical_latency(self) -> float | None:
        """Median of the last pictures' latency, in seconds; None before the first one. Any thread may ask."""
        latest = list(self.latency)[-_TYPICAL_PICTURES:]
        return float(np.median(latest)) if latest else None

    @contextlib.contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        """Time what is done in this context as a stage, one of `STAGES`."""
        began = time.perf_counter()
        yield
        self.stages[stage].append(time.perf_counter() - began)

    def show(self, captured: float, has_face: bool) -> None:
        """Count a frame that is shown now.

        Args:
            captured: When it was captured, by `time.perf_counter`.
            has_face: Whether the driver's face was found in it.
        """
        now = time.perf_counter()
        self.frames += 1
        self.frames_with_face += has_face
        self.latency.append(now - captured)
        self._shown_at.append(now)
        while now - self._shown_at[0] > _RECENT_SECONDS:
            self._shown_at.popleft()

    def summary(self) -> Summary:
        """Counts, frames per second, and the distributions of the latency and of each stage's times."""
        return Summary(
            format_version=1,
            made_by="face2face",
            frames=self.frames,
            frames_with_face=self.frames_with_face,
            dropped=self.dropped,
            fps=self.fps,
            stages={stage: _times(times) for stage, times in self.stages.items() if times},
            latency=_times(self.latency) if self.latency else None,
        )

    def write(self, path: Path) -> None:
        """Write the summary as JSON.

        Raises:
            UserError: If another file is in the way.
            OSError: If the system refuses.
        """
        files.write_text(path, records.encode(self.summary()), is_stats)


def is_stats(path: Path) -> bool:
    """Whether a file is what `Stats.write` wrote."""
    try:
        records.read(path, Summary, "what --stats wrote")
    except cli.UserError:
        return False
    return True


def _times(times: deque[float]) -> Times:
    median, high = np.percentile(list(times), (50, 95))
    return Times(1000 * float(median), 1000 * float(high))
