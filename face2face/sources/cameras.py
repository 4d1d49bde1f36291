"""The cameras of this machine: which there are, with which pictures, and how one is opened."""

import contextlib
import errno
import re
import struct
import sys
from dataclasses import dataclass, field
from pathlib import Path

import cv2

from face2face.cli import UserError, shown
from face2face.sources import devices

MJPG = cv2.VideoWriter.fourcc(*"MJPG")

COMMON_SIZES = ((640, 480), (1280, 720), (1920, 1080))
"""Tried where a system does not tell the sizes of its cameras."""

MAX_INDEX = 2**31 - 1
"""Of a camera: OpenCV's integers."""

MAX_SIDE, MAX_FPS = 2**14, 1000.0
"""What a camera can be asked for: more is a slip of the finger."""

_PROBED = 6  # camera numbers, on such systems


@dataclass(frozen=True)
class Camera:
    """A camera. sizes: of its pictures, (width, height) in pixels, the smallest first."""

    index: int
    name: str
    sizes: list[tuple[int, int]] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.index} ({self.name})"


def list_cameras() -> list[Camera]:
    """The cameras that are plugged in, also those that another program holds, by their numbers."""
    return _v4l2_cameras() if sys.platform.startswith("linux") else _probed_cameras()


def check(number: str, size: tuple[int, int] | None, fps: float | None) -> int:
    """A camera's number as an index. Raises: UserError if no camera can have it, or that size or rate."""
    if len(number) > len(str(MAX_INDEX)) or int(number) > MAX_INDEX:
        raise UserError(f"expected a camera's number of at most {MAX_INDEX}, got {shown(number)}")
    if size and max(size) > MAX_SIDE:
        raise UserError(f"expected --camera-size of at most {MAX_SIDE} a side, got {size[0]}x{size[1]}")
    if fps and fps > MAX_FPS:
        raise UserError(f"expected --camera-fps of at most {MAX_FPS:g}, got {fps:g}")
    return int(number)


def open_camera(
    index: int, size: tuple[int, int] | None = None, fps: float | None = None
) -> cv2.VideoCapture:
    """Open a camera, near the size and the rate that are asked for; as MJPG where that makes it faster.

    Raises:
        UserError: if it is not there, or another program holds it; it tells which there are.
    """
    capture = cv2.VideoCapture(index)
    if not capture.isOpened():
        capture.release()
        raise UserError(_why_not(index))
    ask(capture, size, fps)
    return capture


def ask(capture: cv2.VideoCapture, size: tuple[int, int] | None, fps: float | None) -> None:
    """Ask a camera for a size and a rate, in its own format and as MJPG, and keep what comes nearer."""
    own_format = capture.get(cv2.CAP_PROP_FOURCC)
    without = _set(capture, own_format, size, fps)
    if _set(capture, MJPG, size, fps) <= without:
        _set(capture, own_format, size, fps)


