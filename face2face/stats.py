"""How fast it goes: frames per second, what each stage takes, how old a picture is when it is shown."""

import contextlib
import json
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import numpy as np

STAGES = ("capture", "landmarks", "drawing", "generator", "output")

_KEPT = 10_000
"""Times that are kept of each stage, the latest: a program that runs for days does not grow."""

_RECENT_SECONDS = 2.0


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

    def content(self) -> dict:
        """Counts, fps, and of the latency and each stage the median and the 95th percentile."""
        stages = {stage: _summary(times) for stage, times in self.stages.items() if times}
        return {
            "frames": self.frames,
            "frames_with_face": self.frames_with_face,
            "dropped": self.dropped,
            "fps": self.fps,
            **({"latency": _summary(self.latency)} if self.latency else {}),
            "stages": stages,
        }

    def write(self, path: Path) -> None:
        """As JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.content(), indent=2) + "\n")


def _summary(times: deque[float]) -> dict[str, float]:
    median, high = np.percentile(list(times), (50, 95))
    return {"median_ms": 1000 * float(median), "p95_ms": 1000 * float(high)}
