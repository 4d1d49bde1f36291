"""A recording's sound is its source's, in time with the pictures: a clip flashes as its tones begin."""

import itertools
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest

from face2face.cli import UserError
from face2face.output import recording
from face2face.output.microphone import Microphone, TimedBlocks, Timeline
from face2face.output.sound import FileSound, has_sound
from face2face.sources.open import open_source
from tests import made

FPS, SIDE, SECONDS = 25, 64, 4.0
BEGINS = (1.0, 2.2, 3.0)
"""Where the clip flashes and sounds, for LASTS seconds."""
LASTS = 0.2
RATE = 44_100


def write_clip(path: Path, sound_from: float = 0.0, sound_until: float = SECONDS) -> Path:
    """A clip of black pictures and silence, with flashes and tones."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=FPS)
        video.width, video.height, video.pix_fmt = SIDE, SIDE, "yuv420p"
        audio = container.add_stream("aac", rate=RATE, layout="stereo")
        for i in range(round(SECONDS * FPS)):
            lit = any(begin <= i / FPS + 1e-6 < begin + LASTS for begin in BEGINS)
            picture = np.full((SIDE, SIDE, 3), 230 if lit else 10, np.uint8)
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        t = np.arange(round(sound_from * RATE), round(sound_until * RATE)) / RATE
        tone = np.sin(2 * np.pi * 880 * t) * sum((t >= begin) & (t < begin + LASTS) for begin in BEGINS) / 2
        frame = av.AudioFrame.from_ndarray(np.stack([tone, tone]).astype(np.float32), "fltp", "stereo")
        frame.rate, frame.pts = RATE, round(sound_from * RATE)
        for packet in [*audio.encode(frame), *audio.encode(), *video.encode()]:
            container.mux(packet)
    return path


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    return write_clip(tmp_path_factory.mktemp("sound") / "flashes.mp4")


def record(clip: Path, path: Path, start: float = 0.0, end: float | None = None, limit: int = 10_000) -> None:
    """Record a clip, or a part of it, with its sound."""
    with open_source(str(clip), start, end) as source:
        sound = FileSound(clip)
        out = recording.open_recording(path, source.fps, sound)
        for frame, _ in zip(source.frames(), range(limit), strict=False):
            out.write(frame.picture, frame.seconds)
        out.close()
        sound.close()


def flashes(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        pictures = [(float(each.time), each.to_ndarray(format="gray")) for each in container.decode(video=0)]
    frames = [(seconds, picture.mean()) for seconds, picture in pictures]
    return [seconds for (_, before), (seconds, light) in itertools.pairwise(frames) if before < 120 < light]


def heard(path: Path) -> tuple[float, np.ndarray]:
    """When the sound begins, and its samples, mono, 48,000 a second."""
    resampler = av.AudioResampler("fltp", "mono", 48_000)
    with av.open(str(path)) as container:
        parts = [part for frame in container.decode(audio=0) for part in resampler.resample(frame)]
    return float(parts[0].pts * parts[0].time_base), np.concatenate([part.to_ndarray()[0] for part in parts])


def tones(path: Path) -> list[float]:
    begin, samples = heard(path)
    loud = np.nonzero(np.abs(samples) > 0.1)[0]
    firsts = loud[np.concatenate([[True], np.diff(loud) > 4800])]
    return [begin + first / 48_000 for first in firsts]


@pytest.mark.parametrize("ending", [".mp4", ".mov", ".mkv", ".webm"])
def test_the_sound_is_in_time_with_the_picture(clip, tmp_path, ending):
    record(clip, tmp_path / f"out{ending}")
    assert flashes(tmp_path / f"out{ending}") == pytest.approx(BEGINS, abs=0.002)
    assert tones(tmp_path / f"out{ending}") == pytest.approx(BEGINS, abs=0.005)  # a frame is 0.04


@pytest.mark.parametrize(
    "part, shown",
    [({"start": 0.9, "end": 2.6}, [0.1, 1.3]), ({"start": 2.0}, [0.2, 1.0]), ({"limit": 40}, [1.0])],
)
def test_a_part_has_its_own_sound(clip, tmp_path, part, shown):
    path = tmp_path / "out.mp4"
    record(clip, path, **part)
    assert flashes(path) == pytest.approx(shown, abs=1 / FPS)
    assert tones(path) == pytest.approx(flashes(path), abs=0.005)
    begin, samples = heard(path)
    with av.open(str(path)) as container:
        pictures = sum(1 for _ in container.decode(video=0))
    assert begin == 0 and len(samples) / 48_000 == pytest.approx(
        pictures / FPS, abs=0.025
    )  # AAC: 0.02 at once


def test_sound_that_begins_late_and_ends_early_is_silence_there(tmp_path):
    clip = write_clip(tmp_path / "short.mp4", sound_from=2.0, sound_until=2.6)
    record(clip, tmp_path / "out.mp4")
    assert tones(tmp_path / "out.mp4") == pytest.approx([2.2], abs=0.005)
    _, samples = heard(tmp_path / "out.mp4")
    assert len(samples) / 48_000 == pytest.approx(SECONDS, abs=0.025)


def test_a_recording_that_begins_later_takes_the_sound_from_there(clip, tmp_path):
    """As the key `r` does, with the clip already running."""
    with open_source(str(clip)) as source:
        frames = list(source.frames())
    sound = FileSound(clip)
    out = recording.open_recording(tmp_path / "out.mp4", FPS, sound)
    for frame in frames[50:90]:
        out.write(frame.picture, frame.seconds)
    out.close()
    sound.close()
    assert tones(tmp_path / "out.mp4") == pytest.approx([0.2, 1.0], abs=0.005)


def test_which_files_have_sound(clip, tmp_path):
    out = recording.open_recording(tmp_path / "silent.mp4", FPS)
    out.write(np.zeros((SIDE, SIDE, 3), np.uint8), 0.0)
    out.close()
    (tmp_path / "no.mp4").write_text("no film")
    assert has_sound(clip)
    assert not has_sound(tmp_path / "silent.mp4") and not has_sound(tmp_path / "no.mp4")


BLOCK = 0.02


def test_a_microphones_blocks_follow_each_other_however_late_they_come():
    timeline, random = Timeline(), np.random.default_rng(0)
    measured = [i * BLOCK + random.exponential(0.05) * (i > 0) for i in range(300)]
    begins = [timeline.place(each, BLOCK) for each in np.maximum.accumulate(measured)]
    assert begins == pytest.approx([i * BLOCK for i in range(300)], abs=0.001)


def test_a_microphone_whose_first_block_came_late_is_put_right():
    timeline = Timeline()
    begins = [timeline.place(i * BLOCK + (0.3 if i == 0 else 0), BLOCK) for i in range(10)]
    assert begins[0] == pytest.approx(0.3)
    assert begins[1:] == pytest.approx([i * BLOCK for i in range(1, 10)])


@pytest.mark.parametrize("lost, until", [(0.5, 200), (0.05, 260)])
def test_sound_that_a_microphone_lost_is_a_gap(lost, until):
    """A long one is found after a second, a short one after three."""
    timeline = Timeline()
    begins = [timeline.place(i * BLOCK + (lost if i >= 100 else 0), BLOCK) for i in range(until)]
    assert begins[99] == pytest.approx(99 * BLOCK)
    assert begins[-1] == pytest.approx((until - 1) * BLOCK + lost)


@pytest.mark.parametrize(
    "age, adc_time, expected",
    [(0.15, 7.0, 0.15), (0.001, 7.0, BLOCK), (7.0, 0.0, BLOCK)],
    ids=["as told", "younger than its own length", "no time told"],
)
def test_a_block_carries_the_time_at_which_it_was_captured(age, adc_time, expected):
    """As PortAudio calls: 44,100 samples a second, the first sample of an age, in an array that is reused."""
    count = round(BLOCK * RATE)
    buffer = np.full((count, 2), 0.5, np.float32)
    before = time.monotonic()
    blocks = TimedBlocks(2, RATE, clock=before - 100)
    blocks.add(buffer, count, SimpleNamespace(currentTime=adc_time + age, inputBufferAdcTime=adc_time), None)
    after = time.monotonic()
    buffer[:] = 0
    found = list(blocks.read(0.0))
    assert 100 - expected - 0.001 < found[0][0] < 100 - expected + (after - before) + 0.001
    samples = np.concatenate([each for _, each in found], axis=1)
    assert len(samples) == 2 and samples.shape[1] == pytest.approx(BLOCK * 48_000, abs=40)
    assert samples[:, 100:-100] == pytest.approx(0.5, abs=0.01)
    assert not list(blocks.read(0.0))  # nothing comes twice


def test_blocks_from_before_a_recording_are_left_out():
    count = round(BLOCK * RATE)
    blocks = TimedBlocks(1, RATE, clock=time.monotonic() - 100)
    times = SimpleNamespace(currentTime=7.0, inputBufferAdcTime=7.0 - BLOCK)
    for _ in range(3):
        blocks.add(np.zeros((count, 1), np.float32), count, times, None)
    assert not list(blocks.read(101.0))


def test_a_microphone_that_is_not_there(capfd):
    pattern = "microphone 'nowhere' cannot be opened|expected a microphone, found none|install libportaudio2"
    with pytest.raises(UserError, match=pattern):
        Microphone("nowhere", 0.0)
    assert capfd.readouterr().err == ""  # nothing of the system's own


@pytest.mark.parametrize("number", ["3000000000", "9" * 20, "9" * 5000])
def test_a_microphone_of_an_absurd_number(number):
    pattern = f"expected a sound device's number of at most 2147483647, got {number[:120]}$"
    with pytest.raises(UserError, match=pattern):
        Microphone(number, 0.0)


def test_a_microphone_without_portaudio_names_the_package(monkeypatch):
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.setattr("ctypes.util.find_library", lambda name: None)
    with pytest.raises(UserError, match="install libportaudio2"):
        Microphone(None, 0.0)


LISTEN = f"""
import sys, time
sys.path.insert(0, {str(made.ROOT)!r})
import numpy as np
from face2face.output.microphone import Microphone

