"""Recordings: a video file with sound, a GIF, a folder of PNGs. Pictures are uint8 (H, W, 3), RGB."""

import contextlib
from fractions import Fraction
from pathlib import Path

import numpy as np

from face2face import cli, framing, marks
from face2face.encoded_file import MarkedFile, after_first_box, after_gif_header, cut_broken_fragment
from face2face.sound import RATE, Sound

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
_GIF_TIME_BASE = Fraction(1, 100)
_GIF_SHORTEST = 2  # of its time base: what is shown for less, browsers show for ten
_GOP = 30  # pictures from one key frame to the next: what a fragment, and a seek, begins with
_SOUND_LATE = 0.5  # seconds that sound may come after its picture; later it is silence
_SOUND_JITTER = 0.005  # seconds by which pieces of sound may seem to miss each other without a gap


class VideoFile:
    """A recording that plays even if the program is killed: it is written in fragments.

    Its first picture stands at its second 0, whatever time that is in the source.
    """

    def __init__(self, path: Path, fps: float, sound: Sound | None = None):
        """Raises: UserError if the ending names nothing that can be recorded; OSError."""
        import av

        ending = path.suffix.lower()
        if ending not in CODECS:
            raise cli.UserError(f"expected a recording of {', '.join(CODECS)} or a folder, got {path}")
        path.parent.mkdir(parents=True, exist_ok=True)
        self._av, self._path, self._fps = av, path, fps
        self._codec, self._sound_codec = CODECS[ending]
        self._is_gif = ending == ".gif"
        self._time_base = _GIF_TIME_BASE if self._is_gif else _TIME_BASE
        self._sound = sound if self._sound_codec else None
        self._stream = self._track = self._palettes = None
        self._first, self._last = 0.0, None
        date = marks.now()
        self._file = None
        if self._is_gif:
            self._file = MarkedFile(path, marks.gif_block(date), after_gif_header)
        elif ending == ".mp4":
            self._file = MarkedFile(path, marks.mp4_box(date), after_first_box)
        options = {"flush_packets": "1"}  # what is written is on the disk, whatever happens next
        self._is_fragmented = ending in (".mp4", ".mov")
        if self._is_fragmented:
            # No index at the end: it counts bytes from the start, and does not know of the mark.
            options["movflags"] = "frag_keyframe+empty_moov+default_base_moof+skip_trailer"
        kind = ending[1:] if self._file else None
        self._container = av.open(self._file or str(path), "w", format=kind, options=options)
        said = {"comment": marks.comment(date), "date": date, "digital_source_type": marks.SOURCE_TYPE}
        if ending == ".mov":
            said["xmp"] = marks.xmp(date).decode()
        self._container.metadata.update(said)

    def write(self, picture: np.ndarray, seconds: float) -> None:
        """Append a picture that was taken at a time; all are brought to the first one's size.

        Raises: OSError if it cannot be written; what was written before stays, and plays.
        """
        if self._stream is None:
            self._begin(picture, seconds)
        place = round((seconds - self._first) / self._time_base)
        if self._last is not None:
            if self._is_gif and place < self._last + _GIF_SHORTEST:
                return
            place = max(self._last + 1, place)
        picture = framing.fit(picture, self._stream.width, self._stream.height)
        frame = self._av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
        frame.pts = self._last = place
        frame.time_base = self._time_base
        for each in [frame] if self._palettes is None else self._palettes(frame):
            self._container.mux(self._stream.encode(each))
        if self._track is not None:
            self._track.fill(float(place * self._time_base) - _SOUND_LATE)
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
            self._palettes = _Palettes(width, height)
        if self._sound is not None:
            self._track = _SoundTrack(self._container, self._sound_codec, self._sound, seconds)

    def close(self) -> None:
        """Raises: OSError if the rest cannot be written; the file is closed all the same, and plays."""
        try:
            self._finish()
        except OSError:
            if self._is_fragmented:
                cut_broken_fragment(self._path)
            raise
        if self._stream is None:  # nothing was recorded: leave no file that does not play
            self._path.unlink(missing_ok=True)

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


