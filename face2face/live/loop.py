"""The real-time loop: frame -> landmarks -> drawing -> generator -> window, file, page, virtual camera."""

import itertools
from collections.abc import Iterator
from typing import Protocol

import cv2

from face2face.live.driven_frame import DrivenFrame
from face2face.live.pipeline import Pipeline
from face2face.live.stats import Stats
from face2face.sources.base import Frame, Source

CONCURRENCY = 2
"""Faces that are generated at the same time where the loop is slower than its source. Two inference requests
run concurrently: a single one on all cores stalls at every layer on the core that detects landmarks. Where
the loop waits for its source, a face alone on all cores is there sooner (`generator.KEEPS_UP`)."""


class Stages(Protocol):
    """What the loop does with each frame, one stage after the other, each in a thread of its own.

    Attributes:
        concurrency: How many frames `generate` may have begun and not finished.
        stats: What is measured.
    """

    concurrency: int
    stats: Stats

    def detect(self, frame: Frame) -> DrivenFrame:
        """Detect the driver's landmarks, and draw the generator's input."""

    def generate(self, driven: DrivenFrame) -> DrivenFrame:
        """Begin to generate the face."""

    def present(self, driven: DrivenFrame) -> DrivenFrame:
        """Wait for the face, and decide what is shown."""


class FrameSink(Protocol):
    """Where driven frames go."""

    def write(self, driven: DrivenFrame) -> None:
        """Show, record or send a frame that has passed all stages."""

    def goes_on(self) -> bool:
        """Carry out the user's commands, whether there is a new frame or not. False ends the loop."""


def run(source: Source, stages: Stages, sink: FrameSink, limit: int | None = None) -> None:
    """Drive the target's face with each frame, until the source, the limit or the user ends it.

    Capture and the stages run at the same time, in threads of their own; the sink runs in this thread. A
    live source does not wait: frames that come too fast are dropped.

    Args:
        source: The driver's frames.
        stages: What is done with each.
        sink: Where they go then.
        limit: Number of frames after which it ends; None: no limit.
    """
    cv2.setNumThreads(1)  # the stages fill the cores; OpenCV's own threads would spin between its functions
    frames, stats = source.frames(), stages.stats

    def captured() -> Iterator[Frame]:
        while True:
            with stats.measure("capture"):
                frame = next(frames, None)
            if frame is None:
                return
            yield frame

    items = captured() if source.live else itertools.islice(captured(), limit)
    steps = (stages.detect, stages.generate, stages.present)
    with Pipeline(items, steps, source.live, stages.concurrency) as pipeline:
        try:
            for driven in pipeline:
                if driven is not None:
                    with stats.measure("output"):
                        sink.write(driven)
                goes_on = sink.goes_on()  # only here does a window draw what was written to it
                if driven is not None:
                    stats.show(driven.captured, driven.points is not None)
                    stats.dropped = pipeline.dropped
                if not goes_on or stats.frames == limit:
                    break
        finally:
            source.stop()  # the capturing thread may wait for a camera that is gone
