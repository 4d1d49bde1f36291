"""The cameras of this machine: their names and sizes, and how one is opened."""

import os
from dataclasses import dataclass

import cv2

from face2face import cli
from face2face.cli import UserError, shown

MJPG = cv2.VideoWriter.fourcc(*"MJPG")

COMMON_SIZES = ((640, 480), (1280, 720), (1920, 1080))
"""Sizes (width, height) that `--list-cameras` asks each camera for."""

MAX_INDEX = 2**31 - 1
"""Highest index of a camera: OpenCV's integers have 32 bits."""

MAX_FPS = 1000.0
"""Highest rate that a camera can be asked for. A higher number is a typing error."""


@dataclass(frozen=True)
class Camera:
    """A camera.

    Attributes:
        index: OpenCV's index of it.
        name: Its name, or "camera" if the system does not tell.
        path: Its device file on Linux; elsewhere an identifier of the system.
    """

    index: int
    name: str
    path: str = ""

    def __str__(self) -> str:
        return f"{self.index} ({self.name})"

    @property
    def is_forbidden(self) -> bool:
        """Whether it has a device file that this user may not read."""
        return os.path.exists(self.path) and not os.access(self.path, os.R_OK)


def list_cameras() -> list[Camera]:
    """List the cameras that are plugged in, also those that another program holds, by their indices."""
    from cv2_enumerate_cameras import enumerate_cameras, supported_backends

    # Systems with several backends number their cameras by backend: OpenCV takes the first that it has.
    registry = cv2.videoio_registry
    backends = [b for b in registry.getCameraBackends() if b in supported_backends and registry.hasBackend(b)]
    found = enumerate_cameras(backends[0]) if backends else []
    cameras = [Camera(info.index, info.name or "camera", info.path or "") for info in found]
    return sorted(cameras, key=lambda camera: camera.index)


def check(number: str, size: tuple[int, int] | None, fps: float | None) -> int:
    """Check what a user asks a camera for.

    Args:
        number: Decimal digits.
        size: (width, height) in pixels.
        fps: Frames per second.

    Returns:
        The number as an index.

    Raises:
        UserError: If no camera can have that number, size or rate.
    """
    if len(number) > len(str(MAX_INDEX)) or int(number) > MAX_INDEX:
        raise UserError(f"expected a camera's number of at most {MAX_INDEX}, got {shown(number)}")
    cli.check_size(size, "--camera-size")
    if fps and fps > MAX_FPS:
        raise UserError(f"expected --camera-fps of at most {MAX_FPS:g}, got {fps:g}")
    return int(number)


def open_camera(
    index: int, size: tuple[int, int] | None = None, fps: float | None = None
) -> cv2.VideoCapture:
    """Open a camera with the nearest size and rate that it has; as MJPG where that makes it faster.

    Args:
        index: OpenCV's index of it.
        size: (width, height) in pixels; None: the camera's default.
        fps: Frames per second; None: the camera's default.

    Raises:
        UserError: If it is not there, or cannot be opened; the message names the other cameras.
    """
    capture = cv2.VideoCapture(index)
    if not capture.isOpened():
        capture.release()
        raise UserError(_why_not(index, list_cameras()))
    ask(capture, size, fps)
    return capture


def ask(capture: cv2.VideoCapture, size: tuple[int, int] | None, fps: float | None) -> None:
    """Ask a camera for a size and a rate, in its default format and as MJPG, and keep the nearer result."""
    default_format = capture.get(cv2.CAP_PROP_FOURCC)
    default = _set(capture, default_format, size, fps)
    if _set(capture, MJPG, size, fps) <= default:
        _set(capture, default_format, size, fps)


def _set(
    capture: cv2.VideoCapture, fourcc: float, size: tuple[int, int] | None, fps: float | None
) -> tuple[float, float]:
    """Ask for a format, a size and a rate, and rate the result: the size counts before the frames per second.

    Returns:
        A key that is greater for a better result.
    """
    capture.set(cv2.CAP_PROP_FOURCC, fourcc)
    if size:
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, size[0])
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, size[1])
    if fps:
        capture.set(cv2.CAP_PROP_FPS, fps)
    width, height = _size(capture)
    missed = abs(width - size[0]) + abs(height - size[1]) if size else 0
    rate = capture.get(cv2.CAP_PROP_FPS)
    return (-missed, min(rate, fps) if fps else rate)


def _size(capture: cv2.VideoCapture) -> tuple[int, int]:
    return int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))


def _why_not(index: int, cameras: list[Camera]) -> str:
    """Why a camera cannot be opened, and which others there are."""
    this = next((camera for camera in cameras if camera.index == index), None)
    others = ", ".join(str(camera) for camera in cameras if camera.index != index)
    if this is None:
        there_are = f"there are: {others}" if others else "no camera is plugged in"
        return f"camera {index} cannot be opened: {there_are}"
    reason = "another program may hold it"
    if this.is_forbidden:
        reason = f"no permission to read {this.path}, add yourself to the group 'video'"
    there_are = f"others: {others}" if others else "there is no other"
    return f"camera {this} cannot be opened: {reason}; {there_are}"


def common_sizes(capture: cv2.VideoCapture) -> list[tuple[int, int]]:
    """The sizes (width, height) that a camera gives when it is asked for `COMMON_SIZES`, smallest first.

    The package that names the cameras does not know their sizes. Asking works on each system, but not for a
    camera that another program holds.
    """
    sizes = set()
    for size in COMMON_SIZES:
        _set(capture, capture.get(cv2.CAP_PROP_FOURCC), size, None)
        sizes.add(_size(capture))
    return sorted(sizes)


def table() -> str:
    """A line for each camera: index, name and sizes. Each camera is opened for a moment."""
    lines = []
    for camera in list_cameras():
        capture = cv2.VideoCapture(camera.index)
        try:
            sizes = common_sizes(capture) if capture.isOpened() else []
        finally:
            capture.release()
        text = ", ".join(f"{width}x{height}" for width, height in sizes)
        lines.append(f"{camera.index}\t{camera.name}\t{text or 'sizes unknown'}")
    return "\n".join(lines) or "no camera is plugged in"
