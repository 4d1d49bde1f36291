"""The microphone's sound reaches a call as late as the pictures do: noise goes in, and comes out delayed."""

import contextlib
import ctypes.util
import http.server
import itertools
import re
import signal
import subprocess
import sys
import threading
import time

import cv2
import numpy as np
import pytest

import run_webcam
from face2face.live import drive
from face2face.live.stats import Stats
from face2face.output.sound import RATE
from tests import made
from tests.made import edge

CHANNELS, NAMES = 4, "front-left,front-right,rear-left,rear-right"
RAW = [
    *(f"--rate={RATE}", f"--channels={CHANNELS}", f"--channel-map={NAMES}"),
    *("--format=float32le", "--raw", "--latency-msec=10"),
]

PLAY = f"""
import sys, time
sys.path.insert(0, {str(made.ROOT)!r})
from face2face.output.delayed_microphone import DelayedMicrophone

delay = [None]
microphone = DelayedMicrophone("default", None, lambda: delay[0])
print("open", flush=True)
for line in sys.stdin:
    if line == "how late?\\n":
        print(microphone.lateness, flush=True)
    else:
        delay[0] = float(line)
microphone.close()
"""


def noise(seconds: float) -> np.ndarray:
    """float32 (n,), every part of which is known from every other."""
    return np.random.default_rng(0).normal(0, 0.1, round(seconds * RATE)).astype(np.float32)


@pytest.fixture
def cable(loopback, monkeypatch):
    """The default microphone and the default output are channels of one device: their samples are in step."""
    for module in (
        f"module-null-sink sink_name=all channels={CHANNELS} channel_map={NAMES}",
        "module-remap-source source_name=voice master=all.monitor channels=1 channel_map=mono"
        " master_channel_map=front-left remix=no",
        "module-remap-sink sink_name=cable master=all channels=1 channel_map=mono"
        " master_channel_map=rear-left remix=no",
    ):
        subprocess.run(["pactl", "load-module", *module.split()], stdout=subprocess.DEVNULL, check=True)
    monkeypatch.setenv("PULSE_SINK", "cable")
    monkeypatch.setenv("PULSE_SOURCE", "voice")


@contextlib.contextmanager
def recorded_noise(path):
    """Noise is what the microphone hears; it and what reaches the cable are written to a file."""
    sound = np.zeros((10 * RATE, CHANNELS), np.float32)
    sound[:, 0] = noise(10)
    with path.open("wb") as file:
        player = subprocess.Popen(["pacat", "-p", "--device=all", *RAW], stdin=subprocess.PIPE)
        recorder = subprocess.Popen(["parec", "--device=all.monitor", *RAW], stdout=file)
        feeder = threading.Thread(target=feed, args=(player.stdin, sound.tobytes()))
        feeder.start()
        try:
            made.until(lambda: path.stat().st_size)
            yield
        finally:
            for process in (recorder, player):
                process.terminate()
                process.wait(timeout=10)
            feeder.join(timeout=10)


def feed(pipe, data: bytes) -> None:
    """Write the same to a process again and again until it ends."""
    with contextlib.suppress(BrokenPipeError):
        while True:
            pipe.write(data)


def lateness(path, begin: int, seconds: float = 0.8) -> tuple[float, float]:
    """By how many seconds the cable is late, and how like the microphone it is, 0 to 1, from a sample on."""
    made.until(lambda: path.stat().st_size >= 4 * CHANNELS * (begin + seconds * RATE))
    count = round(seconds * RATE)
    heard = np.fromfile(path, np.float32, CHANNELS * count, offset=4 * CHANNELS * begin).reshape(-1, CHANNELS)
    voice, cable = np.fft.rfft(heard[:, [0, 2]].T, 2 * count)
    likeness = np.fft.irfft(cable * np.conj(voice))[:count]
    late = int(np.argmax(likeness))
    return late / RATE, likeness[late] / np.linalg.norm(heard[:, 0]) / max(np.linalg.norm(heard[:, 2]), 1e-9)


def newest(path) -> int:
    """The sample that is recorded next."""
    return path.stat().st_size // (4 * CHANNELS)


