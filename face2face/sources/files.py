"""Video files and folders of images as sources."""

import bisect
import contextlib
import functools
import math
import os
import re
from collections.abc import Container, Iterator
from pathlib import Path

import cv2

from face2face import pictures
from face2face.cli import UserError
from face2face.sources.base import FALLBACK_FPS, WHOLE, Frame, Source, name_of, plausible

IMAGE_ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".webp")

READ_WHOLE_PIXELS = 2.5e8
"""Pixels of a video, over all its frames, up to which a sample is taken by decoding the whole video: that
takes a second, and the sampled frames are kept meanwhile. In a larger one each of them is sought, which
decodes from the key frame before it."""


class FileSource(Source):
    """A video file, decoded by OpenCV."""

    def __init__(self, path: Path, start: float = 0.0, end: float | None = None) -> None:
        """Open the file.

        Args:
            path: The video.
            start: Second at which the frames begin.
            end: Second at which the frames end; None: the file's end.

        Raises:
            UserError: If it cannot be decoded.
        """
        self.name = self.file_name = name_of(path)
        self._path, self.start, self.end = path, start, end
        self._absolute = os.path.abspath(path)  # of a relative a:b.mp4, FFmpeg takes the a for a protocol
        self._capture = self._open()
        self._is_fresh = True
        self.fps = plausible(self._capture.get(cv2.CAP_PROP_FPS), 1, 1000) or FALLBACK_FPS
        count = plausible(self._capture.get(cv2.CAP_PROP_FRAME_COUNT), 1, 1e9)
        self.frame_count = int(count) if count else None

    def _open(self) -> cv2.VideoCapture:
        capture = cv2.VideoCapture(os.fsencode(self._absolute))  # as bytes: a name may not be UTF-8
        if capture.isOpened():
            return capture
        capture.release()
        raise UserError(f"expected a video, got a file that cannot be decoded: {self._path}")

    def frames(self, wanted: Container[int] | None = None) -> Iterator[Frame]:
        """Yield the frames between `start` and `end`. See `Source.frames`.

        Raises:
            UserError: If not a single frame can be decoded.
        """
        if not self._is_fresh:
            self._capture.release()
            self._capture = self._open()
        self._is_fresh = False
        number, seconds = 0, 0.0
        while self._capture.grab():
            seconds = self._time_stamp(number)
            if self.end is not None and seconds >= self.end:
                return
            if seconds >= self.start and (wanted is None or number in wanted):
                ok, picture = self._capture.retrieve()
                if not ok or picture is None:
                    break
                yield Frame(number, seconds, picture)
            number += 1
        if number == 0:
            raise UserError(
                f"expected a video, got a file without a single frame that can be decoded: {self.name}"
            )
        self.shortfall = self._shortfall(number, seconds)

    def span(self) -> range:
        """See `Source.span`. Of a part of the video by time stamps: frames may last unequally long."""
        if (self.start == 0 and self.end is None) or not self._time_stamps:
            return super().span()
        end = math.inf if self.end is None else self.end
        first, last = (bisect.bisect_left(self._time_stamps, seconds) for seconds in (self.start, end))
        return range(first, max(first, last))

    @functools.cached_property
    def _time_stamps(self) -> list[float]:
        """The seconds of all frames, sorted, read without decoding them; empty if they cannot be read."""
        import av

        stamps = []
        with (
            contextlib.suppress(av.FFmpegError, OSError, ValueError, IndexError),
            av.open(self._absolute, metadata_errors="replace") as container,
        ):
            stream = container.streams.video[0]
            began = stream.start_time or 0
            stamps = [
                float((packet.pts - began) * stream.time_base)
                for packet in container.demux(stream)
                if packet.pts is not None and not packet.is_discard  # hidden by an edit list
            ]
        return sorted(stamps)

    def sample(self, count: int) -> Iterator[Frame]:
        """See `Source.sample`. A short video is read as a whole; in a longer one the frames are sought."""
        numbers = self._sample_numbers(count)
        if not numbers:
            return
        with FileSource(self._path) as other:  # this one's frames are not touched
            capture = other._capture
            width, height = capture.get(cv2.CAP_PROP_FRAME_WIDTH), capture.get(cv2.CAP_PROP_FRAME_HEIGHT)
            if self.span().stop * width * height <= READ_WHOLE_PIXELS:
                read = {frame.number: frame for frame in other.frames(set(numbers))}
                yield from (read[number] for number in numbers if number in read)
                return
            for number in numbers:
                capture.set(cv2.CAP_PROP_POS_FRAMES, number)
                ok, picture = capture.read()
                if ok and picture is not None:
                    yield Frame(number, number / self.fps, picture)

    def _shortfall(self, count: int, seconds: float) -> str:
        """Why a video that ended after `count` frames, the last one at `seconds`, is too short, or ""."""
        if self.frame_count and count < WHOLE * self.frame_count and seconds < WHOLE * self._length():
            return (
                f"expected {self.frame_count} frames in {self.name}, got {count}: it is damaged or cut short"
            )
        if self.start > seconds:
            return f"expected --start before the end of {self.name}, at {seconds:.1f} s, got {self.start:g}"
        return ""

    def _length(self) -> float:
        """The video's duration in seconds, by PyAV, which reads it more exactly than OpenCV.

        A clip that was cut without re-encoding holds frames that are not shown, and the header's count of
        frames may be a guess from the nominal rate.
        """
        import av

        try:
            with av.open(self._absolute, metadata_errors="replace") as container:
                stream = container.streams.video[0]
                if stream.duration:
                    return float(stream.duration * stream.time_base)
        except (av.FFmpegError, OSError, ValueError, IndexError):  # the file has changed meanwhile
            pass
        return self.frame_count / self.fps

    def _time_stamp(self, number: int) -> float:
        seconds = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        return seconds if seconds > 0 else number / self.fps

    def close(self) -> None:
        """Close the file."""
        self._capture.release()


class FolderSource(Source):
    """The images of a folder, in the order of the numbers in their names."""

    def __init__(self, folder: Path) -> None:
        """List the folder's images.

        Raises:
            UserError: If there is none.
        """
        self.name = self.file_name = name_of(folder)
        self._paths = image_paths(folder)
        if not self._paths:
            raise UserError(f"expected images ({', '.join(IMAGE_ENDINGS)}), got none in the folder {folder}")
        self.frame_count = len(self._paths)

    def frames(self, wanted: Container[int] | None = None) -> Iterator[Frame]:
        """Yield the images as frames of `FALLBACK_FPS`. See `Source.frames`."""
        for number, path in enumerate(self._paths):
            if wanted is None or number in wanted:
                picture = cv2.cvtColor(pictures.read(path), cv2.COLOR_RGB2BGR)
                yield Frame(number, number / self.fps, picture)


def image_paths(folder: Path) -> list[Path]:
    """The image files of a folder in natural order: 2.png before 10.png. Folders and pipes are left out."""
    paths = [p for p in folder.iterdir() if p.suffix.lower() in IMAGE_ENDINGS and not p.name.startswith(".")]
    return sorted((p for p in paths if p.is_file()), key=lambda p: natural_order(p.name))


def natural_order(name: str) -> list:
    """A sorting key that compares runs of digits by their value, as in 2.png before 10.png."""
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", name)]
