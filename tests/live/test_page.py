"""The page as a person uses it: in Chromium, against the running program."""

import contextlib
import json
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from face2face.output.controls import Controls, State, gain_change
from face2face.output.page.connections import MOST_STREAMS_OF_ONE_ADDRESS
from face2face.output.page.server import Server
from face2face.sources.open import open_source
from tests import browsers, made
from tests.live.test_server import stream
from tests.made import until

CAMERA_FRAMES = 60
RIGHT = "\ue014"  # the arrow key


@pytest.fixture(scope="module")
def chromium(clips, tmp_path_factory):
    """A browser whose camera shows a clip."""
    folder = tmp_path_factory.mktemp("chromium")
    with open_source(str(clips / "single_face.mp4")) as source:
        jpegs = [
            cv2.imencode(".jpg", frame.picture)[1].tobytes() for frame in source.frames(range(CAMERA_FRAMES))
        ]
    (folder / "camera.mjpeg").write_bytes(b"".join(jpegs))
    chrome = browsers.chromium(
        folder / "profile",
        "use-fake-ui-for-media-stream",
        "use-fake-device-for-media-stream",
        f"use-file-for-fake-video-capture={folder / 'camera.mjpeg'}",
    )
    chrome.set_window_size(900, 700)
    yield chrome
    chrome.quit()