def _set(capture: cv2.VideoCapture, fourcc: float, size: tuple[int, int] | None, fps: float | None) -> tuple:
    """Ask, and return how good what came is, for a comparison: the right size before frames per second."""
    capture.set(cv2.CAP_PROP_FOURCC, fourcc)
    if size:
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, size[0])
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, size[1])
    if fps:
        capture.set(cv2.CAP_PROP_FPS, fps)
    came = (capture.get(cv2.CAP_PROP_FRAME_WIDTH), capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
    missed = abs(came[0] - size[0]) + abs(came[1] - size[1]) if size else 0
    rate = capture.get(cv2.CAP_PROP_FPS)
    return (-missed, min(rate, fps) if fps else rate)


def _why_not(index: int) -> str:
    cameras = list_cameras()
    this = next((camera for camera in cameras if camera.index == index), None)
    others = ", ".join(str(camera) for camera in cameras if camera.index != index)
    if this is not None:
        there_are = f"others: {others}" if others else "there is no other"
        return f"camera {this} cannot be opened: another program may hold it; {there_are}"
    there_are = f"there are: {others}" if others else "no camera is plugged in"
    return f"camera {index} cannot be opened: {there_are}"


def table(cameras: list[Camera]) -> str:
    """A line for each camera: number, name, sizes."""
    lines = []
    for camera in cameras:
        sizes = ", ".join(f"{width}x{height}" for width, height in camera.sizes)
        lines.append(f"{camera.index}\t{camera.name}\t{sizes or 'sizes unknown'}")
    return "\n".join(lines) or "no camera is plugged in"


# --- Linux: Video4Linux tells -----------------------------------------------------------------------------

# Requests to a device, with the layout of what is asked and answered (linux/videodev2.h).
_QUERY_CAPABILITIES, _CAPABILITIES = 0x80685600, struct.Struct("=16s32s32sIII12x")
_ENUM_FORMATS, _FORMAT = 0xC0405602, struct.Struct("=III32sI16x")
_ENUM_SIZES, _SIZE = 0xC02C564A, struct.Struct("=III6I8x")
_IS_CAPTURE, _CAPTURE_BUFFER, _DISCRETE = 1, 1, 1
_MOST = 64  # formats of a camera, and sizes of a format: a driver's endless list ends


def _v4l2_cameras() -> list[Camera]:
    cameras = []
    for device in Path("/dev").glob("video*"):
        if match := re.fullmatch(r"video(\d+)", device.name):
            with contextlib.suppress(OSError):  # unplugged at this moment
                camera = _v4l2_camera(int(match[1]), device)
                cameras += [camera] if camera else []
    return sorted(cameras, key=lambda camera: camera.index)


def _v4l2_camera(index: int, device: Path) -> Camera | None:
    """None for a device that gives no pictures, as a camera's second device for its metadata."""
    try:
        file = device.open("rb", buffering=0)
    except PermissionError:
        return Camera(index, f"{device}: no permission, add yourself to the group 'video'")
    with file:
        _, name, _, _, _, can = _CAPABILITIES.unpack(_ask_device(file, _QUERY_CAPABILITIES, _CAPABILITIES))
        if not can & _IS_CAPTURE:
            return None
        sizes = set()
        for i in range(_MOST):
            answer = _ask_device(file, _ENUM_FORMATS, _FORMAT, i, _CAPTURE_BUFFER, 0, b"", 0)
            if answer is None:
                break
            sizes |= _v4l2_sizes(file, _FORMAT.unpack(answer)[4])
    return Camera(index, name.split(b"\0")[0].decode(errors="replace"), sorted(sizes))


def _v4l2_sizes(file, pixel_format: int) -> set[tuple[int, int]]:
    sizes = set()
    for i in range(_MOST):
        answer = _ask_device(file, _ENUM_SIZES, _SIZE, i, pixel_format, *[0] * 7)
        if answer is None:
            break
        _, _, kind, *values = _SIZE.unpack(answer)
        if kind == _DISCRETE:
            sizes.add((values[0], values[1]))
        else:  # from a smallest to a largest, in steps
            return {(values[0], values[3]), (values[1], values[4])}
    return sizes


def _ask_device(file, request: int, layout: struct.Struct, *values) -> bytes | None:
    """The answer to a request, or None where a list ends."""
    import fcntl

    buffer = bytearray(layout.pack(*values) if values else layout.size)
    try:
        fcntl.ioctl(file, request, buffer)
    except OSError as error:
        if error.errno in (errno.EINVAL, errno.ENOTTY):
            return None
        raise
    return bytes(buffer)


# --- other systems: try -----------------------------------------------------------------------------------


def _probed_cameras() -> list[Camera]:
    names = devices.names("dshow" if sys.platform == "win32" else "avfoundation", "video")
    cameras = []
    for index in range(max(_PROBED, len(names))):
        name = names[index] if index < len(names) else "camera"
        capture = cv2.VideoCapture(index)
        try:
            if capture.isOpened():
                sizes = {_tried(capture, size) for size in COMMON_SIZES}
                cameras.append(Camera(index, name, sorted(sizes)))
            elif index < len(names):
                cameras.append(Camera(index, name))
        finally:
            capture.release()
    return cameras


def _tried(capture: cv2.VideoCapture, size: tuple[int, int]) -> tuple[int, int]:
    _set(capture, capture.get(cv2.CAP_PROP_FOURCC), size, None)
    return int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
