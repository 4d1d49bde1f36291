"""Where no window can be opened the program says so, and goes on without one."""

import contextlib
import shutil
import socket
import struct
import sys

import av
import pytest

from face2face.cli import UserError
from face2face.live import outputs
from face2face.live.options import OutputOptions
from face2face.output.window import has_screen
from face2face.sources.open import open_source
from tests import made
from tests.screen import virtual_screen

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="others always have a screen")

NO_SCREEN = "no screen here: going on without a window (as with --no-window)"


@pytest.fixture(autouse=True)
def nowhere(monkeypatch):
    """No display is named. What `has_screen` tells Qt is forgotten after the test."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("QT_QPA_PLATFORM", "")


@pytest.fixture
def record(frozen_model, clips, tmp_path):
    """Runs run_webcam.py in a process of its own; gives what it said and the frames that it recorded."""

    def run() -> tuple[str, str, int]:
        arguments = ("--tf-model", frozen_model, "--source", clips / "single_face.mp4", "--limit", 3)
        ended = made.run_script(made.ROOT / "run_webcam.py", *arguments, "--record", "out.mp4", cwd=tmp_path)
        assert ended.returncode == 0, ended.stderr
        with av.open(str(tmp_path / "out.mp4")) as container:
            return ended.stdout, ended.stderr, len(list(container.decode(video=0)))

    return run


@pytest.fixture
def xvfb():
    if not shutil.which("Xvfb"):
        pytest.skip("needs Xvfb (apt-get install)")


@pytest.fixture
def guarded(xvfb, tmp_path, monkeypatch):
    """A screen for those only who know its secret; gives the file that tells it, for XAUTHORITY."""
    monkeypatch.setenv("HOME", str(tmp_path))  # whose .Xauthority would be asked
    parts = (b"", b"", b"MIT-MAGIC-COOKIE-1", bytes(range(16)))  # any address, any display
    entry = b"".join(struct.pack(">H", len(part)) + part for part in parts)
    secret = tmp_path / "secret"
    secret.write_bytes(struct.pack(">H", 0xFFFF) + entry)
    with virtual_screen("-auth", secret) as name:
        monkeypatch.setenv("DISPLAY", name)
        yield secret


@pytest.mark.parametrize("display", [None, "", ":4711", "nonsense"])
def test_no_screen(monkeypatch, display):
    if display is not None:
        monkeypatch.setenv("DISPLAY", display)
    assert not has_screen()


def test_a_wayland_display_is_none_for_a_window_that_knows_x_alone(tmp_path, monkeypatch, record):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "wayland-0"))
        server.listen()
        said, _, frames = record()
    assert NO_SCREEN in said.splitlines() and frames == 3


def test_a_display_that_refuses_us(guarded, record):
    said, errors, frames = record()
    assert NO_SCREEN in said.splitlines() and frames == 3
    assert errors.startswith("Authorization required")  # the server's own reason


def test_a_display_that_lets_us_in_whatever_kind_of_window_was_asked_for(guarded, record, monkeypatch):
    monkeypatch.setenv("XAUTHORITY", str(guarded))
    for platform in ("wayland", "offscreen", "xcb", ""):
        monkeypatch.setenv("QT_QPA_PLATFORM", platform)
        assert has_screen()
    monkeypatch.setenv("QT_QPA_PLATFORM", "wayland")
    said, errors, frames = record()
    assert NO_SCREEN not in said and errors == "" and frames == 3


OPENED = """
from face2face.output.window import Window, has_screen
assert has_screen()
Window(300, 200)
print("open")
"""


def test_a_screen_that_resets_itself_without_clients(xvfb, monkeypatch):
    """It turns away whoever comes meanwhile: the question must not make the window the next one."""
    with virtual_screen("-terminate") as name:  # such a reset ends it, so that it is always noticed
        monkeypatch.setenv("DISPLAY", name)
        ended = made.run_script("-c", OPENED)
    assert (ended.returncode, ended.stdout) == (0, "open\n"), ended.stderr


NO_X = """
from face2face.output.window import Window
Window(300, 200)
"""


def test_where_qt_ends_the_program_it_tells_why():
    ended = made.run_script("-c", NO_X)
    assert ended.returncode != 0 and "could not connect to display" in ended.stderr


def test_nothing_is_recorded_before_the_window_is_there(photos, tmp_path, monkeypatch):
    record = tmp_path / "out.mp4"

    def refused(*_) -> None:
        assert not record.exists()
        raise UserError("no window")

    monkeypatch.setattr(outputs, "has_screen", lambda: True)
    monkeypatch.setattr(outputs, "Window", refused)
    driver = type("Driver", (), {"calibrate": None, "next_face": None, "gains": {}})
    painter = type("Painter", (), {"size": 64, "driver": driver})
    with (
        open_source(str(photos)) as source,
        pytest.raises(UserError, match="no window"),
        contextlib.ExitStack() as stack,
    ):
        outputs.open_presenter(stack, OutputOptions(record=record), source, None, ["model"], painter)
