"""A virtual screen as a person uses it: looked at, with keys and the window's button. It needs Xvfb."""

import contextlib
import subprocess
from collections.abc import Iterator

import numpy as np

from tests.made import until

TITLE = "face2face"


@contextlib.contextmanager
def virtual_screen(*options) -> Iterator[str]:
    """An empty, black screen of 1280x800; gives its name, for DISPLAY. options: more of Xvfb's."""
    server = subprocess.Popen(
        # Without its reset after each last client, in which it turns away the next one.
        ["Xvfb", "-displayfd", "1", "-screen", "0", "1280x800x24", "-nolisten", "tcp", "-noreset", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield f":{server.stdout.readline().strip()}"
    finally:
        server.terminate()
        server.wait(timeout=10)


def screenshot() -> np.ndarray:
    """uint8 (H, W, 3), RGB."""
    import mss

    with mss.MSS() as grabber:
        return np.array(grabber.grab(grabber.monitors[0]))[:, :, 2::-1]


def xdotool(*arguments) -> str:
    return subprocess.run(["xdotool", *arguments], capture_output=True, text=True).stdout.strip()


def window() -> str:
    return xdotool("search", "--name", TITLE)


def press(key: str) -> None:
    """Of two keys within a frame OpenCV tells one only: wait for what the first one does."""
    xdotool("key", "--window", window(), key)


def press_close_button(display: str) -> None:
    """What a window manager sends; the virtual screen has none."""
    from Xlib import X
    from Xlib.display import Display
    from Xlib.protocol.event import ClientMessage

    screen = Display(display)
    shown = screen.create_resource_object("window", int(until(window)))
    protocols, delete = (screen.intern_atom(name) for name in ("WM_PROTOCOLS", "WM_DELETE_WINDOW"))
    data = (32, [delete, X.CurrentTime, 0, 0, 0])
    shown.send_event(ClientMessage(window=shown, client_type=protocols, data=data))
    screen.sync()  # else it may be closed before the event is sent
    screen.close()
