"""Which keys the window tells: characters of ASCII, whatever other symbols and modifiers there are."""

import select
import subprocess
import sys

import cv2
import pytest

from face2face.output.window import Window
from tests import made
from tests.made import until
from tests.screen import window, xdotool

KEYS = """
import cv2
import numpy as np
from face2face.output.window import Window

codes = []

def telling(wait):
    def call(milliseconds):
        code = wait(milliseconds)
        codes.extend([code] if code != -1 else [])
        return code
    return call

window = Window(600, 300)
cv2.waitKey, cv2.waitKeyEx = telling(cv2.waitKey), telling(cv2.waitKeyEx)
window.write(np.full((300, 600, 3), 90, np.uint8))
key = None
while key != "q":
    key = window.key()
    while codes:
        codes.pop()
        print(key, flush=True)
"""


@pytest.fixture
def told(display):
    """Presses a key, and gives what the window tells of it."""
    command = [sys.executable, "-c", KEYS]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0, cwd=made.ROOT)

    def has_told(seconds: float) -> bool:
        return bool(select.select([process.stdout], [], [], seconds)[0])

    def hears() -> bool:
        xdotool("windowfocus", until(window), "key", "x")
        return has_told(0.5)

    def press(key: str, *options: str) -> str:
        xdotool("key", *options, key)
        told = "x"
        while told == "x":  # of a key of `hears` that came late
            assert has_told(60), f"nothing of {key}"
            told = process.stdout.readline().decode().removesuffix("\n")
        return told

    until(hears)
    yield press
    process.kill()
    process.communicate()


def test_special_keys_are_no_letters(told):
    """Cut to their last byte, the first three were Q, R and S, and Insert was c."""
    for special in ("Left", "Up", "Right", "Down", "Insert", "Home", "F1", "F12", "Delete", "eacute"):
        assert told(special) == "None"


def test_characters_are_told_with_whatever_locks(told):
    pressed = {"v": "v", "bracketleft": "[", "bracketright": "]", "comma": ",", "period": ".", "space": " "}
    pressed |= {"Escape": "\x1b", "2": "2"}
    for key, expected in pressed.items():
        assert told(key) == expected
    assert told("KP_3", "--window", window()) == "3"  # else xdotool presses Num Lock before it
    for lock in ("Caps_Lock", "Num_Lock"):
        assert told(lock) == "None"
        assert told("v") == "v" and told("5") == "5"
        assert told(lock) == "None"
    xdotool("key", "ctrl+c")  # of which Qt tells nothing
    assert told("q") == "q"


@pytest.mark.parametrize(
    "code, key",
    [
        (-1, None),  # no key
        (0x71, "q"),
        (0x2D + 0x100000, "-"),  # GTK with Num Lock
        (0x51 + 0x20000, "Q"),  # GTK with Caps Lock
        (0x71 + 0x140000, None),  # GTK with Ctrl, and Num Lock
        (0xFF51 + 0x100000, None),
        (0x250000, None),  # Windows' left arrow
        (0xF702, None),  # that of macOS
    ],
)
def test_the_codes_of_other_systems(monkeypatch, code, key):
    monkeypatch.setattr(cv2, "waitKeyEx", lambda milliseconds: code)
    assert Window.key(None) == key
