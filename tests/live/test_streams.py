"""Cameras and streams that go away come back by themselves; which cameras there are is told."""

import http.server
import itertools
import sys
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from face2face.cli import UserError
from face2face.sources import cameras, streams
from face2face.sources.open import open_source
from face2face.sources.streams import LiveSource, open_stream
from tests import made


class Device:
    """A clip in the place of a camera: it has no length, and is unplugged at its end."""

    def __init__(self, path):
        self._clip = cv2.VideoCapture(str(path))
        self.grab, self.retrieve, self.release = self._clip.grab, self._clip.retrieve, self._clip.release

    def get(self, what):
        return -1.0 if what == cv2.CAP_PROP_FRAME_COUNT else self._clip.get(what)


@pytest.fixture
def no_pauses(monkeypatch):
    monkeypatch.setattr(streams, "PAUSES", (0.01, 0.02))


def test_a_camera_that_is_plugged_in_again_comes_back(clips, no_pauses, capsys):
    plugged_in = iter([True, False, False, True])
    states = []

    def open_device():
        if not next(plugged_in):
            states.append(source.state)
            raise UserError("camera 0 cannot be opened")
        return Device(clips / "single_face.mp4")

    source = LiveSource("camera 0", open_device)
    before = time.perf_counter()
    frames = list(itertools.islice(source.frames(), 100))  # the clip has 72
    assert [frame.number for frame in frames] == list(range(100))
    assert [frame.seconds for frame in frames] == sorted(frame.seconds for frame in frames)
    assert np.array_equal(frames[72].picture, frames[0].picture)
    captured = [frame.captured for frame in frames]
    assert captured == sorted(captured) and before < captured[0] and captured[-1] < time.perf_counter()
    assert states == ["camera 0 sends no pictures: waiting for it"] * 2 and source.state == ""
    said = capsys.readouterr().err.splitlines()
    assert said == ["warning: camera 0 sends no pictures: waiting for it", "warning: camera 0 is back"]
    source.close()


def test_a_source_that_is_closed_while_it_waits_ends_at_once(clips, monkeypatch):
    monkeypatch.setattr(streams, "PAUSES", (3600.0,))
    source = LiveSource("camera 0", lambda: Device(clips / "single_face.mp4"))
    frames = []
    thread = threading.Thread(target=lambda: frames.extend(source.frames()))
    thread.start()
    made.until(lambda: source.state, 30)
    source.close()
    thread.join(timeout=10)
    assert not thread.is_alive() and len(frames) == 72


class Stalling(http.server.BaseHTTPRequestHandler):
    """An endless stream of JPEGs: the first connection stalls after six, the second and third are refused."""

    def do_GET(self):
        self.server.asked.append(time.monotonic())
        count = len(self.server.asked)
        if count in (2, 3):
            self.send_error(503)
            return
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace;boundary=next")
        self.end_headers()
        for level in range(6 if count == 1 else 60):
            picture = np.full((32, 32, 3), (count * 60 + level) % 256, np.uint8)
            jpeg = cv2.imencode(".jpg", picture)[1].tobytes()
            self.wfile.write(b"--next\r\nContent-Type: image/jpeg\r\n")
            self.wfile.write(b"Content-Length: %d\r\n\r\n%s\r\n" % (len(jpeg), jpeg))
        self.server.ended.wait(20)

    def log_message(self, *_):
        pass


def test_a_camera_that_gives_nothing_does_not_hold_up_the_end(clips):
    """Its driver waits for a picture; the thread that reads it is left to it."""
    device, asked, comes = Device(clips / "single_face.mp4"), threading.Event(), threading.Event()
    device.grab = lambda: asked.set() or comes.wait()
    source = LiveSource("camera 0", lambda: device)
    thread = threading.Thread(target=lambda: list(source.frames()), daemon=True)
    thread.start()
    assert asked.wait(10)
    source.close()
    assert thread.is_alive()
    comes.set()
    thread.join(10)
    assert not thread.is_alive()


