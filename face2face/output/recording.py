"""Recordings: a video file with sound, a GIF, or a folder of PNGs."""

import contextlib
from fractions import Fraction
from pathlib import Path

import numpy as np

from face2face import cli, files, metadata
from face2face.face import crop
from face2face.output import gif, provenance, recording_place
from face2face.output.image_folder import ImageFolder
from face2face.output.mp4 import cut_broken_fragment
from face2face.output.recording_place import RecordingPlace
from face2face.output.sound import Sound
from face2face.output.sound_track import SOUND_LATE, SoundTrack

CODECS = {
    ".mp4": ("libx264", "aac"),
    ".mkv": ("libx264", "aac"),
    ".mov": ("libx264", "aac"),
    ".webm": ("libvpx-vp9", "libopus"),
    ".gif": ("gif", None),
}
"""Endings of the video files that can be recorded, with FFmpeg's encoders for pictures and for sound."""

ENCODING = {
    # Without a delay, so without B-frames: they would shift the times of a fragmented file's pictures.
    "libx264": {"crf": "18", "preset": "veryfast", "tune": "zerolatency"},
    "libvpx-vp9": {"crf": "24", "b": "0", "deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"},
    "gif": {},
}
"""Options of each encoder: quality before size, and speed before both."""

GIF_WIDTH = 512
"""Largest width of a GIF in pixels: at this width, ten seconds already take 25 MB."""

_TIME_BASE = Fraction(1, 90_000)  # of time stamps, in seconds; fine enough for any camera
_GIF_SHORTEST = 2  # in its time base: browsers show shorter pictures for ten units
_CLUSTER_MS = "1000"  # of Matroska: a killed program loses at most this much
_GOP = 30  # pictures from one key frame to the next; a fragment begins with one


