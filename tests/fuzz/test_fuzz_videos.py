"""Video files: their pictures and their sound."""

import contextlib
import functools
from pathlib import Path

import numpy as np
import pytest

from face2face.cli import UserError
from face2face.output.sound import FileSound, has_sound
from face2face.sources.open import open_source
from tests.fuzz import harness, mutations
from tests.fuzz.harness import Reader
from tests.fuzz.valid import video_files

sounding = functools.partial(video_files, with_sound=True)


def read_pictures(folder: Path) -> None:
    with open_source(str(folder / "input")) as source:
        assert 0 < source.fps < 1e4
        for frame in source.frames():
            assert frame.picture.dtype == np.uint8 and np.isfinite(frame.seconds)


def read_sound(folder: Path) -> None:
    if not has_sound(folder / "input"):
        raise UserError("it has no sound")
    with contextlib.closing(FileSound(folder / "input")) as sound:
        for seconds, samples in sound.read(0.0, 60.0):
            assert np.isfinite(seconds) and samples.shape[0] == sound.channels


READERS = [
    Reader("video", read_pictures, lambda: mutations.bytes_like(video_files()), video_files, 500),
    Reader("video's sound", read_sound, lambda: mutations.bytes_like(sounding()), sounding, 200),
]


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
def test_a_video_is_read_or_refused_in_one_line(reader, process):
    harness.fuzz(reader, process)
