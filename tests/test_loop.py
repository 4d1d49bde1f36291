"""The real-time loop: two faces at a time, in the order of their frames."""

import threading

import numpy as np

from face2face.face.landmarks import LandmarkDetector
from face2face.face.tracking import Tracker
from face2face.generator.generator import Generator
from face2face.live import loop
from face2face.live.loop import CONCURRENCY
from face2face.live.painter import DrivingOptions, Painter
from face2face.live.stats import Stats
from face2face.sources.files import open_source


def test_two_faces_are_painted_at_the_same_time(frozen_model, clips):
    """Each waits for another to be painted; what comes out is in the order of the frames nevertheless."""
    clip = clips / "single_face.mp4"
    two = threading.Barrier(2, timeout=30)

    class Together(Generator):
        def __call__(self, drawing: np.ndarray) -> np.ndarray:
            two.wait()
            return super().__call__(drawing)

    class Kept(list):
        def write(self, painted, seconds, stats):
            self.append(painted)

        def goes_on(self, painter):
            return True

    driving, kept = DrivingOptions(retarget=False), Kept()
    together = Together(frozen_model, concurrency=CONCURRENCY)
    with open_source(str(clip)) as source:
        loop.run(source, Painter(Tracker(LandmarkDetector()), [together], driving), Stats(), kept, limit=8)
    with open_source(str(clip)) as source:
        frames = list(source.frames(range(8)))
    alone = Painter(Tracker(LandmarkDetector()), [Generator(frozen_model)], driving)
    for painted, frame in zip(kept, frames, strict=True):
        expected = alone(frame, Stats())
        assert np.array_equal(painted.driver, expected.driver)
        assert np.array_equal(painted.drawing, expected.drawing)
        assert np.abs(painted.generated.astype(int) - expected.generated).max() <= 1