class _SoundTrack:
    """The sound of a recording, sample by sample beside its pictures; silence where there is none."""

    def __init__(self, container, codec: str, sound: Sound, start: float):
        """start: the second of the source at which the recording begins."""
        import av

        self._av, self._container, self._sound, self._start = av, container, sound, start
        self._layout = "mono" if sound.channels == 1 else "stereo"
        self._stream = container.add_stream(codec, rate=RATE, layout=self._layout)
        self._stream.bit_rate = 80_000 * sound.channels
        self._drops_lead_in = codec == "aac"
        self._count = 0  # samples so far
        self._end: int | None = None

    def fill(self, complete: float) -> None:
        """Write what is there; up to `complete`, in the recording's seconds, it is all there will be."""
        for begin, samples in self._sound.read(self._start, self._start + complete + _SOUND_LATE):
            missing = round((begin - self._start) * RATE) - self._count
            if self._count == 0 or abs(missing) > _SOUND_JITTER * RATE:
                self._silence(missing)
                samples = samples[:, max(0, -missing) :]
            self._write(samples)
        self._silence(round(complete * RATE) - self._count)

    def end(self, seconds: float) -> None:
        """Write the rest, to the sample that ends the recording."""
        self._end = round(seconds * RATE)
        self.fill(seconds)
        self._mux(None)

    def _silence(self, count: int) -> None:
        while count > 0:
            part = np.zeros((self._sound.channels, min(count, RATE)), np.float32)
            self._write(part)
            count -= part.shape[1]

    def _write(self, samples: np.ndarray) -> None:
        if self._end is not None:
            samples = samples[:, : max(0, self._end - self._count)]
        if not samples.shape[1]:
            return
        frame = self._av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), "fltp", self._layout)
        frame.rate, frame.pts, frame.time_base = RATE, self._count, Fraction(1, RATE)
        self._count += samples.shape[1]
        self._mux(frame)

    def _mux(self, frame) -> None:
        for packet in self._stream.encode(frame):
            # AAC begins with a packet before the second 0, only to lead in. A fragmented file has no place
            # for it, and would delay one of the two tracks.
            if not (self._drops_lead_in and packet.pts is not None and packet.pts < 0):
                self._container.mux(packet)


class _Palettes:
    """Gives each picture the 256 colours that suit it: a GIF's. Called with None, it gives the last ones."""

    def __init__(self, width: int, height: int):
        import av

        self._av, self._graph = av, av.filter.Graph()
        source = self._graph.add_buffer(
            width=width, height=height, format=av.VideoFormat("rgb24"), time_base=_GIF_TIME_BASE
        )
        split = self._graph.add("split")
        choose = self._graph.add("palettegen", "stats_mode=single:reserve_transparent=0")
        use = self._graph.add("paletteuse", "new=1:dither=bayer:bayer_scale=4")
        sink = self._graph.add("buffersink")
        source.link_to(split)
        split.link_to(choose, 0, 0)
        split.link_to(use, 1, 0)
        choose.link_to(use, 0, 1)
        use.link_to(sink)
        self._graph.configure()
        self._source, self._sink = source, sink

    def __call__(self, frame) -> list:
        self._source.push(frame)
        coloured = []
        while True:
            try:
                coloured.append(self._sink.pull())
            except (self._av.BlockingIOError, self._av.EOFError):
                return coloured


class ImageFolder:
    """Each picture as 1.png, 2.png, ..."""

    def __init__(self, path: Path):
        """Raises: UserError if the folder holds something."""
        if path.is_dir() and any(path.iterdir()):
            raise cli.UserError(f"expected an empty folder to record to, got one that holds data: {path}")
        path.mkdir(parents=True, exist_ok=True)
        self._path, self._count, self._date = path, 0, marks.now()

    def write(self, picture: np.ndarray, seconds: float) -> None:
        """Raises: OSError if it cannot be written; no part of it stays."""
        self._count += 1
        write_picture(self._path / f"{self._count}.png", picture, self._date)

    def close(self) -> None:
        pass


def write_picture(path: Path, picture: np.ndarray, date: str) -> None:
    """Write a marked PNG. Raises: OSError if it cannot be written; no part of it stays."""
    try:
        path.write_bytes(marks.png(picture, date))
    except OSError:
        path.unlink(missing_ok=True)
        raise


def open_recording(path: Path, fps: float, sound: Sound | None = None) -> VideoFile | ImageFolder:
    """A name with an ending is a video file, one without a folder, which has no sound."""
    return VideoFile(path, fps, sound) if path.suffix and not path.is_dir() else ImageFolder(path)
