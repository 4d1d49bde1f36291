import contextlib
import shutil

import pytest

from face2face.face.landmarks import LandmarkDetector
from face2face.face.tracking import Tracker
from face2face.generator.generator import Generator
from face2face.live.options import DrivingOptions
from face2face.live.painter import Painter
from face2face.sources.base import Frame
from tests.live import two_in_view
from tests.screen import virtual_screen


@pytest.fixture(scope="module")
def people(clips) -> list[Frame]:
    return two_in_view.two_people(clips, 10)


@pytest.fixture(scope="module")
def detector() -> LandmarkDetector:
    return LandmarkDetector()


@pytest.fixture
def painter(frozen_model, detector):
    """Makes painters, and closes them."""
    with contextlib.ExitStack() as stack:

        def make(**driving) -> Painter:
            tracker = Tracker(detector, smoothing=0.0)
            return stack.enter_context(Painter(tracker, [Generator(frozen_model)], DrivingOptions(**driving)))

        yield make


@pytest.fixture
def display(monkeypatch):
    """A screen of 1280x800, empty and black."""
    if not (shutil.which("Xvfb") and shutil.which("xdotool")):
        pytest.skip("needs Xvfb and xdotool (apt-get install)")
    with virtual_screen() as name:
        monkeypatch.setenv("DISPLAY", name)
        monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
        yield name
