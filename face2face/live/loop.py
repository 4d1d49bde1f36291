"""The real-time loop: frame -> face -> points -> drawing -> generator -> window, file, page, camera."""

import itertools
import time
from collections.abc import Iterator

import cv2

from face2face.live.painter import Painted, Painter, Painting, Seen
from face2face.live.pipeline import Pipeline
from face2face.live.presenter import Presenter
from face2face.live.stats import Stats
from face2face.sources.base import Frame, Source

CONCURRENCY = 2
"""Faces that are painted at the same time. One on all cores would wait, layer after layer, for the core that
looks for landmarks meanwhile: two take turns with it."""


def run(
    source: Source,
    painter: Painter,
    stats: Stats,
    output: Presenter,
    limit: int | None = None,
) -> None:
    """Paint each frame and put it out, until the source, the limit or the user ends it.

    Capture, landmarks and generators work at the same time, in threads of their own; the output in this one.
    A live source's frames do not wait: those that come too fast are dropped.
    """
    cv2.setNumThreads(1)  # the stages fill the cores; OpenCV's own threads would spin between its functions
    frames = source.frames()

    def captured() -> Iterator[tuple[Frame, float]]:
        while True:
            with stats.measure("capture"):
                frame = next(frames, None)
            if frame is None:
                return
            yield frame, time.perf_counter()

    def look(item: tuple[Frame, float]) -> tuple[Seen, float]:
        return painter.look(item[0], stats), item[1]

    def paint(item: tuple[Seen, float]) -> tuple[Painting, float]:
        return painter.paint(item[0], stats), item[1]

    def show(item: tuple[Painting, float]) -> tuple[Painted, float, float]:
        return painter.show(item[0]), item[0].seen.seconds, item[1]

    items = captured() if source.live else itertools.islice(captured(), limit)
    with Pipeline(items, (look, paint, show), source.live, painter.concurrency) as pipeline:
        try:
            for result in pipeline:
                if result is not None:
                    painted, seconds, at = result
                    with stats.measure("output"):
                        output.write(painted, seconds, stats)
                    stats.show(at, painted.points is not None)
                    stats.dropped = pipeline.dropped
                if not output.goes_on(painter) or stats.frames == limit:
                    break
        finally:
            source.stop()  # the capturing thread may wait for a camera that is gone
