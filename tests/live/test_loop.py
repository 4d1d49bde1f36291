"""The real-time loop: two faces at a time, in the order of their frames; times, and ends of threads."""

import threading
from dataclasses import replace

import numpy as np

from face2face.face.landmarks import LandmarkDetector
from face2face.face.tracking import Tracker
from face2face.generator.generator import Generator
from face2face.live import loop
from face2face.live.loop import CONCURRENCY
from face2face.live.options import DrivingOptions
from face2face.live.painter import Painter
from face2face.sources.open import open_source
from face2face.sources.streams import LiveSource
from tests.live.test_streams import Device


def test_two_faces_are_painted_at_the_same_time(frozen_model, clips):
    """Each waits for another to be painted; what comes out is in the order of the frames nevertheless."""
    clip = clips / "single_face.mp4"
    two = threading.Barrier(2, timeout=30)

    class Together(Generator):
        def __call__(self, drawing: np.ndarray) -> np.ndarray:
            two.wait()
            return super().__call__(drawing)

    class Kept(list):
        def write(self, driven):
            self.append(driven)

        def goes_on(self):
            return True

    driving, kept = DrivingOptions(retarget=False), Kept()
    together = Together(frozen_model, concurrency=CONCURRENCY)
    with (
        open_source(str(clip)) as source,
        Painter(Tracker(LandmarkDetector()), [together], driving) as painter,
    ):
        loop.run(source, painter, kept, limit=8)
    with open_source(str(clip)) as source:
        frames = list(source.frames(range(8)))
    with Painter(Tracker(LandmarkDetector()), [Generator(frozen_model)], driving) as alone:
        expected = [alone(frame) for frame in frames]
    for driven, each in zip(kept, expected, strict=True):
        assert np.array_equal(driven.preview, each.preview)
        assert np.array_equal(driven.drawing, each.drawing)
        assert np.abs(driven.generated.astype(int) - each.generated).max() <= 1


def test_a_frame_carries_its_capture_time_to_the_latency(frozen_model, clips):
    """Statistics count from when the source delivered the frame, wherever it has waited since."""
    hour = 3600.0

    class Late(LiveSource):
        def frames(self, wanted=None):
            for frame in super().frames(wanted):
                yield replace(frame, captured=frame.captured - hour)

    class Nowhere:
        def write(self, driven):
            pass

        def goes_on(self):
            return True

    with (
        Late("camera", lambda: Device(clips / "single_face.mp4")) as source,
        Painter(Tracker(LandmarkDetector()), [Generator(frozen_model)], DrivingOptions()) as painter,
    ):
        loop.run(source, painter, Nowhere(), limit=3)
    assert len(painter.stats.latency) == 3
    assert all(hour < seconds < hour + 60 for seconds in painter.stats.latency)


def test_the_landmarks_that_were_drawn_are_kept_beside_the_drivers_own(frozen_model, clips):
    generator = Generator(frozen_model)
    with open_source(str(clips / "face_noface.mov")) as source:
        with_face, *_, without = list(source.frames())
    with Painter(Tracker(LandmarkDetector()), [generator], DrivingOptions()) as painter:
        driven, nobody = painter.detect(with_face), painter.detect(without)
    side = min(with_face.picture.shape[:2])
    assert np.array_equal(generator.target.draw(driven.target_points, side), driven.drawing)
    assert not np.allclose(driven.target_points, driven.points)
    assert nobody.points is None and nobody.target_points is None


def test_a_closed_painter_leaves_no_threads(frozen_model, clips):
    with open_source(str(clips / "single_face.mp4")) as source:
        frame = next(source.frames())
    with Painter(Tracker(LandmarkDetector()), [Generator(frozen_model)], DrivingOptions()) as painter:
        painter(frame)
        assert generator_threads()
    assert not generator_threads()


def generator_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("generator")]
