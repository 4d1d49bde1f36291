"""The window on the screen: shows the picture with lines of text, and tells which key is pressed."""

import contextlib
import ctypes
import os
import re
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from face2face.face import crop
from face2face.output import overlay_text

_LETTER_SHARE = 1 / 28  # of the window's height
_SMALLEST_LETTER = 11  # pixels
_CONTROL = 4  # of X's modifiers


class Window:
    """A window; pictures are scaled to its size."""

    TITLE = "face2face"

    def __init__(self, width: int, height: int, fullscreen: bool = False) -> None:
        """Open the window, with a width and height in pixels."""
        # No notes on fonts. All of stderr is not held back: where Qt ends the program, it tells there why.
        os.environ.setdefault("QT_LOGGING_RULES", "default.warning=false")
        # `write` scales to the window's size, so OpenCV has nothing to scale.
        cv2.namedWindow(self.TITLE, cv2.WINDOW_NORMAL | cv2.WINDOW_FREERATIO | cv2.WINDOW_GUI_NORMAL)
        cv2.resizeWindow(self.TITLE, width, height)
        cv2.waitKey(1)
        self._is_full = False
        if fullscreen:
            self.toggle_fullscreen()

    def write(self, picture: np.ndarray, lines: Sequence[str] = ()) -> None:
        """Show a picture as large as it fits, with lines of text in the upper left corner.

        The text is written after scaling, so that its size on the screen does not depend on the picture's.

        Args:
            picture: uint8 (H, W, 3), RGB; it is not changed.
            lines: One line of text each.
        """
        width, height = self._size(picture)
        shown = crop.fit(picture, width, height)
        shown = cv2.cvtColor(shown, cv2.COLOR_RGB2BGR)
        if lines:
            overlay_text.write(shown, lines, max(_SMALLEST_LETTER, height * _LETTER_SHARE))
        cv2.imshow(self.TITLE, shown)

    def _size(self, picture: np.ndarray) -> tuple[int, int]:
        """Width and height of the window's inside; the picture's own if the system does not tell."""
        try:
            _, _, width, height = cv2.getWindowImageRect(self.TITLE)
        except cv2.error:  # closed a moment ago
            width = height = 0
        return (width, height) if width > 0 and height > 0 else picture.shape[1::-1]

    def set_title(self, text: str) -> None:
        """Write the window's title."""
        cv2.setWindowTitle(self.TITLE, text)

    def toggle_fullscreen(self) -> None:
        """Fill the screen, or leave it."""
        self._is_full = not self._is_full
        mode = cv2.WINDOW_FULLSCREEN if self._is_full else cv2.WINDOW_NORMAL
        cv2.setWindowProperty(self.TITLE, cv2.WND_PROP_FULLSCREEN, mode)

    def key(self) -> str | None:
        """Let the window draw what was written, and return the key that was pressed, if any."""
        return _key_of(cv2.waitKeyEx(1))

    def is_open(self) -> bool:
        """Whether the user has not closed it by its button."""
        try:
            return cv2.getWindowProperty(self.TITLE, cv2.WND_PROP_VISIBLE) >= 1
        except cv2.error:  # Qt no longer knows a window that was closed
            return False

    def close(self) -> None:
        """Close the window."""
        cv2.destroyAllWindows()


def _key_of(code: int) -> str | None:
    """The key of a code of `cv2.waitKeyEx`; None if it is no character of ASCII, or Ctrl is held with it.

    Qt tells arrows and the like as X's symbols from 0xFF00 on, and nothing of Ctrl with a letter. GTK adds
    the modifiers above the lowest 16 bits, Caps Lock and Num Lock too; Windows has its special keys there.
    """
    symbol, modifiers = code & 0xFFFF, code >> 16
    return chr(symbol) if 0 < symbol < 128 and not modifiers & _CONTROL else None


def has_screen() -> bool:
    """Whether a window can be opened: where it cannot, OpenCV would end the whole program.

    If OpenCV's Qt does not know Wayland, it is told to take X, whatever QT_QPA_PLATFORM has asked for.
    """
    if not sys.platform.startswith("linux"):
        return True
    platforms = [path.name for path in Path(cv2.__file__).parent.glob("qt/plugins/platforms/*.so")]
    if platforms and not any("wayland" in name for name in platforms):  # a build without Qt's may know it
        os.environ["QT_QPA_PLATFORM"] = "xcb"
    elif _has_wayland():
        return True
    return _has_x()


def _has_wayland() -> bool:
    """Whether a Wayland server answers."""
    name = os.environ.get("WAYLAND_DISPLAY")
    place = os.environ.get("XDG_RUNTIME_DIR", "")
    return bool(name) and _listens(os.path.join(place, name))


def _has_x() -> bool:
    """Whether an X server lets us in, by the library that Qt and GTK ask."""
    match = re.fullmatch(r"(.*):(\d+)(\.\d+)?", os.environ.get("DISPLAY", ""))
    if not match:
        return False
    host, number = match[1], int(match[2])
    is_here = host in ("", "unix") or "/" in host
    if not is_here:  # a dead host would keep the library for minutes
        try:
            socket.create_connection((host, 6000 + number), timeout=2).close()
        except OSError:
            return False
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:  # only it could tell whether the server lets us in
        return not is_here or _listens(f"/tmp/.X11-unix/X{number}")
    xcb.xcb_connect.restype = ctypes.c_void_p
    # The connection stays open: a server whose last client goes resets itself, and turns away the next one.
    connection = xcb.xcb_connect(None, None)
    return not xcb.xcb_connection_has_error(ctypes.c_void_p(connection))


def _listens(path: str) -> bool:
    """Whether a server answers at a socket of this machine."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
        return True
    return False