@pytest.fixture
def start(frozen_model, tmp_path):
    """Runs run_webcam.py with a page, in a folder of its own; gives the process and the page's address."""
    processes = []

    def run(*arguments) -> tuple[subprocess.Popen, str]:
        command = [sys.executable, made.ROOT / "run_webcam.py", "--tf-model", frozen_model, "--no-window"]
        process = made.start(
            [*command, "--serve", "0", *arguments],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        for line in process.stdout:
            if found := re.match(r"the page: (http://\S+)", line):
                return process, found[1]
        raise AssertionError(process.communicate())

    yield run
    for process in processes:
        process.kill()
        process.communicate()


class Page:
    """What a person sees of it, and does with it."""

    def __init__(self, chrome, address: str):
        self._chrome = chrome
        chrome.get(address)

    def find(self, selector: str):
        return self._chrome.find_element("css selector", selector)

    def text(self, selector: str) -> str:
        return self.find(selector).text

    def click(self, command: str) -> None:
        self.find(f"[data-command={command}]").click()

    def is_pressed(self, command: str) -> bool:
        return self.find(f"[data-command={command}]").get_attribute("aria-pressed") == "true"

    def picture(self) -> np.ndarray:
        """The picture as it is shown, uint8 (H, W, 3), BGR."""
        data = np.frombuffer(self.find("#picture img").screenshot_as_png, np.uint8)
        return cv2.imdecode(data, cv2.IMREAD_COLOR)

    def moves(self) -> bool:
        first = self.picture()
        time.sleep(0.5)  # longer than a slow machine takes for a frame
        return bool(np.abs(self.picture().astype(int) - first).max() > 20)

    def fill(self) -> float:
        """The share of the picture's width that is not dark: two squares beside each other fill it."""
        return float((self.picture()[40:-40].max(axis=(0, 2)) > 60).mean())


@pytest.fixture
def clip(clips) -> Path:
    return clips / "WolfgangLanger_Pexels.mp4"


def test_the_page_shows_the_face_and_its_buttons_work(chromium, start, clip, tmp_path):
    process, address = start("--source", clip)
    page = Page(chromium, address)
    until(page.moves)
    until(lambda: re.fullmatch(r"\d+\.\d frames/s", page.text("#fps")))
    assert re.fullmatch(r"\d+ ms", page.text("#latency"))
    assert page.text("#provenance") == "AI-generated"

    page.click("record")
    (recording,) = until(lambda: list(tmp_path.glob("face2face-*.mp4")))
    until(lambda: page.is_pressed("record"))
    assert recording.name in page.text("#recording")

    page.click("calibrate")
    until(lambda: "calibrating" in page.text("#state"))

    both = page.fill()
    for view in ("drawing", "overlay", "generated"):
        page.click("view")
        until(lambda view=view: page.text("[data-command=view] span") == f": {view}")
    until(lambda: page.fill() < 0.7 * both)  # the face alone, in the middle

    chromium.find_element("css selector", "body").send_keys("]")
    until(lambda: page.text("[data-gain=expression] + output") == "1.1")
    chromium.find_element("css selector", "[data-gain=head]").send_keys("\ue011")  # the key Home
    until(lambda: page.text("[data-gain=head] + output") == "0")

    page.click("record")
    until(lambda: not page.is_pressed("record"))
    until(lambda: page.text("#notice") == f"wrote {recording.name}")

    page.click("freeze")
    until(lambda: page.is_pressed("freeze") and not page.moves())

    page.click("end")
    chromium.switch_to.alert.accept()
    said, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert f"wrote {recording.name}" in said
    with open_source(str(recording)) as source:
        assert len(list(source.frames())) >= 5
    until(lambda: "the program has ended" in page.text("#state"))


def test_the_token_opens_the_page_and_a_wrong_one_does_not(chromium, start, clip):
    _, address = start("--source", clip, "--serve-token", 'a "b"; c=ä')  # the cookie has to quote it
    chromium.delete_all_cookies()
    for wrong in ("", "?token=wrong"):
        chromium.get(address.partition("?")[0] + wrong)
        assert chromium.find_element("css selector", "body").text == "refused: no token, or a wrong one"
    page = Page(chromium, address)
    assert chromium.current_url == address.partition("?")[0]  # not to be read over a shoulder
    until(page.moves)
    page.click("mirror")
    until(lambda: page.is_pressed("mirror"))


def test_the_browsers_camera_drives_the_face(chromium, start, tmp_path):
    process, address = start("--source", "browser", "--stats", "stats.json")
    page = Page(chromium, address)
    until(page.moves)
    until(lambda: page.text("#state") == "")  # the driver was learned
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    stats = json.loads((tmp_path / "stats.json").read_text())
    assert stats["frames_with_face"] >= 10


@contextlib.contextmanager
def moving_picture(port: int = 0) -> Iterator[Server]:
    """A server of the page, at a port, whose picture moves, and whose sliders have an effect."""
    ended = threading.Event()

    def move(server: Server) -> None:
        step = 0
        while not ended.wait(0.05):
            step += 1
            server.write(np.roll(made.noise(64, 128), 7 * step, axis=1))
            for change in filter(None, map(gain_change, server.controls.take())):
                server.state.change_gain(change)

    with contextlib.closing(Server(Controls(), State(), port)) as server:
        thread = threading.Thread(target=move, args=(server,))
        thread.start()
        try:
            yield server
        finally:
            ended.set()
            thread.join()


def test_after_a_computer_slept_the_picture_moves_again(chromium):
    """Its stream was closed meanwhile; the page was still as well, and only sees that it is later."""
    with moving_picture() as server:
        page = Page(chromium, server.address)
        until(page.moves)
    with moving_picture(server.port):
        chromium.execute_script("const now = Date.now; Date.now = () => now() + 10000;")
        until(page.moves)


def test_a_stream_that_is_refused_begins_once_there_are_fewer(chromium):
    with moving_picture() as server:
        others = [stream(server) for _ in range(MOST_STREAMS_OF_ONE_ADDRESS)]
        page = Page(chromium, server.address)
        until(lambda: page.text("#fps"))
        assert not page.moves()
        others.pop().close()
        until(page.moves)
        for each in others:
            each.close()


def test_a_slider_keeps_the_keyboard_and_gives_the_mouse_no_hold(chromium):
    with moving_picture() as server:
        page = Page(chromium, server.address)
        slider = page.find("[data-gain=expression]")

        def is_at(value: str) -> bool:
            return page.text("[data-gain=expression] + output") == value == slider.get_property("value")

        press = server.controls.press

        def press_late(name: str) -> bool:
            if name in ("expression-1.1", "expression-1.2"):  # the last one must not overtake them
                time.sleep(0.3)
            return press(name)

        server.controls.press = press_late
        slider.send_keys(3 * RIGHT)
        until(lambda: is_at("1.3"))
        chromium.switch_to.active_element.send_keys("]")  # by which the program moves it
        until(lambda: is_at("1.4"))
        chromium.switch_to.active_element.send_keys(RIGHT)
        until(lambda: is_at("1.5"))
        slider.click()  # in its middle
        until(lambda: is_at("1"))
        assert chromium.switch_to.active_element.tag_name == "body"
