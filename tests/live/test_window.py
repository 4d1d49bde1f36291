"""The window as a person sees it: on a virtual screen, with real keys. Xvfb, xdotool: Debian packages."""

import re
import subprocess
import sys
import time

import cv2
import numpy as np
import pytest

from face2face.live.composer import MARK_COLOUR
from face2face.sources.open import open_source
from tests import made
from tests.live.two_in_view import write_two_people
from tests.made import until
from tests.screen import TITLE, press, press_close_button, screenshot, window, xdotool


@pytest.fixture
def start(display, frozen_model, clips, tmp_path):
    """Runs run_webcam.py on a clip, in a folder of its own, until its window shows a picture."""
    processes = []

    def run(*arguments) -> subprocess.Popen:
        process = open_one(*arguments)
        until(lambda: process.poll() is not None or screenshot().any() or map_anew())
        assert process.poll() is None, process.communicate()
        xdotool("windowfocus", "--sync", window())
        return process

    def map_anew() -> None:
        """As a window manager does with new windows: without one some of OpenCV's (Qt) stay black."""
        time.sleep(0.5)
        if not screenshot().any():
            xdotool("windowunmap", "--sync", window(), "windowmap", "--sync", window())

    def open_one(*arguments) -> subprocess.Popen:
        command = [sys.executable, made.ROOT / "run_webcam.py", "--tf-model", frozen_model]
        process = subprocess.Popen(
            [*command, "--source", clips / "WolfgangLanger_Pexels.mp4", *arguments],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        until(lambda: process.poll() is not None or window())
        return process

    yield run
    for process in processes:
        process.kill()
        process.communicate()


@pytest.fixture
def running(start):
    return start()


def end_of(process) -> str:
    said, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    frames = int(re.search(r"(\d+) frames, \d+ with a face, [\d.]+ frames/s", said)[1])
    assert 0 < frames < 472  # it was ended, and did not end by itself
    return said


def test_the_window_shows_both_faces_that_move_and_their_speed(running):
    first = screenshot()
    rows, columns = np.nonzero(first.any(axis=-1))
    height, width = np.ptp(rows), np.ptp(columns)
    assert width / height == pytest.approx(2, abs=0.2)
    until(lambda: np.abs(screenshot().astype(int) - first).max() > 30)
    until(lambda: re.fullmatch(rf"{TITLE} - \d+\.\d frames/s", xdotool("getwindowname", window())))


FULL_SCREEN = """
import cv2
from face2face.output.window import Window

def is_full():
    return cv2.getWindowProperty(Window.TITLE, cv2.WND_PROP_FULLSCREEN) == cv2.WINDOW_FULLSCREEN

for fullscreen in (False, True):
    window = Window(600, 300, fullscreen)
    states = [is_full()]
    for _ in range(2):
        window.toggle_fullscreen()
        states.append(is_full())
    window.close()
    print(states)
"""


def test_full_screen_is_as_asked_for_and_toggled(display):
    """As OpenCV tells it: to fill the screen is a window manager's work, and the virtual screen has none."""
    ended = made.run_script("-c", FULL_SCREEN)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines() == ["[False, True, False]", "[True, False, True]"]


OPENED = """
import contextlib
import sys
from types import SimpleNamespace

import cv2
from face2face.live.options import OutputOptions
from face2face.live.outputs import open_presenter
from face2face.output.window import Window
from face2face.sources.open import open_source

for fullscreen in (False, True):
    with contextlib.ExitStack() as stack, open_source(sys.argv[1]) as source:
        options = OutputOptions(fullscreen=fullscreen, size=(600, 300))
        driver = SimpleNamespace(calibrate=None, next_face=None, gains={})
        painter = SimpleNamespace(size=64, driver=driver)
        open_presenter(stack, options, source, None, ["model"], painter)
        print(cv2.getWindowProperty(Window.TITLE, cv2.WND_PROP_FULLSCREEN) == cv2.WINDOW_FULLSCREEN)
"""


def test_the_window_of_a_run_is_as_large_as_its_options_say(display, clips):
    ended = made.run_script("-c", OPENED, clips / "single_face.mp4")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines() == ["False", "True"]


def test_escape_ends_it(running):
    """As q does at the end of all keys, below."""
    press("Escape")
    end_of(running)


def test_the_windows_own_button_ends_it(running, display):
    press_close_button(display)
    end_of(running)


def test_a_number_key_switches_to_another_model(start, tmp_path):
    """The second one answers with its drawing: white lines on black, where there was a painted face."""
    lines = made.repeating_model(tmp_path / "lines.pb", made.SMALL.image_size)

    def share_of_black() -> float:
        return float((shown()[120:280, 320:580] < 8).all(axis=-1).mean())

    start("--size", "600x300", "--tf-model", lines)
    until(lambda: share_of_black() < 0.3)
    press("2")
    until(lambda: share_of_black() > 0.5)
    press("1")
    until(lambda: share_of_black() < 0.3)


def test_a_key_takes_the_next_face_and_the_mark_goes_there(start, clips, tmp_path):
    def marked() -> float | None:
        """Where the mark is, over the width of the driver's picture."""
        driver = shown()[60:, :300].astype(int)
        _, columns = np.nonzero(np.abs(driver - MARK_COLOUR).max(axis=-1) < 40)
        return columns.mean() / 300 if len(columns) > 20 else None

    start("--size", "600x300", "--source", write_two_people(clips, 72, tmp_path / "two.mp4"))
    first = until(marked)
    press("n")
    until(lambda: (at := marked()) is not None and abs(at - (1 - first)) < 0.2)
    assert abs(first - 0.5) > 0.15


def shown() -> np.ndarray:
    """What is in the window of `--size 600x300`, uint8 (300, 600, 3), RGB."""
    return screenshot()[:300, :600]


def test_size_and_keys(start, tmp_path):
    process = start("--size", "600x300")
    until(lambda: shown()[-3:].any() and shown()[:, -3:].any())
    assert not screenshot()[300:].any() and not screenshot()[:, 600:].any()
    until(lambda: black_beside() < 0.3)  # the driver
    press("v")
    until(lambda: black_beside() > 0.5)  # the drawing
    press("v")
    until(lambda: black_beside() < 0.3)  # the driver, with his landmarks
    press("v")
    until(is_face_alone)

    dark = (shown()[150:190, :140].mean(), shown()[150:190, 160:300].mean())
    press("h")
    until(lambda: shown()[150:190, :140].max() > 200)  # the keys' letters, on a dark panel
    assert shown()[150:190, 160:300].mean() < 0.6 * dark[1]
    press("h")
    until(is_face_alone)

    press("space")
    until(is_still)
    press("space")
    until(lambda: not is_still())

    press("s")
    (snapshot,) = until(lambda: list(tmp_path.glob("face2face-*.png")))
    until(lambda: cv2.imread(str(snapshot)) is not None)
    side = 2 * made.SMALL.image_size
    assert cv2.imread(str(snapshot)).shape == (side, side, 3)  # the view that was shown

    press("r")
    (recording,) = until(lambda: list(tmp_path.glob("face2face-*.mp4")))
    until(lambda: recording.stat().st_size > 10_000)
    press("r")
    until(lambda: has_its_size(recording))
    press("q")
    said = end_of(process)
    assert f"wrote {recording.name}" in said
    with open_source(str(recording)) as source:
        assert len(list(source.frames())) >= 5


def black_beside() -> float:
    """The share that is black of what is left of the face, below the letters."""
    return float((shown()[60:, :300] < 8).all(axis=-1).mean())


def has_its_size(path) -> bool:
    """Whether a recording grows no more, for longer than a fragment of it takes."""
    size = path.stat().st_size
    time.sleep(2)
    return path.stat().st_size == size


def is_face_alone() -> bool:
    """Whether it stands in the middle, with nothing beside it."""
    picture = shown()[200:]
    return not picture[:, :140].any() and picture[:, 160:440].any(axis=-1).mean() > 0.9


def is_still() -> bool:
    """Whether the face stands still below the letters, for longer than a slow machine takes for a frame."""
    first = shown()[120:]
    time.sleep(0.5)
    return np.array_equal(shown()[120:], first)
