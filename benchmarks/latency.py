#!/usr/bin/env python3
"""How old a picture is when it is shown: from capture to screen, before a source paced like a camera.

Prints a Markdown table. Each contestant plays the same clip in real time, in a process of its own. Let the
machine do nothing else: a loop that uses all cores waits for whatever takes one.
"""

import argparse
import contextlib
import json
import sys
import tempfile
from pathlib import Path

if not __package__:  # run as a script: its own folder is first on the path, not the project's
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import msgspec

from benchmarks import contestants, machine
from benchmarks.contestants import FRAME_SIZE, Composed, webcam_pictures
from face2face import cli
from face2face.generator.checks.generator_file import IR_ENDING
from face2face.live import loop
from face2face.live.drive import open_painter
from face2face.live.options import DrivingOptions, ModelOptions
from face2face.output.recording import VideoFile
from face2face.sources.cameras import MAX_FPS
from face2face.sources.open import open_source
from face2face.sources.paced import PacedSource

FPS = cli.number_type(float, lambda number: 1 <= number <= MAX_FPS, f"a number from 1 to {MAX_FPS:g}")
"""Type of the option of the source's frames per second."""

CONTESTANTS = {
    "TensorFlow, float32": ("tensorflow", "float32"),
    "OpenVINO, float32": ("openvino", "float32"),
    "OpenVINO, auto": ("openvino", "auto"),
}
"""Engine and precision by the table's names."""


def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    models = [cli.existing_file(path, "the frozen model") for path in args.tf_model]
    if args.contestant:
        engine, precision = args.contestant.split(",")
        print(json.dumps(measure(str(args.file), models[0], engine, precision, args.frames)))
        return
    cli.existing_file(args.file, "the driver's clip")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "driver.mp4"
        write_clip(args.file, clip, args.frames, args.fps)
        for model in models:
            is_ir = model.suffix == IR_ENDING
            kinds = {"OpenVINO, int8": ("openvino", "float32")} if is_ir else CONTESTANTS
            for name, kind in kinds.items():
                rows.append(_row(model, name, _child(clip, model, kind, args.frames)))
                print(rows[-1], file=sys.stderr)
    title = f"{args.fps:g} frames/s, {FRAME_SIZE[0]}x{FRAME_SIZE[1]}"
    print(f"| {title} | faces at a time | latency, median (ms) | 95th percentile (ms) | frames/s | dropped |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    print("\n".join(rows))
    print(f"\n{machine.describe()}")


def measure(clip: str, model: Path, engine: str, precision: str, frames: int) -> dict:
    """Play a clip in real time through the loop in this process, and return what was measured."""
    models = ModelOptions((model,), engine=engine, precision=precision)
    with PacedSource(open_source(clip)) as source, open_painter(models, DrivingOptions(), source) as painter:
        stats = painter.stats
        stats.start()
        loop.run(source, painter, Composed(), frames)
        stats.stop()
        return msgspec.to_builtins(stats.summary()) | {"concurrency": painter.concurrency}


def write_clip(file: Path, clip: Path, frames: int, fps: float) -> None:
    """Write a clip's first frames at the size and rate of a webcam's; a short clip is played to and fro."""
    with open_source(str(file)) as source:
        pictures = [picture for _, picture in webcam_pictures(source, frames)]
    to_and_fro = pictures + pictures[-2:0:-1]
    with contextlib.closing(VideoFile(clip, fps)) as output:
        for number in range(frames):
            output.write(to_and_fro[number % len(to_and_fro)], number / fps)


def _child(clip: Path, model: Path, kind: tuple[str, str], frames: int) -> dict:
    words = ["--contestant", ",".join(kind), "--file", clip, "--tf-model", model, "--frames", frames]
    return contestants.run(__file__, words)


def _row(model: Path, name: str, found: dict) -> str:
    latency = found["latency"]
    times = [f"{latency[kind]:.0f}" for kind in ("median_ms", "p95_ms")]
    named = f"{model.parent.name}/{model.name}, {name}"
    cells = [named, found["concurrency"], *times, f"{found['fps']:.1f}", found["dropped"]]
    return f"| {' | '.join(map(str, cells))} |"


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = cli.ArgumentParser(description=__doc__)
    parser.add_argument("--file", type=Path, required=True, help="clip of a driver")
    parser.add_argument(
        "--tf-model", type=Path, required=True, nargs="+", help="frozen generators, .pb or .xml (int8)"
    )
    parser.add_argument("--frames", type=cli.positive_int, default=300, help="how many are played")
    parser.add_argument("--fps", type=FPS, default=30.0, help="frames per second of the source")
    parser.add_argument("--contestant", help=argparse.SUPPRESS)
    return parser.parse_args(argv)


if __name__ == "__main__":
    cli.run(main)
