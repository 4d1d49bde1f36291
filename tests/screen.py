"""A virtual screen as a person uses it: looked at, with keys and the window's button."""

import subprocess

import numpy as np

from tests.made import until

TITLE = "face2face"


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
