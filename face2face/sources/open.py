"""Opens a source by the text that names it on a command line."""

import re
from pathlib import Path

from face2face.cli import UserError
from face2face.sources.base import Source
from face2face.sources.files import FileSource, FolderSource
from face2face.sources.streams import open_camera_source, open_stream


def open_source(
    spec: str,
    start: float = 0.0,
    end: float | None = None,
    camera_size: tuple[int, int] | None = None,
    camera_fps: float | None = None,
) -> Source:
    """Open a source.

    Args:
        spec: A camera's index ("0"), a video file, a stream's address or a folder of images.
        start: Second of a video file to begin at.
        end: Second of a video file to end at; None: its own end.
        camera_size: Width and height in pixels to ask a camera for.
        camera_fps: Frames per second to ask a camera for.

    Raises:
        UserError: If the source does not exist or cannot be decoded, or an option does not apply to it.
    """
    path = source_path(spec)
    check_exists(spec)
    is_file = path is not None and path.is_file() and not is_address(spec)
    if end is not None and end <= start:
        raise UserError(f"expected --end after --start, got --start {start:g} --end {end:g}")
    if (start or end is not None) and not is_file:
        raise UserError(f"--start and --end are for video files, got {spec}")
    if (camera_size or camera_fps) and not _is_camera(spec):
        raise UserError(f"--camera-size and --camera-fps are for cameras, got {spec}")
    if _is_camera(spec):
        return open_camera_source(spec, camera_size, camera_fps)
    if is_address(spec):
        return open_stream(spec)
    if is_file:
        return FileSource(path, start, end)
    return FolderSource(path)


def check_exists(spec: str) -> None:
    """Check that a source is a camera's index, an address, or a file or folder that is there.

    Raises:
        UserError: If it is none of these.
    """
    if not _is_camera(spec) and not is_address(spec) and source_path(spec) is None:
        raise UserError(
            f"expected a video file, a camera's number, a stream's address or a folder, got '{spec}'"
        )


def source_path(spec: str) -> Path | None:
    """The file or folder that a source reads, if any; also for an address as file:///clip.mp4."""
    if _is_camera(spec):
        return None
    path = Path(spec.removeprefix("file:") if is_address(spec) else spec)  # as FFmpeg reads it
    return path if path.is_file() or path.is_dir() else None


def _is_camera(spec: str) -> bool:
    """Whether a source is a camera's index."""
    return re.fullmatch(r"[0-9]+", spec) is not None


def is_address(spec: str) -> bool:
    """Whether a source is a stream's address."""
    return "://" in spec
