#!/usr/bin/env python3
"""How fast run_webcam.py's loop is, against the plain loop of 2017: same clip, model and machine, in one run.

Prints Markdown tables. Each contestant runs in a process of its own, all in turn; the best of some rounds
counts. Let the machine do nothing else: a loop that uses all cores waits for whatever takes one.
"""

import argparse
import contextlib
import json
import os
import sys
import tempfile
import time
from pathlib import Path

if not __package__:  # run as a script: its own folder is first on the path, not the project's
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import msgspec

from benchmarks import contestants, machine
from benchmarks.contestants import FRAME_SIZE, Composed, webcam_pictures
from benchmarks.limit import MATRIX, generator_and_limit
from benchmarks.plain_loop import PlainLoop
from face2face import cli
from face2face.face.landmarks import default_landmark_model
from face2face.generator.checks.generator_file import IR_ENDING
from face2face.live import loop
from face2face.live.drive import open_painter
from face2face.live.options import DrivingOptions, ModelOptions
from face2face.live.stats import STAGES, Stats
from face2face.output.recording import VideoFile
from face2face.sources.open import open_source

CACHE_VARIABLES = ("XDG_CACHE_HOME", "WIN_PD_OVERRIDE_LOCAL_APPDATA")
"""Environment variables that move platformdirs' cache folder."""


def contend(kind: str, clip: str, model: Path, precision: str, limit: int) -> dict:
    """Run a loop in this process, and return what was measured."""
    import resource

    output = Composed()
    if kind == "plain":
        stats = Stats()
        plain = PlainLoop(model, default_landmark_model())
        stats.start()
        plain.run(clip, stats, output.note, limit)
    else:
        engine = "tensorflow" if kind == "tensorflow" else "openvino"
        models = ModelOptions((model,), engine=engine, precision=precision)
        with open_source(clip) as video, open_painter(models, DrivingOptions(), video) as painter:
            stats = painter.stats
            stats.start()
            loop.run(video, painter, output, limit)
    stats.stop()
    at, clock, processor = output.first
    frames = max(stats.frames - 1, 1)
    return msgspec.to_builtins(stats.summary()) | {
        "first_picture_at": at,
        "fps": frames / (time.perf_counter() - clock),
        "processor_ms": 1000 * (time.process_time() - processor) / frames,
        "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if _is_mac() else 1e3),
        "has_tensorflow": "tensorflow" in sys.modules,
    }


# --- all contestants ------------------------------------------------------------------------------------


def benchmark(file: Path, model: Path, int8: Path | None, frames: int, rounds: int) -> str:
    """Run all contestants, each in a process of its own, and return the tables."""
    loops = {"plain loop": ("plain", model, "float32")}
    loops["this, TensorFlow"] = ("tensorflow", model, "float32")
    loops["this, float32"] = ("openvino", model, "float32")
    loops["this, auto"] = ("openvino", model, "auto")
    if int8:
        loops["this, int8"] = ("openvino", int8, "float32")
    measured: dict[str, dict] = {}
    first: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "driver.mp4"
        count = _enlarge(file, clip, frames)
        environment = os.environ | {name: folder for name in CACHE_VARIABLES}  # an empty cache
        for number in range(rounds):  # in turn, and the best counts: the rest is what else the machine did
            for name, (kind, graph, precision) in loops.items():
                words = ["--contestant", kind, "--file", clip, "--tf-model", graph, "--precision", precision]
                if not number:
                    first[name] = _child([*words, "--frames", "1"], environment)["start"]
                found = _child([*words, "--frames", str(count)], environment)
                best = measured.setdefault(name, found)
                start = min(best["start"], found["start"])
                faster = max(best, found, key=lambda each: each["fps"])
                measured[name] = faster | {"start": start, "first_start": first[name]}
                print(f"{name}: {found['fps']:.1f} frames/s", file=sys.stderr)
        alone = _child(["--contestant", "limit", "--file", clip, "--tf-model", model], environment)
    return f"{_loops(measured)}\n\n{_alone(alone)}\n\n{_machine(file, model, count)}"


def _enlarge(file: Path, clip: Path, frames: int) -> int:
    """Write the clip's first frames at the size of a webcam's; returns how many."""
    count = 0
    with open_source(str(file)) as source, contextlib.closing(VideoFile(clip, source.fps)) as output:
        for seconds, picture in webcam_pictures(source, frames):
            output.write(picture, seconds)
            count += 1
    return count