def is_late_by(delay: float, path) -> bool:
    late, likeness = lateness(path, newest(path))
    return abs(late - delay) < 0.03 and likeness > 0.3


def start_player(**options) -> subprocess.Popen:
    """What plays the microphone to the cable, once both devices are open."""
    player = subprocess.Popen(
        [sys.executable, "-c", PLAY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **options
    )
    assert player.stdout.readline() == "open\n"
    return player


def tell(player, line: object) -> None:
    player.stdin.write(f"{line}\n")
    player.stdin.flush()


def ask(player) -> float | None:
    """How late the player says that the sound is."""
    tell(player, "how late?")
    said = player.stdout.readline().strip()
    return None if said == "None" else float(said)


def test_the_sound_is_as_late_as_the_pictures(cable, tmp_path):
    recording = tmp_path / "recording.raw"
    player = start_player()
    with recorded_noise(recording):
        assert lateness(recording, newest(recording))[1] == 0  # silence, as long as the delay is unknown
        assert ask(player) is None
        for delay in (0.15, 0.4):
            tell(player, delay)
            made.until(lambda delay=delay: is_late_by(delay, recording), 20)
            assert is_late_by(delay, recording)  # and stays so
        made.until(lambda: abs(ask(player) - delay) < 0.03, 10)  # it tells the median of the last seconds
    player.communicate()
    assert player.returncode == 0


@pytest.mark.parametrize(
    "failure, warning",
    [
        ("suspend-source voice 1", "the microphone of --delay-microphone gives no more sound"),
        ("exit", "the output of --delay-microphone plays no more sound"),
    ],
)
def test_a_device_that_fails_is_told_once_and_the_run_goes_on(failure, warning, cable, tmp_path):
    with (tmp_path / "errors").open("w+") as errors:
        player = start_player(stderr=errors)
        tell(player, 0.2)
        made.until(lambda: ask(player))
        subprocess.run(["pactl", *failure.split()], check=True)
        made.until(lambda: "warning: " in (tmp_path / "errors").read_text(), 20)
        made.until(lambda: ask(player) is None)  # nothing is claimed of sound that is not played
        player.communicate(timeout=20)
        assert player.returncode == 0
    said = [line for line in (tmp_path / "errors").read_text().splitlines() if "warning: " in line]
    assert len(said) == 1 and said[0].startswith(f"warning: {warning}")


class Endless(http.server.BaseHTTPRequestHandler):
    """The first pictures of a clip again and again, 25 a second, as a camera of the network sends them."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace;boundary=next")
        self.end_headers()
        with contextlib.suppress(OSError):  # the run has ended
            for jpeg in itertools.cycle(self.server.jpegs):
                self.wfile.write(b"--next\r\nContent-Type: image/jpeg\r\n")
                self.wfile.write(b"Content-Length: %d\r\n\r\n%s\r\n" % (len(jpeg), jpeg))
                if self.server.ended.wait(0.04):
                    return

    def log_message(self, *_):
        pass


@pytest.fixture
def endless_stream(clips):
    """The address of a live stream that has no end."""
    clip = cv2.VideoCapture(str(clips / "WolfgangLanger_Pexels.mp4"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endless) as server:
        server.jpegs = [cv2.imencode(".jpg", clip.read()[1])[1].tobytes() for _ in range(10)]
        server.ended = threading.Event()
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/video"
        server.ended.set()
        server.shutdown()


def test_a_run_plays_the_microphone_until_ctrl_c(cable, endless_stream, frozen_model, tmp_path):
    recording = tmp_path / "recording.raw"
    arguments = ["--source", endless_stream, "--tf-model", str(frozen_model), "--no-window"]
    command = [sys.executable, str(made.ROOT / "run_webcam.py"), *arguments, "--delay-microphone", "default"]
    with recorded_noise(recording):
        run = made.start(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        made.until(lambda: lateness(recording, newest(recording))[1] > 0.3)
        run.send_signal(signal.SIGINT)
        said, errors = run.communicate(timeout=60)
    assert (run.returncode, errors) == (130, "interrupted\n")
    assert re.search(r"; the microphone's sound is played \d+ ms late$", said, re.MULTILINE)


def test_sound_that_was_not_played_is_not_claimed():
    stats = Stats()
    stats.show(time.perf_counter() - 0.06, has_face=True)
    assert "the microphone's sound is played 104 ms late" in drive.latency_message(stats, 0.104)
    assert "in calls, delay the microphone by 60 ms" in drive.latency_message(stats, None)


@pytest.mark.parametrize(
    "options, message",
    [
        (
            ["--source", "0"],
            "'nowhere' cannot be opened|expected a (sound output|microphone), found none",
        ),
        (["--source", "{clip}"], "--delay-microphone is for cameras and streams, got single_face.mp4"),
        (
            ["--source", "{clip}", "--pace"],
            "--delay-microphone is for cameras and streams, got single_face.mp4",
        ),
    ],
)
def test_what_cannot_play_is_refused_before_a_model_is_loaded(options, message, clips, tmp_path, capfd):
    options = [each.format(clip=clips / "single_face.mp4") for each in options]
    assert re.search(message, refused(tmp_path, capfd, *options, "--delay-microphone", "nowhere"))


@pytest.mark.parametrize("number", ["3000000000", "9" * 20])
@pytest.mark.parametrize("options", [["{}"], ["default", "--microphone", "{}"]])
def test_an_absurd_number_of_a_device(options, number, tmp_path, capfd):
    given = [option.format(number) for option in options]
    error = refused(tmp_path, capfd, "--source", "0", "--delay-microphone", *given)
    assert error == f"error: expected a sound device's number of at most 2147483647, got {number}"


@pytest.mark.parametrize("name", ["nowhere", ""])
def test_an_output_that_is_not_there_gets_the_names_of_the_others(name, cable, tmp_path):
    """In a process of its own: PortAudio finds the devices that are there when it is loaded."""
    (tmp_path / "damaged.pb").write_bytes(b"no graph")
    arguments = ("--source", "0", "--tf-model", tmp_path / "damaged.pb", "--delay-microphone", name)
    result = made.run_script(made.ROOT / "run_webcam.py", *arguments)
    (error,) = result.stderr.splitlines()
    assert result.returncode == 2
    assert error.startswith(f"error: sound output '{name}' cannot be opened (")
    assert re.search(r"expected one of .*\bdefault\b.*, or a number$", error)


def test_without_sounddevice_the_way_to_install_it_is_told(tmp_path, capfd, monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    error = refused(tmp_path, capfd, "--source", "0", "--delay-microphone", "default")
    assert error == "error: sound devices need sounddevice: python -m pip install -r requirements.txt"


def refused(folder, capfd, *options: str) -> str:
    """The one line that a run with these options ends in; its model could not be loaded."""
    (folder / "damaged.pb").write_bytes(b"no graph")
    assert edge(run_webcam.main, "--tf-model", folder / "damaged.pb", *options) == 2
    (error,) = capfd.readouterr().err.splitlines()
    return error


COMPLAIN = f"""
import ctypes, ctypes.util, sys
if sys.argv[1:] == ["quiet"]:
    sys.path.insert(0, {str(made.ROOT)!r})
    from face2face.output import portaudio
    portaudio.import_sounddevice()
handle = ctypes.c_void_p()
alsa = ctypes.CDLL(ctypes.util.find_library("asound"))
assert alsa.snd_pcm_open(ctypes.byref(handle), b"nowhere", 0, 0) < 0
"""


@pytest.mark.skipif(not ctypes.util.find_library("asound"), reason="needs ALSA (Linux)")
@pytest.mark.skipif(not ctypes.util.find_library("portaudio"), reason="needs PortAudio (libportaudio2)")
def test_alsa_writes_no_lines_of_its_own():
    said = [
        subprocess.run([sys.executable, "-c", COMPLAIN, *how], capture_output=True, text=True, check=True)
        for how in ([], ["quiet"])
    ]
    assert "ALSA lib" in said[0].stderr and said[1].stderr == ""