class VideoFile:
    """A recording that plays even if the program is killed, because it is written in fragments.

    The first picture has the time 0, whatever its time in the source. An earlier recording at the same path
    stays until this one is complete (see `RecordingPlace`).

    Attributes:
        has_pictures: Whether the file holds any picture.
    """

    def __init__(self, path: Path, fps: float, sound: Sound | None = None) -> None:
        """Open the file.

        Args:
            path: Ends in one of `CODECS`.
            fps: The source's nominal frame rate; pictures keep their own times.
            sound: What is recorded with the pictures, if the format has sound.

        Raises:
            UserError: If something else than an earlier recording is at `path`.
            OSError: If the system refuses.
        """
        ending = path.suffix.lower()
        self._fps = fps
        self._codec, self._sound_codec = CODECS[ending]
        self._is_gif = ending == ".gif"
        self._time_base = gif.TIME_BASE if self._is_gif else _TIME_BASE
        self._sound = sound if self._sound_codec else None
        self._stream = self._track = self._palettes = self._file = None
        self._first, self._last = 0.0, None
        self._is_fragmented = ending in (".mp4", ".mov")
        self.has_pictures, self._is_whole = False, True
        self._place = RecordingPlace(path)
        try:
            self._open(ending)
        except BaseException:
            self._place.remove()
            raise

    @property
    def path(self) -> Path:
        """Where the recording is now."""
        return self._place.path

    def is_there(self) -> bool:
        """Whether the file is still the one that was made."""
        return self._place.is_there()

    def _open(self, ending: str) -> None:
        import av

        date, file = metadata.now(), self._place.file
        if self._is_gif:
            self._file = gif.GifFile(file, date)
        options = {"flush_packets": "1"}  # each packet reaches the disk before the next is written
        if self._is_fragmented:
            options["movflags"] = "frag_keyframe+empty_moov+default_base_moof"
        elif ending in (".mkv", ".webm"):
            options["cluster_time_limit"] = _CLUSTER_MS
        kind = "gif" if self._is_gif else None
        self._av = av
        self._container = av.open(self._file or str(file), "w", format=kind, options=options)
        tags = provenance.video_tags(date)
        if ending == ".mov":  # FFmpeg writes XMP into no other format
            tags["xmp"] = metadata.xmp(date).decode()
        self._container.metadata.update(tags)

    def write(self, picture: np.ndarray, seconds: float) -> None:
        """Append a picture; all are scaled to the first one's size.

        Args:
            picture: uint8 (H, W, 3), RGB.
            seconds: Its time in the source.

        Raises:
            OSError: If it cannot be written; what was written before stays and plays.
        """
        try:
            self._append(picture, seconds)
        except OSError:
            self._is_whole = False
            raise
        self.has_pictures = True

    def _append(self, picture: np.ndarray, seconds: float) -> None:
        if self._stream is None:
            self._begin(picture, seconds)
        at = round((seconds - self._first) / self._time_base)
        if self._last is not None:
            if self._is_gif and at < self._last + _GIF_SHORTEST:
                return
            at = max(self._last + 1, at)
        picture = crop.fit(picture, self._stream.width, self._stream.height)
        frame = self._av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
        frame.pts = self._last = at
        frame.time_base = self._time_base
        for each in [frame] if self._palettes is None else self._palettes(frame):
            self._container.mux(self._stream.encode(each))
        if self._track is not None:
            self._track.fill(float(at * self._time_base) - SOUND_LATE)
        if self._file is not None:
            self._file.check()

    def _begin(self, picture: np.ndarray, seconds: float) -> None:
        height, width = picture.shape[:2]
        if self._is_gif and width > GIF_WIDTH:
            height, width = round(height * GIF_WIDTH / width), GIF_WIDTH
        rate = Fraction(self._fps).limit_denominator(1001)
        stream = self._container.add_stream(self._codec, rate=rate)
        stream.pix_fmt = "pal8" if self._is_gif else "yuv420p"
        if not self._is_gif:
            height, width = height // 2 * 2, width // 2 * 2  # yuv420p has a colour sample for each 2x2 pixels
        stream.width, stream.height = width, height
        stream.codec_context.time_base = self._time_base
        stream.codec_context.gop_size = _GOP
        stream.options = ENCODING[self._codec]
        self._stream, self._first = stream, seconds
        if self._is_gif:
            self._palettes = gif.Palettes(width, height)
        if self._sound is not None:
            self._track = SoundTrack(self._container, self._sound_codec, self._sound, seconds)

    def close(self) -> None:
        """Write what is left and close the file; a file without a picture is removed.

        Raises:
            OSError: If the rest cannot be written, or the file is gone; what was written plays.
            UserError: If another program has written to the earlier recording meanwhile.
        """
        try:
            try:
                self._write_rest()
            finally:
                self._place.check_unchanged()
        except OSError:
            self._is_whole = False
            raise
        finally:
            self._settle()

    def _settle(self) -> None:
        """Leave a file that plays in its place, or none."""
        self._place.unlock()
        if not self._place.is_there():
            return
        if self._is_fragmented and not self._is_whole:
            self.has_pictures = cut_broken_fragment(self._place.file)
        if not self.has_pictures:
            self._place.remove()
        elif self._is_whole:
            self._place.replace_earlier()

    def _write_rest(self) -> None:
        with contextlib.ExitStack() as stack:  # if one step fails, the others are still done
            if self._file is not None:
                stack.callback(self._file.check)
                stack.callback(self._file.close)
            stack.callback(self._container.close)
            if self._track is not None:
                self._track.end(float(self._last * self._time_base) + 1 / self._fps)
            if self._stream is not None:
                for each in [] if self._palettes is None else self._palettes(None):
                    self._container.mux(self._stream.encode(each))
                self._container.mux(self._stream.encode())


def check(path: Path) -> None:
    """Check that a recording can be written to a path, by its ending and by what is there already.

    Raises:
        UserError: If it cannot.
    """
    files.check_folder(path.parent)
    ending = path.suffix.lower()
    if ending in CODECS:
        if path.is_file() and recording_place.is_being_recorded(path):  # to open a pipe would wait
            raise cli.UserError(f"expected a file that no other program records to, got {path}")
        files.check_replaceable(path, recording_place.is_recording)
    elif path.is_dir():
        if recording_place.is_being_recorded(path):
            raise cli.UserError(f"expected a folder that no other program records to, got {path}")
        if any(path.iterdir()):
            raise cli.UserError(f"expected an empty folder to record to, got one that holds data: {path}")
    elif ending:
        raise cli.UserError(f"expected a recording of {', '.join(CODECS)} or a folder, got {path}")
    elif path.exists():
        raise cli.UserError(f"expected a folder to record to, got another file: {path}")


def open_recording(path: Path, fps: float, sound: Sound | None = None) -> VideoFile | ImageFolder:
    """Open a video file for a path with an ending, or a folder of PNGs, without sound, for one without.

    Args:
        path: Of the file or folder.
        fps: The source's nominal frame rate.
        sound: What is recorded with the pictures.

    Raises:
        UserError: As `check`.
        OSError: If the system refuses.
    """
    check(path)
    return VideoFile(path, fps, sound) if path.suffix.lower() in CODECS else ImageFolder(path)
