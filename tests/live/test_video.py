"""Sources of frames: a file, a part of it, a folder, a stream; and what is none of them."""

import functools
import http.server
import shutil
import threading
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from face2face import pictures
from face2face.cli import UserError
from face2face.output.recording import open_recording
from face2face.output.recording_place import is_recording
from face2face.sources import files
from face2face.sources.base import FALLBACK_FPS
from face2face.sources.files import FileSource, natural_order
from face2face.sources.open import open_source


@pytest.fixture(scope="module")
def clip(clips) -> str:
    """472 frames of 640x360, 23.976 frames a second."""
    return str(clips / "WolfgangLanger_Pexels.mp4")


@pytest.fixture
def folder(tmp_path):
    """Twelve pictures, each of its own level, as 1.png to 12.png."""
    for level in range(1, 13):
        pictures.write(tmp_path / f"{level}.png", np.full((20, 30, 3), level, np.uint8))
    return tmp_path


def test_a_file_is_read_to_its_end(clip):
    with open_source(clip) as source:
        frames = list(source.frames())
    assert [frame.number for frame in frames] == list(range(472))
    assert frames[0].picture.shape == (360, 640, 3)
    assert source.fps == pytest.approx(23.976, abs=0.01) and source.frame_count == 472
    seconds = np.array([frame.seconds for frame in frames])
    assert np.diff(seconds) == pytest.approx([1 / source.fps] * 471, abs=0.002)


def test_a_part_of_a_file(clip):
    with open_source(clip, start=2.0, end=3.5) as source:
        frames = list(source.frames())
    assert frames[0].seconds >= 2.0 and frames[-1].seconds < 3.5
    assert len(frames) == pytest.approx(1.5 * source.fps, abs=1)
    assert frames[0].number == pytest.approx(2.0 * source.fps, abs=1)


def test_a_part_of_a_file_whose_frames_last_unequally_long(tmp_path):
    """As phones film: 20 frames of 100 ms, then 50 of 20 ms."""
    path = tmp_path / "phone.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        for number in range(70):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 3 * number, np.uint8), format="bgr24")
            frame.pts = 100 * min(number, 20) + 20 * max(number - 20, 0)
            frame.time_base = Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    for start, end, numbers in (
        (1.0, None, (10, 70)),
        (0.0, 2.2, (0, 30)),
        (1.5, 2.5, (15, 45)),
        (9, None, (70, 70)),
    ):
        with open_source(str(path), start, end) as source:
            assert source.span() == range(*numbers)
            assert [frame.number for frame in source.frames()] == list(range(*numbers))


def test_a_part_of_a_file_that_was_cut_without_encoding_it_anew(tmp_path):
    """It begins with the key frame before the cut; its edit list hides what comes before the cut."""
    whole, cut = tmp_path / "whole.mp4", tmp_path / "cut.mp4"
    with av.open(str(whole), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"g": "50", "bf": "0"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(100):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 2 * number, np.uint8), format="bgr24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    with av.open(str(whole)) as read, av.open(str(cut), "w") as container:
        (stream,) = read.streams.video
        written = container.add_stream_from_template(stream)
        for packet in read.demux(stream):
            if packet.pts is not None:
                packet.pts -= round(1.2 / stream.time_base)
                packet.dts -= round(1.2 / stream.time_base)
                packet.stream = written
                container.mux(packet)
    with open_source(str(cut)) as source:
        assert len(list(source.frames())) == 70
    with open_source(str(cut), 1.0, 2.0) as source:
        assert source.span() == range(25, 50)
        assert [frame.number for frame in source.frames()] == list(source.span())


def test_wanted_frames_are_the_same_as_in_a_whole_reading(clip):
    wanted = {3, 50, 51, 120}
    with open_source(clip, end=6) as source:
        whole = {frame.number: frame.picture for frame in source.frames()}
        again = {frame.number: frame.picture for frame in source.frames(wanted)}
    assert again.keys() == wanted
    assert all(np.array_equal(again[number], whole[number]) for number in wanted)


def test_a_folder_is_read_in_the_order_of_its_numbers(folder):
    with open_source(str(folder)) as source:
        levels = [int(frame.picture[0, 0, 0]) for frame in source.frames()]
        assert [frame.number for frame in source.frames({2, 5})] == [2, 5]
    assert levels == list(range(1, 13))
    assert source.frame_count == 12 and source.fps == FALLBACK_FPS


def test_natural_order():
    names = ["10.png", "frame 2.png", "9.png", "frame 10.png"]
    assert sorted(names, key=natural_order) == ["9.png", "10.png", "frame 2.png", "frame 10.png"]


@pytest.fixture
def address(clip, tmp_path):
    """The address of a stream on this machine, of the clip's first two seconds."""
    recording = open_recording(tmp_path / "stream.mp4", 24.0)
    with open_source(clip, end=2) as source:
        for frame in source.frames():
            recording.write(frame.picture[..., ::-1], frame.seconds)
    recording.close()
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/stream.mp4"
        server.shutdown()


