import contextlib
import shutil
import subprocess

import pytest

from face2face.face.landmarks import LandmarkDetector
from face2face.face.tracking import Tracker
from face2face.generator.generator import Generator
from face2face.live.options import DrivingOptions
from face2face.live.painter import Painter
from face2face.sources.base import Frame
from tests.live import two_in_view


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
    server = subprocess.Popen(
        # Without its reset after each last client, in which it turns away the next one.
        ["Xvfb", "-displayfd", "1", "-screen", "0", "1280x800x24", "-nolisten", "tcp", "-noreset"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    name = f":{server.stdout.readline().strip()}"
    monkeypatch.setenv("DISPLAY", name)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    yield name
    server.terminate()
    server.wait(timeout=10)