def test_a_stream_that_stalls_is_tried_again_with_growing_pauses(monkeypatch, capsys):
    monkeypatch.setattr(streams, "STALLED_MS", 300)
    monkeypatch.setattr(streams, "PAUSES", (0.05, 0.4, 0.8))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stalling) as server:
        server.asked, server.ended = [], threading.Event()
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        source = open_stream(f"http://127.0.0.1:{server.server_port}/video")
        frames = list(itertools.islice(source.frames(), 12))
        server.ended.set()
        source.close()
        server.shutdown()
    first, second, third, fourth = server.asked
    assert second - first > 0.3  # it stalled
    assert third - second > 0.4 and fourth - third > 0.8
    assert len(frames) == 12 and int(frames[-1].picture[0, 0, 0]) > 230  # of the fourth connection
    assert capsys.readouterr().err.count("warning: ") == 2


@pytest.mark.parametrize(
    "address, name",
    [
        ("rtsp://me:secret@host.example", "host.example"),
        ("rtsp://me:secret@host.example:554/yard?token=secret", "yard"),
        ("https://host.example/a/b.mp4?signed=secret", "b.mp4"),
        ("file:///clips/clip.mp4", "clip.mp4"),
        ("http://[::1/yard", "stream"),
    ],
)
def test_a_streams_name_has_no_password(address, name):
    """It is shown on the page, and goes on with the training pairs into the frozen graph."""
    assert streams.short_name(address) == name


# --- which cameras there are ------------------------------------------------------------------------------

PLUGGED_IN = [cameras.Camera(0, "Integrated Webcam"), cameras.Camera(2, "USB Video")]


@pytest.mark.parametrize(
    "there, index, message",
    [
        ([], 63, "camera 63 cannot be opened: no camera is plugged in"),
        (PLUGGED_IN, 63, "camera 63 cannot be opened: there are: 0 (Integrated Webcam), 2 (USB Video)"),
        (
            *(PLUGGED_IN, 2),
            "camera 2 (USB Video) cannot be opened: another program may hold it; others: "
            "0 (Integrated Webcam)",
        ),
        (
            *(PLUGGED_IN[:1], 0),
            "camera 0 (Integrated Webcam) cannot be opened: another program may hold it; there is no other",
        ),
    ],
)
def test_a_camera_that_cannot_be_opened_gets_the_names_of_the_others(there, index, message, monkeypatch):
    monkeypatch.setattr(cameras, "list_cameras", lambda: there)
    if index < 10 and cv2.VideoCapture(index).isOpened():
        pytest.skip("this machine has that camera")
    with pytest.raises(UserError) as raised:
        open_source(str(index))
    assert str(raised.value) == message


def test_a_camera_that_may_not_be_read_is_told(tmp_path, monkeypatch):
    device = tmp_path / "video63"
    device.touch()
    monkeypatch.setattr(cameras, "list_cameras", lambda: [cameras.Camera(63, "USB Video", str(device))])
    monkeypatch.setattr(cameras.os, "access", lambda path, _: path != str(device))  # root may read any file
    with pytest.raises(UserError, match=f"no permission to read {device}, add yourself to the group 'video'"):
        open_source("63")


@pytest.mark.skipif(sys.platform != "linux", reason="the device files of Linux")
def test_cameras_are_listed_in_the_order_of_their_indices(tmp_path, monkeypatch):
    """Through the package that names them; these files are no devices, so their names serve."""
    from cv2_enumerate_cameras import linux_backend

    for name in ("video102", "video99", "video7x"):
        (tmp_path / name).touch()
    find = linux_backend.glob.glob
    monkeypatch.setattr(
        linux_backend.glob, "glob", lambda pattern: find(pattern.replace("/dev", str(tmp_path)))
    )
    assert cameras.list_cameras() == [
        cameras.Camera(99, "video99", str(tmp_path / "video99")),
        cameras.Camera(102, "video102", str(tmp_path / "video102")),
    ]
    assert cameras.table().splitlines() == ["99\tvideo99\tsizes unknown", "102\tvideo102\tsizes unknown"]