def test_a_stream(address):
    with open_source(address) as source:
        assert source.live
        frames = list(source.frames())
    assert len(frames) == pytest.approx(48, abs=1) and frames[0].picture.shape == (360, 640, 3)
    seconds = [frame.seconds for frame in frames]
    assert seconds == sorted(seconds) and seconds[0] < 60


def test_a_stream_that_is_not_there(address):
    with pytest.raises(UserError, match=r"stream cannot be read: http://.*/nothing"):
        open_source(address.replace("stream.mp4", "nothing"))


@pytest.mark.parametrize(
    "spec, message",
    [
        ("63", "camera 63 cannot be opened: "),
        (
            "nowhere.mp4",
            "expected a video file, a camera's number, a stream's address or a folder, got 'nowhere.mp4'",
        ),
    ],
)
def test_sources_that_are_not_there(spec, message):
    with pytest.raises(UserError, match=message):
        open_source(spec)


def test_a_file_that_is_no_video(tmp_path):
    path = tmp_path / "film.mp4"
    path.write_bytes(b"no video" * 1000)
    with pytest.raises(UserError, match=r"expected a video, got a file that cannot be decoded: .*film\.mp4"):
        open_source(str(path))


def test_a_video_that_breaks_off(clip, tmp_path):
    """A download that was stopped: what there is of it is used."""
    path = tmp_path / "half.mp4"
    path.write_bytes(Path(clip).read_bytes()[:800_000])
    with open_source(str(path)) as source:
        assert 100 < len(list(source.frames())) < 400


def test_a_folder_without_images(tmp_path):
    with pytest.raises(UserError, match=r"expected images .*, got none in the folder"):
        open_source(str(tmp_path))


def test_a_folder_with_a_broken_image(folder):
    (folder / "7.png").write_text("no image")
    seen = []
    with pytest.raises(UserError, match=r"expected an image, got a file that cannot be decoded.*7\.png"):
        for frame in open_source(str(folder)).frames():
            seen.append(frame.number)
    assert seen == list(range(6))


@pytest.mark.parametrize("start, end", [(3, 3), (5, 2)])
def test_a_part_that_is_none(clip, start, end):
    with pytest.raises(UserError, match="expected --end after --start"):
        open_source(clip, start, end)


def test_what_is_not_there_is_told_before_what_its_options_mean():
    with pytest.raises(UserError, match=r"expected a video file, .*, got 'typo\.mp4'"):
        open_source("typo.mp4", start=3)


def test_parts_are_of_files(address):
    with pytest.raises(UserError, match="--start and --end are for video files"):
        open_source(address, start=1)


def test_pictures_are_bgr(tmp_path):
    cv2.imwrite(str(tmp_path / "1.png"), np.full((8, 8, 3), (250, 100, 5), np.uint8))
    (frame,) = open_source(str(tmp_path)).frames()
    assert frame.picture[0, 0].tolist() == [250, 100, 5]


@pytest.mark.parametrize("whole", [True, False])
def test_a_sample_is_spread_over_the_clip(clips, whole, monkeypatch):
    """A short clip is read as a whole, a long one by seeking: the same frames, whatever is read meanwhile.

    The first few of them are spread over the clip, too.
    """
    if not whole:
        monkeypatch.setattr(files, "READ_WHOLE_PIXELS", 0)
    with FileSource(clips / "single_face.mp4", 1.0, 2.0) as source:
        frames = source.frames()
        first = next(frames)
        sample = list(source.sample(5))
        assert next(frames).number == first.number + 1
        every = {frame.number: frame.picture for frame in source.frames()}
    for frame in sample:
        assert np.array_equal(frame.picture, every[frame.number])
    assert [frame.number - min(every) for frame in sample] == [3, 27, 15, 9, 21]


def test_a_sample_of_a_folder_is_spread_over_it_whenever_it_is_left(folder):
    with open_source(str(folder)) as source:
        assert [frame.number for frame in source.sample(6)] == [1, 9, 5, 3, 11, 7]
        assert sorted(frame.number for frame in source.sample(99)) == list(range(12))


def test_a_relative_name_with_a_colon_is_no_protocol(clips, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(clips / "single_face.mp4", "2026-01-01T10:20:30.mp4")
    with open_source("2026-01-01T10:20:30.mp4") as source:
        assert len(list(source.frames())) == source.frame_count == 72
    recording = open_recording(Path("now:1.mp4"), 25.0)
    recording.write(np.zeros((64, 64, 3), np.uint8), 0.0)
    recording.close()
    assert is_recording(Path("now:1.mp4"))


def test_a_sample_up_to_an_end_that_is_far_off(clip):
    with FileSource(Path(clip), end=1e308) as source:
        assert len(list(source.sample(3))) == 3