def _child(words: list, environment: dict) -> dict:
    began = time.time()
    found = contestants.run(__file__, words, environment)
    if "first_picture_at" in found:
        found["start"] = found["first_picture_at"] - began
    return found


def _loops(measured: dict[str, dict]) -> str:
    plain = measured["plain loop"]["fps"]
    rows = {
        "times the plain loop's frames per second": lambda m: f"**{m['fps'] / plain:.1f}**",
        "frames per second": lambda m: f"{m['fps']:.1f}",
        "latency, median / 95 % (ms)": lambda m: _pair(m["latency"]),
        "... in frame times": lambda m: f"{m['latency']['median_ms'] * m['fps'] / 1000:.1f}",
        **{f"{stage}, median / 95 % (ms)": lambda m, s=stage: _pair(m["stages"].get(s)) for stage in STAGES},
        "processor time a frame (ms)": lambda m: f"{m['processor_ms']:.0f}",
        "peak memory (MB)": lambda m: f"{m['memory_mb']:.0f}",
        "first start to first picture (s)": lambda m: f"{m['first_start']:.1f}",
        "second start to first picture (s)": lambda m: f"{m['start']:.1f}",
    }
    lines = ["| | " + " | ".join(measured) + " |", "| --- |" + " ---: |" * len(measured)]
    lines += [f"| {row} | " + " | ".join(of(m) for m in measured.values()) + " |" for row, of in rows.items()]
    return "\n".join(lines)


def _pair(times: dict | None) -> str:
    return f"{times['median_ms']:.1f} / {times['p95_ms']:.1f}" if times else "-"


def _alone(alone: dict[str, dict]) -> str:
    product, generator = alone["product"], alone["generator"]
    share = generator["gflops"] / product["gflops"]
    lines = ["| OpenVINO, float32 | share of the limit | GFLOP/s | quickest (ms) | median (ms) | GFLOP |"]
    lines.append("| --- |" + " ---: |" * 5)
    for name, each, part in (
        ("the generator alone", generator, f"**{100 * share:.0f} %**"),
        (f"a matrix product, {MATRIX} x {MATRIX}: the limit", product, "100 %"),
    ):
        lines.append(
            f"| {name} | {part} | {each['gflops']:.0f} | {each['quickest_ms']:.1f} | "
            f"{each['median_ms']:.1f} | {each['gflop']:.1f} |"
        )
    return "\n".join(lines)


def _machine(file: Path, model: Path, count: int) -> str:
    width, height = FRAME_SIZE
    return (
        f"{machine.describe()}; "
        f"{count} frames of {file.name} at {width}x{height}; a model of {model.stat().st_size / 1e6:.0f} MB"
    )


def _is_mac() -> bool:
    return sys.platform == "darwin"


def parse_args(argv=None) -> argparse.Namespace:
    parser = cli.ArgumentParser(description=__doc__)
    parser.add_argument("--file", type=Path, required=True, help="a clip of a driver")
    parser.add_argument("--tf-model", type=Path, required=True, help="frozen generator, .pb")
    parser.add_argument("--int8", type=Path, help="its form in 8 bits, .xml")
    parser.add_argument("--frames", type=cli.positive_int, default=600, help="of the clip, at most")
    parser.add_argument("--rounds", type=cli.positive_int, default=3, help="in each, every loop runs once")
    parser.add_argument(
        "--contestant", choices=("plain", "tensorflow", "openvino", "limit"), help=argparse.SUPPRESS
    )
    parser.add_argument("--precision", default="float32", help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def main(argv=None) -> None:
    args = parse_args(argv)
    if sys.platform == "win32":
        raise cli.UserError("this needs a Linux or macOS, which tell how much memory a process took")
    cli.existing_file(args.file, "the clip")
    cli.existing_file(args.tf_model, "the frozen model")
    if args.contestant == "limit":
        print(json.dumps(generator_and_limit(args.tf_model)))
    elif args.contestant:
        print(
            json.dumps(contend(args.contestant, str(args.file), args.tf_model, args.precision, args.frames))
        )
    else:
        if args.int8 and cli.existing_file(args.int8, "the int8 model").suffix.lower() != IR_ENDING:
            raise cli.UserError(f"expected an {IR_ENDING} as --int8, got {args.int8}")
        print(benchmark(args.file, args.tf_model, args.int8, args.frames, args.rounds))


if __name__ == "__main__":
    cli.run(main)
