"""Odd arguments, names, terminals and videos: one line on stderr, an exit code that tells, no traceback."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import av
import pytest

import generate_train_data
import run_webcam
from face2face.sources.open import open_source
from tests import made
from tests.kept import GENERATE, WEBCAM, errors_of
from tests.made import edge

posix = pytest.mark.skipif(os.name == "nt", reason="names of bytes and signals are POSIX's")

NUMBER = str(2**63)


@pytest.fixture
def here(clips, frozen_model, tmp_path, monkeypatch) -> Path:
    """A folder with a model, in which the tests run."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(frozen_model, "model.pb")
    return tmp_path


def drive(source, *arguments) -> int:
    given = ("--source", source, "--tf-model", "model.pb", "--no-window")
    return edge(run_webcam.main, *given, *arguments)


def run(script: Path, *arguments, **environment: str) -> subprocess.CompletedProcess:
    """Run a script here; its output as bytes."""
    command = [sys.executable, script, *arguments]
    return subprocess.run(command, capture_output=True, timeout=120, env=os.environ | environment)


def count(path) -> int:
    """How many pictures a recording plays."""
    with av.open(os.fsdecode(path)) as container:
        return sum(1 for _ in container.decode(video=0))


# --- arguments ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "source, arguments, message",
    [
        ("{clip}", ["--limit", NUMBER], "expected --limit of at most"),
        ("{clip}", ["--limit", "9" * 5000], "--limit"),
        ("3000000000", [], "expected a camera's number of at most 2147483647, got 3000000000"),
        ("9" * 5000, [], "expected a camera's number of at most 2147483647, got 999"),
        ("0", ["--camera-size", "99999x99999"], "expected --camera-size of at most 16384 a side"),
        ("{clip}", ["--size", "99999x99999"], "expected --size of at most 16384 a side, got 99999x99999"),
        ("0", ["--camera-fps", "1e300"], "expected --camera-fps of at most 1000, got 1e+300"),
        ("{clip}", ["--end", "1e-300"], ""),
        ("{clip}", ["--start", "inf"], "argument --start: expected a number, 0 or above"),
        ("\udce9.mp4", [], "expected a video file, a camera's number"),
        ("http://\udce9", [], "stream cannot be read"),
    ],
)
def test_absurd_arguments(source, arguments, message, here, clips, capsys):
    code = drive(source.format(clip=clips / "single_face.mp4"), *arguments)
    errors = errors_of(capsys.readouterr().err)
    assert (code, len(errors)) == ((2, 1) if message else (0, 0))
    assert not message or message in errors[0]


@pytest.mark.parametrize(
    "arguments, code, message",
    [
        (["--num", NUMBER], 2, "expected --num of at most 1000000"),
        (["--start", "1e300"], 2, "expected --start before the end, got 1e+300"),
        (["--num", "1", "--end", "1e300", "--select", "first"], 0, ""),
    ],
)
def test_absurd_arguments_of_training_data(arguments, code, message, here, clips, capsys):
    assert edge(generate_train_data.main, "--file", clips / "single_face.mp4", *arguments) == code
    assert "".join(errors_of(capsys.readouterr().err)).count(message)


@pytest.mark.parametrize(
    "script, option",
    [(run_webcam, ("--tf-model", "model.pb", "--source")), (generate_train_data, ("--file",))],
)
@pytest.mark.parametrize("source", ["77", "0" * 12 + "77", "damaged.mp4", "http://127.0.0.1:1/x"])
def test_libraries_say_nothing_of_their_own(script, option, source, here, capfd):
    """Native ones write to the process's standard error, past Python's."""
    Path("damaged.mp4").write_bytes(b"no video" * 1000)
    assert edge(script.main, *option, source) == 2
    (error,) = capfd.readouterr().err.splitlines()
    assert error.startswith("error: ")


def test_nor_do_they_where_a_script_is_a_process_of_its_own(here):
    ended = run(WEBCAM, "--source", "77")
    (error,) = ended.stderr.decode().splitlines()
    assert ended.returncode == 2 and error.startswith("error: ")


# --- names and terminals ----------------------------------------------------------------------------------


