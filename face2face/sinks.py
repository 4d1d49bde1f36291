"""Where pictures go: a window, a video file, a folder of PNGs. Pictures are uint8 (H, W, 3), RGB."""

import os
import re
import socket
import sys
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from face2face import cli

CODECS = {".mp4": "libx264", ".mkv": "libx264", ".mov": "libx264", ".webm": "libvpx-vp9"}
"""The containers that can be recorded, by a file name's ending, and what is used in each."""

ENCODING = {
    # Without a delay, so without B-frames: they would shift the times of a fragmented file's pictures.
    "libx264": {"crf": "18", "preset": "veryfast", "tune": "zerolatency"},
    "libvpx-vp9": {"crf": "24", "b": "0", "deadline": "realtime", "cpu-used": "8"},
}
"""What each codec is told: quality before size, and speed before both."""

MADE_BY = "AI-generated: a face painted by a neural network (face2face)"
"""Stands in the metadata of every recording."""

_TIME_BASE = Fraction(1, 90_000)  # of a recording's time stamps, in seconds: fits any camera
_GOP = 30  # pictures from one key frame to the next: what a fragment, and a seek, begins with


class VideoFile:
    """A recording that plays even if the program is killed: it is written in fragments."""

    def __init__(self, path: Path, fps: float):
        """Raises: UserError if the ending names no container that can be recorded."""
        import av

        if path.suffix.lower() not in CODECS:
            raise cli.UserError(f"expected a recording of {', '.join(CODECS)} or a folder, got {path}")
        path.parent.mkdir(parents=True, exist_ok=True)
        self._av, self._path, self._codec = av, path, CODECS[path.suffix.lower()]
        self._rate = Fraction(fps).limit_denominator(1001)
        options = {"flush_packets": "1"}  # what is written is on the disk, whatever happens next
        if path.suffix.lower() in (".mp4", ".mov"):
            options["movflags"] = "frag_keyframe+empty_moov+default_base_moof"
        self._container = av.open(str(path), "w", options=options)
        self._container.metadata["comment"] = MADE_BY
        self._stream = None
        self._last = -1

    def write(self, picture: np.ndarray, seconds: float) -> None:
        """Append a picture that was taken at a time; all pictures have the first one's size."""
        if self._stream is None:
            self._stream = self._open_stream(*picture.shape[:2])
        frame = self._av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
        frame.pts = self._last = max(self._last + 1, round(seconds / _TIME_BASE))
        frame.time_base = _TIME_BASE
        self._container.mux(self._stream.encode(frame))

    def _open_stream(self, height: int, width: int):
        stream = self._container.add_stream(self._codec, rate=self._rate)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.time_base = _TIME_BASE
        stream.codec_context.gop_size = _GOP
        stream.options = ENCODING[self._codec]
        return stream

    def close(self) -> None:
        if self._stream is not None:
            self._container.mux(self._stream.encode())
        self._container.close()
        if self._stream is None:  # nothing was recorded: leave no file that does not play
            self._path.unlink(missing_ok=True)


class ImageFolder:
    """Each picture as 1.png, 2.png, ..."""

    def __init__(self, path: Path):
        """Raises: UserError if the folder holds something."""
        if path.is_dir() and any(path.iterdir()):
            raise cli.UserError(f"expected an empty folder to record to, got one that holds data: {path}")
        path.mkdir(parents=True, exist_ok=True)
        self._path, self._count = path, 0

    def write(self, picture: np.ndarray, seconds: float) -> None:
        self._count += 1
        cv2.imwrite(str(self._path / f"{self._count}.png"), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))

    def close(self) -> None:
        pass


def open_recording(path: Path, fps: float) -> VideoFile | ImageFolder:
    """A name with an ending is a video file, one without a folder."""
    return VideoFile(path, fps) if path.suffix and not path.is_dir() else ImageFolder(path)


class Window:
    """A window on the screen, that q, Esc or its own button closes."""

    TITLE = "face2face"
    _END_KEYS = (ord("q"), ord("Q"), 27)

    def __init__(self, width: int, height: int):
        with cli.quiet_stderr():  # Qt's notes on fonts
            cv2.namedWindow(self.TITLE, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
            cv2.resizeWindow(self.TITLE, width, height)
            cv2.waitKey(1)

    def write(self, picture: np.ndarray, seconds: float) -> None:
        cv2.imshow(self.TITLE, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))

    def set_title(self, text: str) -> None:
        cv2.setWindowTitle(self.TITLE, text)

    def key(self) -> int:
        """Let the window show what was written, and return the key that was pressed, or 255."""
        return cv2.waitKey(1) & 0xFF

    def is_open(self, key: int) -> bool:
        """False once the user has ended it, by this key or by the window's button."""
        try:
            is_visible = cv2.getWindowProperty(self.TITLE, cv2.WND_PROP_VISIBLE) >= 1
        except cv2.error:  # with Qt a window that was closed is no longer known
            is_visible = False
        return is_visible and key not in self._END_KEYS

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
