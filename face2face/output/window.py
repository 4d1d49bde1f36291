"""The window on the screen: the picture, what is known of it in letters, and the keys that are pressed."""

import os
import re
import socket
import sys

import cv2
import numpy as np

from face2face import cli
from face2face.face import crop
from face2face.output import overlay_text

_LETTER_SHARE = 1 / 28  # of the window's height, for the letters
_SMALLEST_LETTER = 11  # pixels


class Window:
    """A window that its own button closes. What is written into it is scaled to its size."""

    TITLE = "face2face"

    def __init__(self, width: int, height: int, fullscreen: bool = False):
        with cli.quiet_stderr():  # Qt's notes on fonts
            # What is shown is made for the window's size, so that nothing is left to scale.
            cv2.namedWindow(self.TITLE, cv2.WINDOW_NORMAL | cv2.WINDOW_FREERATIO | cv2.WINDOW_GUI_NORMAL)
            cv2.resizeWindow(self.TITLE, width, height)
            cv2.waitKey(1)
        self._is_full = False
        if fullscreen:
            self.toggle_fullscreen()

    def write(self, picture: np.ndarray, lines: list[str]) -> None:
        """Show uint8 (H, W, 3), RGB, as large as it goes, and lines of text on it in the upper left.

        The letters are written at the window's own size: as large on the screen whatever the picture's is.
        """
        width, height = self._size(picture)
        shown = crop.fit(picture, width, height)
        shown = cv2.cvtColor(shown, cv2.COLOR_RGB2BGR)
        if lines:
            overlay_text.write(shown, lines, max(_SMALLEST_LETTER, height * _LETTER_SHARE))
        cv2.imshow(self.TITLE, shown)

    def _size(self, picture: np.ndarray) -> tuple[int, int]:
        """Width and height of what can be seen of the window; the picture's own where that is not told."""
        try:
            _, _, width, height = cv2.getWindowImageRect(self.TITLE)
        except cv2.error:  # closed a moment ago
            width = height = 0
        return (width, height) if width > 0 and height > 0 else picture.shape[1::-1]

    def set_title(self, text: str) -> None:
        cv2.setWindowTitle(self.TITLE, text)

    def toggle_fullscreen(self) -> None:
        self._is_full = not self._is_full
        mode = cv2.WINDOW_FULLSCREEN if self._is_full else cv2.WINDOW_NORMAL
        cv2.setWindowProperty(self.TITLE, cv2.WND_PROP_FULLSCREEN, mode)

    def key(self) -> str | None:
        """Let the window show what was written, and return the key that was pressed, if any."""
        code = cv2.waitKey(1) & 0xFF
        return None if code == 255 else chr(code)

    def is_open(self) -> bool:
        """False once it was closed by its button."""
        try:
            return cv2.getWindowProperty(self.TITLE, cv2.WND_PROP_VISIBLE) >= 1
        except cv2.error:  # with Qt a window that was closed is no longer known
            return False

    def close(self) -> None:
        cv2.destroyAllWindows()


def has_screen() -> bool:
    """Whether a window can be opened: OpenCV would end the whole program where it cannot."""
    if not sys.platform.startswith("linux"):
        return True
    if os.environ.get("WAYLAND_DISPLAY"):
        return True
    match = re.fullmatch(r"(.*):(\d+)(\.\d+)?", os.environ.get("DISPLAY", ""))
    if not match:
        return False
    host, number = match[1], int(match[2])
    try:
        if host in ("", "unix"):
            with socket.socket(socket.AF_UNIX) as server:
                server.connect(f"/tmp/.X11-unix/X{number}")
        else:
            socket.create_connection((host, 6000 + number), timeout=2).close()
    except OSError:
        return False
    return True