@posix
def test_names_that_are_no_text(here, clips, capsys):
    """As a source, a recording, a file of figures, and a folder; of a process, and then in this one."""
    source, recorded = b"caf\xe9.mp4", [b"out\xe9.mp4", b"out\xe9.mkv", b"out\xe9"]
    shutil.copy(clips / "single_face.mp4", source)
    arguments = (b"--stats", b"s\xe9.json", b"--limit", b"3", b"--record")
    given = (b"--source", source, b"--tf-model", b"model.pb", b"--no-window", *arguments, recorded[0])
    ended = run(WEBCAM, *given)
    assert ended.returncode == 0 and b"Traceback" not in ended.stderr, ended.stderr
    assert b"wrote out\\udce9" in ended.stdout
    for path in recorded[1:]:
        assert drive(os.fsdecode(source), *map(os.fsdecode, (*arguments, path))) == 0
        assert "wrote out\\udce9" in capsys.readouterr().out
    assert count(recorded[0]) == count(recorded[1]) == len(os.listdir(recorded[2])) == 3
    ended = run(GENERATE, b"--file", source, b"--num", b"2", b"--select", b"first", b"--output-dir", b"p\xe9")
    assert ended.returncode == 0, ended.stderr
    assert sorted(os.listdir(b"p\xe9/original")) == [b"1.png", b"2.png"]


def test_a_terminal_that_lacks_a_names_characters(here, clips):
    shutil.copy(clips / "single_face.mp4", "人.mp4")
    arguments = ("--tf-model", "model.pb", "--no-window", "--limit", "2", "--record", "人-2.mp4")
    for source, code in (("人.mp4", 0), ("顔.mp4", 2)):
        ended = run(WEBCAM, "--source", source, *arguments, PYTHONIOENCODING="latin1")
        assert ended.returncode == code and b"Traceback" not in ended.stderr, ended.stderr
    assert ended.stderr.endswith(b"got '\\u9854.mp4'\n")
    ended = run(GENERATE, "--file", "人.mp4", "--num", "1", "--select", "first", PYTHONIOENCODING="latin1")
    assert ended.returncode == 0, ended.stderr


# --- Ctrl-C -------------------------------------------------------------------------------------------------

SCRIPTS = [
    *("run_webcam.py", "generate_train_data.py", "evaluate.py", "reduce_model.py", "freeze_model.py"),
    *("pix2pix/pix2pix.py", "pix2pix/tools/process.py", "pix2pix/tools/split.py"),
    *("examples/demo.py", "examples/samples.py"),
]


