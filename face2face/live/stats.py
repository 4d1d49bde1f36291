"""How fast it goes: frames per second, what each stage takes, how old a picture is when it is shown."""

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

_KEPT = 10_000
"""Times that are kept of each stage, the latest: a program that runs for days does not grow."""

_RECENT_SECONDS = 2.0

Count = Annotated[int, msgspec.Meta(ge=0)]


class Times(msgspec.Struct):
    """Of a stage, or of the latency."""

    median_ms: float
    p95_ms: float


class Summary(msgspec.Struct, omit_defaults=True):
    """What the file of `--stats` holds. latency: None if no frame was shown. stages: by their names."""

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

    frames: that were shown. dropped: that a camera took and nobody had time for.
    latency: from a frame's capture to its picture.
    """

    def __init__(self):
        self.frames = self.frames_with_face = self.dropped = 0
        self.stages: dict[str, deque[float]] = {stage: deque(maxlen=_KEPT) for stage in STAGES}
        self.latency: deque[float] = deque(maxlen=_KEPT)
        self._shown_at: deque[float] = deque()
        self._began: float | None = None
        self._ended: float | None = None

    def start(self) -> None:
        self._began = time.perf_counter()

    def stop(self) -> None:
        self._ended = time.perf_counter()

    @property
    def fps(self) -> float:
        """Frames per second since `start`, up to `stop`."""
        if self._began is None:
            return 0.0
        return self.frames / max((self._ended or time.perf_counter()) - self._began, 1e-9)

    @property
    def recent_fps(self) -> float:
        """Frames per second of the last seconds."""
        shown = list(self._shown_at)
        return (len(shown) - 1) / max(shown[-1] - shown[0], 1e-9) if len(shown) > 1 else 0.0

    @property
    def recent_latency(self) -> float:
        """Seconds from capture to picture, of the last frame."""
        return self.latency[-1] if self.latency else 0.0

    @contextlib.contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.stages[stage].append(time.perf_counter() - began)

    def show(self, captured: float, has_face: bool) -> None:
        """Count a frame that was captured at a time, by `time.perf_counter`, and is shown now."""
        now = time.perf_counter()
        self.frames += 1
        self.frames_with_face += has_face
        self.latency.append(now - captured)
        self._shown_at.append(now)
        while now - self._shown_at[0] > _RECENT_SECONDS:
            self._shown_at.popleft()

    def summary(self) -> Summary:
        """Counts, fps, and of the latency and each stage the median and the 95th percentile."""
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
        """As JSON. Raises: UserError if another file is in the way; OSError."""
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