microphone = Microphone(sys.argv[1], time.monotonic())
print("listening", flush=True)
parts, deadline = [], time.monotonic() + 15
while sum(part.shape[1] for part in parts) < 24_000 and time.monotonic() < deadline:
    parts += [part for _, part in microphone.read(0.0, 0.0) if np.abs(part).max() > 0.1]
    time.sleep(0.02)
microphone.close()
samples = np.concatenate(parts, axis=1)[0]
rising = np.nonzero((samples[:-1] < 0) & (samples[1:] >= 0))[0]
print(48_000 / np.median(np.diff(rising)))
"""


def test_a_microphone_that_is_named_hears_a_tone(loopback):
    listener = subprocess.Popen([sys.executable, "-c", LISTEN, "default"], stdout=subprocess.PIPE, text=True)
    assert listener.stdout.readline() == "listening\n"
    tone = np.sin(2 * np.pi * 440 * np.arange(3 * RATE) / RATE).astype(np.float32) / 2
    options = [f"--rate={RATE}", "--channels=1", "--format=float32le", "--raw"]
    subprocess.run(["pacat", "-p", *options], input=tone.tobytes(), timeout=30, check=True)
    said, _ = listener.communicate(timeout=30)
    assert float(said) == pytest.approx(440, rel=0.02)
