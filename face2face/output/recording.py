"""Recordings: a video file with sound, a GIF, a folder of PNGs. Pictures are uint8 (H, W, 3), RGB."""

import contextlib
from fractions import Fraction
from pathlib import Path

import numpy as np

from face2face import cli, files
from face2face.face import crop
from face2face.output import palettes, place, provenance
from face2face.output.encoded_file import MarkedFile, after_first_box, after_gif_header, cut_broken_fragment
from face2face.output.place import Place
from face2face.output.sound import Sound
from face2face.output.sound_track import SOUND_LATE, SoundTrack

CODECS = {
    ".mp4": ("libx264", "aac"),
    ".mkv": ("libx264", "aac"),
    ".mov": ("libx264", "aac"),
    ".webm": ("libvpx-vp9", "libopus"),
    ".gif": ("gif", None),
}
"""What can be recorded, by a file name's ending: for pictures and for sound, what is used in each."""

ENCODING = {
    # Without a delay, so without B-frames: they would shift the times of a fragmented file's pictures.
    "libx264": {"crf": "18", "preset": "veryfast", "tune": "zerolatency"},
    "libvpx-vp9": {"crf": "24", "b": "0", "deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"},
    "gif": {},
}
"""What each codec is told: quality before size, and speed before both."""

GIF_WIDTH = 512
"""A GIF's largest width: ten seconds of it are already 25 MB."""

_TIME_BASE = Fraction(1, 90_000)  # of time stamps, in seconds: fits any camera
_GIF_SHORTEST = 2  # of its time base: what is shown for less, browsers show for ten
_CLUSTER_MS = "1000"  # of Matroska: what is killed has lost that much
_GOP = 30  # pictures from one key frame to the next: what a fragment, and a seek, begins with


class VideoFile:
    """A recording that plays even if the program is killed: it is written in fragments.

    Its first picture stands at its second 0, whatever time that is in the source. An earlier recording at
    `path` stays until this one is whole (see `Place`).
    """

    def __init__(self, path: Path, fps: float, sound: Sound | None = None):
        """Raises: UserError if `check` does; OSError."""
        ending = path.suffix.lower()
        self._fps = fps
        self._codec, self._sound_codec = CODECS[ending]
        self._is_gif = ending == ".gif"
        self._time_base = palettes.TIME_BASE if self._is_gif else _TIME_BASE
        self._sound = sound if self._sound_codec else None
        self._stream = self._track = self._palettes = self._file = None
        self._first, self._last = 0.0, None
        self._is_fragmented = ending in (".mp4", ".mov")
        self.has_pictures, self._is_whole = False, True
        self._place = Place(path)
        try:
            self._open(ending)
        except BaseException:
            self._place.clear()
            raise

    @property
    def path(self) -> Path:
        """Where the recording is."""
        return self._place.path

    def _open(self, ending: str) -> None:
        import av

        date, file = provenance.now(), self._place.file
        if self._is_gif:
            self._file = MarkedFile(file, provenance.gif_block(date), after_gif_header)
        elif ending == ".mp4":
            self._file = MarkedFile(file, provenance.mp4_box(date), after_first_box)
        options = {"flush_packets": "1"}  # what is written is on the disk, whatever happens next
        if self._is_fragmented:
            # No index at the end: it counts bytes from the start, and does not know of the mark.
            options["movflags"] = "frag_keyframe+empty_moov+default_base_moof+skip_trailer"
        elif ending in (".mkv", ".webm"):
            options["cluster_time_limit"] = _CLUSTER_MS
        kind = ending[1:] if self._file else None
        self._av = av
        self._container = av.open(self._file or str(file), "w", format=kind, options=options)
        said = {
            "comment": provenance.comment(date),
            "date": date,
            "digital_source_type": provenance.SOURCE_TYPE,
        }
        if ending == ".mov":
            said["xmp"] = provenance.xmp(date).decode()
        self._container.metadata.update(said)

    def write(self, picture: np.ndarray, seconds: float) -> None:
        """Append a picture that was taken at a time; all are brought to the first one's size.

        Raises:
            OSError: if it cannot be written; what was written before stays, and plays.
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
            height, width = height // 2 * 2, width // 2 * 2  # colour has half the resolution
        stream.width, stream.height = width, height
        stream.codec_context.time_base = self._time_base
        stream.codec_context.gop_size = _GOP
        stream.options = ENCODING[self._codec]
        self._stream, self._first = stream, seconds
        if self._is_gif:
            self._palettes = palettes.Palettes(width, height)
        if self._sound is not None:
            self._track = SoundTrack(self._container, self._sound_codec, self._sound, seconds)

    def close(self) -> None:
        """Close the file, whatever happens; without a picture in it, it is removed.

        Raises:
            OSError: if the rest cannot be written, or the file is gone; what there is of it plays.
        """
        try:
            try:
                self._finish()
            finally:
                self._place.check()
        except OSError:
            self._is_whole = False
            raise
        finally:
            self._settle()

    def _settle(self) -> None:
        """Leave a file that plays, in its place, or none."""
        if not self._place.is_there():
            return
        if self._is_fragmented and not self._is_whole:
            self.has_pictures = cut_broken_fragment(self._place.file)
        if not self.has_pictures:
            self._place.clear()
        elif self._is_whole:
            self._place.end()

    def _finish(self) -> None:
        with contextlib.ExitStack() as stack:  # whatever fails, the rest is still done
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


class ImageFolder:
    """Each picture as 1.png, 2.png, ..."""

    def __init__(self, path: Path):
        """Raises: UserError if `check` does; OSError."""
        path.mkdir(parents=True, exist_ok=True)
        self.path, self._count, self._date = path, 0, provenance.now()
        self.has_pictures = False
        self._identity = place.identity(path)

    def write(self, picture: np.ndarray, seconds: float) -> None:
        """Raises: OSError if it cannot be written; no part of it stays."""
        self._count += 1
        write_picture(self.path / f"{self._count}.png", picture, self._date)
        self.has_pictures = True

    def close(self) -> None:
        """Raises: OSError if the folder is gone."""
        place.check_unchanged(self.path, self._identity)


def write_picture(path: Path, picture: np.ndarray, date: str) -> None:
    """Write a marked PNG. Raises: OSError if it cannot be written; no part of it stays."""
    try:
        path.write_bytes(provenance.png(picture, date))
    except OSError:
        path.unlink(missing_ok=True)
        raise


def check(path: Path) -> None:
    """Raises: UserError if nothing can be recorded there: by its name, or for what is there already."""
    ending = path.suffix.lower()
    if ending in CODECS:
        files.check_replaceable(path, place.is_recording)
    elif path.is_dir():
        if any(path.iterdir()):
            raise cli.UserError(f"expected an empty folder to record to, got one that holds data: {path}")
    elif ending:
        raise cli.UserError(f"expected a recording of {', '.join(CODECS)} or a folder, got {path}")
    elif path.exists():
        raise cli.UserError(f"expected a folder to record to, got another file: {path}")


def open_recording(path: Path, fps: float, sound: Sound | None = None) -> VideoFile | ImageFolder:
    """A name with an ending is a video file, one without a folder, which has no sound.

    Raises:
        UserError: if `check` does.
        OSError: if the system refuses.
    """
    check(path)
    return VideoFile(path, fps, sound) if path.suffix.lower() in CODECS else ImageFolder(path)
