"""The window as a person sees it: on a virtual screen, with real keys. Xvfb, xdotool: Debian packages."""

import re
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest

from tests import made

pytestmark = pytest.mark.skipif(
    not (shutil.which("Xvfb") and shutil.which("xdotool")), reason="needs Xvfb and xdotool (apt-get install)"
)

TITLE = "face2face"


@pytest.fixture
def display(tmp_path, monkeypatch):
    """A screen of 1280x800, empty and black."""
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", "1", "-screen", "0", "1280x800x24", "-nolisten", "tcp"],
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


def screenshot() -> np.ndarray:
    """uint8 (H, W, 3), RGB."""
    import mss

    with mss.MSS() as grabber:
        return np.array(grabber.grab(grabber.monitors[0]))[:, :, 2::-1]


def until(what, seconds: float = 60):
    """The first true answer, asked for again and again."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := what():
            return answer
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s: {what}")


def xdotool(*arguments) -> str:
    return subprocess.run(["xdotool", *arguments], capture_output=True, text=True).stdout.strip()


def window() -> str:
    return xdotool("search", "--name", TITLE)


@pytest.fixture
def running(display, frozen_model, clips):
    """run_webcam.py on a clip, when its window shows a picture."""
    process = subprocess.Popen(
        [
            *(sys.executable, made.ROOT / "run_webcam.py", "--tf-model", frozen_model),
            *("--source", clips / "WolfgangLanger_Pexels.mp4"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    until(lambda: process.poll() is not None or (window() and screenshot().any()))
    yield process
    process.kill()
    process.communicate()


def end_of(process) -> str:
    said, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    frames = int(re.search(r"(\d+) frames, \d+ with a face, [\d.]+ frames/s", said)[1])
    assert 0 < frames < 472  # it was ended, and did not end by itself
    return said


def test_the_window_shows_both_faces_and_they_move(running):
    first = screenshot()
    rows, columns = np.nonzero(first.any(axis=-1))
    height, width = np.ptp(rows), np.ptp(columns)
    assert width / height == pytest.approx(2, abs=0.2)
    until(lambda: np.abs(screenshot().astype(int) - first).max() > 30)


def test_the_title_tells_the_frames_per_second(running):
    until(lambda: re.fullmatch(rf"{TITLE} - \d+\.\d frames/s", xdotool("getwindowname", window())))


@pytest.mark.parametrize("key", ["q", "Escape"])
def test_a_key_ends_it(running, key):
    xdotool("windowfocus", "--sync", window())
    xdotool("key", "--window", window(), key)
    end_of(running)


def test_the_windows_own_button_ends_it(running, display):
    press_close_button(display)
    end_of(running)


def press_close_button(display: str) -> None:
    """What a window manager sends; the virtual screen has none."""
    from Xlib import X
    from Xlib.display import Display
    from Xlib.protocol.event import ClientMessage

    screen = Display(display)
    shown = screen.create_resource_object("window", int(window()))
    protocols, delete = (screen.intern_atom(name) for name in ("WM_PROTOCOLS", "WM_DELETE_WINDOW"))
    data = (32, [delete, X.CurrentTime, 0, 0, 0])
    shown.send_event(ClientMessage(window=shown, client_type=protocols, data=data))
    screen.close()