class Settings:
    """What a camera makes of what it is asked for: by its format, the sizes and their frames per second."""

    def __init__(self, formats: dict[float, dict[tuple[int, int], float]]):
        self.formats, self.fourcc = formats, next(iter(formats))
        self.size = next(iter(formats[self.fourcc]))

    def set(self, what, value) -> bool:
        if what == cv2.CAP_PROP_FOURCC and value in self.formats:
            self.fourcc = value
        width, height = self.size
        wished = (value if what == cv2.CAP_PROP_FRAME_WIDTH else width, height)
        wished = (wished[0], value if what == cv2.CAP_PROP_FRAME_HEIGHT else height)
        sizes = self.formats[self.fourcc]
        self.size = min(sizes, key=lambda size: abs(size[0] - wished[0]) + abs(size[1] - wished[1]))
        return True

    def get(self, what) -> float:
        return {
            cv2.CAP_PROP_FOURCC: self.fourcc,
            cv2.CAP_PROP_FRAME_WIDTH: self.size[0],
            cv2.CAP_PROP_FRAME_HEIGHT: self.size[1],
            cv2.CAP_PROP_FPS: self.formats[self.fourcc][self.size],
        }[what]


YUYV = float(cv2.VideoWriter.fourcc(*"YUYV"))
VGA, HD = (640, 480), (1280, 720)


@pytest.mark.parametrize(
    "formats, size, came",
    [
        ({YUYV: {VGA: 30, HD: 10}, cameras.MJPG: {VGA: 30, HD: 30}}, HD, (cameras.MJPG, HD, 30)),
        ({YUYV: {VGA: 30, HD: 10}, cameras.MJPG: {VGA: 30, HD: 30}}, None, (YUYV, VGA, 30)),
        ({YUYV: {VGA: 30}, cameras.MJPG: {VGA: 30, HD: 25}}, HD, (cameras.MJPG, HD, 25)),
        ({YUYV: {VGA: 30, HD: 10}}, HD, (YUYV, HD, 10)),
        ({YUYV: {VGA: 60}, cameras.MJPG: {VGA: 30}}, VGA, (YUYV, VGA, 60)),
    ],
)
def test_mjpg_is_asked_for_where_it_makes_a_camera_faster(formats, size, came):
    camera = Settings(formats)
    cameras.ask(camera, size, None)
    assert (camera.fourcc, camera.size, camera.get(cv2.CAP_PROP_FPS)) == came


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux tells the names elsewhere, too")
def test_the_sizes_of_a_camera():
    camera = Settings({YUYV: {VGA: 30, HD: 10}})
    assert cameras.common_sizes(camera) == [VGA, HD]


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's own list")
def test_list_cameras_of_this_machine():
    """Against what the kernel calls them; a camera may have a second device, which gives no pictures."""
    result = made.run_script("run_webcam.py", "--list-cameras")
    assert result.returncode == 0, result.stderr
    devices = Path("/sys/class/video4linux").glob("video*")
    known = {int(device.name[5:]): (device / "name").read_text().strip() for device in devices}
    if not known:
        assert result.stdout == "no camera is plugged in\n"
        return
    listed = [line.split("\t")[:2] for line in result.stdout.splitlines()]
    assert listed and all(known[int(index)] == name for index, name in listed)


@pytest.mark.parametrize("option", [{"camera_size": (640, 480)}, {"camera_fps": 30.0}])
def test_camera_options_are_of_cameras(clips, option):
    with pytest.raises(UserError, match="--camera-size and --camera-fps are for cameras"):
        open_source(str(clips / "single_face.mp4"), **option)