@posix
@pytest.mark.parametrize("script", SCRIPTS)
def test_ctrl_c_while_libraries_load(script):
    """Python tells what it has imported: the scripts begin with one of these two, and then load libraries."""
    command = [sys.executable, "-X", "importtime", made.ROOT / script, "--help"]
    process = made.start(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    said = []
    for line in process.stderr:
        said.append(line)
        if re.search(r"\| (argparse|subprocess)$", line.rstrip()):
            process.send_signal(signal.SIGINT)
            break
    said += process.stderr.readlines()
    assert process.wait(timeout=60) in (-signal.SIGINT, 130)
    assert not [line for line in said if not line.startswith("import time: ") and line != "interrupted\n"]


@posix
def test_ctrl_c_that_the_parent_has_ignored_stays_ignored(here):
    """As in a shell's background job."""
    process = subprocess.Popen(
        [sys.executable, "-X", "importtime", WEBCAM, "--help"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )
    for line in process.stderr:
        if re.search(r"\| (argparse|cv2|tqdm)$", line.rstrip()):
            process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 0


@posix
def test_ctrl_c_twice_keeps_what_is_recorded(here, clips):
    command = [sys.executable, WEBCAM, "--tf-model", "model.pb", "--no-window", "--record", "out.mp4"]
    process = made.start([*command, *made.lasting_source(clips)], stdout=-3, stderr=subprocess.PIPE)
    made.until(lambda: Path("out.mp4").is_file() and Path("out.mp4").stat().st_size > 20_000)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130 and b"Traceback" not in errors
    assert count("out.mp4") >= 10


@posix
def test_figures_are_written_though_the_terminal_was_closed(here, clips):
    ours, theirs = os.openpty()
    command = [sys.executable, WEBCAM, "--tf-model", "model.pb", "--no-window", "--stats", "stats.json"]
    process = made.start([*command, "--source", clips / "single_face.mp4"], stdout=theirs, stderr=-3)
    os.close(theirs)
    said = b""
    while not said.endswith(b"\n"):  # of the line that names what runs the model
        said += os.read(ours, 1000)
    os.close(ours)
    assert process.wait(timeout=60) == 2  # nobody could be told of the end
    assert json.loads(Path("stats.json").read_text())["frames"] == 72


# --- videos that are not whole --------------------------------------------------------------------------


@pytest.fixture
def cut_short(here, clips) -> Path:
    """Of the clip's 472 frames 108 can be read."""
    Path("cut.mp4").write_bytes((clips / "WolfgangLanger_Pexels.mp4").read_bytes()[:400_000])
    return Path("cut.mp4")


def test_a_damaged_video_is_driven_as_far_as_it_goes(cut_short, capsys):
    assert drive(cut_short, "--record", "out.mp4", "--stats", "stats.json") == 3
    (error,) = errors_of(capsys.readouterr().err)
    frames = int(
        re.search(r"expected 472 frames in cut\.mp4, got (\d+): it is damaged or cut short", error)[1]
    )
    assert count("out.mp4") == json.loads(Path("stats.json").read_text())["frames"] == frames > 100


def test_the_part_before_the_damage_is_whole(cut_short):
    assert drive(cut_short, "--end", "2") == 0
    assert drive(cut_short, "--limit", "20") == 0


def test_a_damaged_video_gives_its_pairs(cut_short, capsys):
    assert edge(generate_train_data.main, "--file", cut_short, "--num", "4", "--select", "spread") == 3
    (error,) = errors_of(capsys.readouterr().err)
    assert "it is damaged or cut short" in error
    assert len(list(Path("original").iterdir())) == 4 == len(list(Path("landmarks").glob("*.png")))


def test_a_video_that_shrinks_while_it_is_read(here, clips):
    shutil.copy(clips / "WolfgangLanger_Pexels.mp4", "clip.mp4")
    with open_source("clip.mp4") as source:
        frames = source.frames()
        for _ in range(50):
            next(frames)
        os.truncate("clip.mp4", 600_000)
        seen = 50 + sum(1 for _ in frames)
    assert seen < 400
    assert source.shortfall == f"expected 472 frames in clip.mp4, got {seen}: it is damaged or cut short"


@pytest.mark.parametrize("clip", ["no_face.mp4", "single_face.mp4", "noface_face.mov"])
def test_a_header_that_is_not_exact_is_no_damage(clip, clips):
    with open_source(str(clips / clip)) as source:
        frames = sum(1 for _ in source.frames())
    assert frames and source.shortfall == ""


@pytest.mark.parametrize("ending", [".mp4", ".mkv"])
def test_a_clip_that_was_cut_without_being_encoded_anew_is_no_damage(ending, here, clips):
    """It holds frames that are not shown, and its rate is not even: only its time is right."""
    path = Path(f"cut{ending}")
    with av.open(str(clips / "single_face.mp4")) as whole, av.open(str(path), "w") as cut:
        old = whole.streams.video[0]
        new = cut.add_stream_from_template(old)
        for number, packet in enumerate(whole.demux(old)):
            if packet.dts is not None:
                delay = round(max(0, number - 40) * 0.05 / packet.time_base)
                packet.pts, packet.dts, packet.stream = packet.pts + delay, packet.dts + delay, new
                cut.mux(packet)
    with open_source(str(path)) as source:
        assert sum(1 for _ in source.frames()) == 72 and source.shortfall == ""


def test_a_start_past_the_end(here, clips, capsys):
    assert drive(clips / "single_face.mp4", "--start", "1e300", "--record", "out.mp4") == 3
    (error,) = errors_of(capsys.readouterr().err)
    assert error.endswith("expected --start before the end of single_face.mp4, at 2.4 s, got 1e+300")
    assert not Path("out.mp4").exists()
