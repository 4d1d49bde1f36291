#!/usr/bin/env python3
"""Measure how long a face takes in each engine that runs a frozen model or its exports, in turns."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if not __package__:  # run as a script: its own folder is first on the path, not the project's
    sys.path[0] = str(ROOT)

from face2face import early

if __name__ == "__main__":
    early.let_ctrl_c_end()

import argparse
import tempfile
import time
from dataclasses import dataclass, field

import numpy as np

from benchmarks import machine
from face2face import cli
from face2face.generator.generator import AUTO, Generator, sample_drawings
from pix2pix import exports
from pix2pix.exports import DrawingToFace

DRAWINGS = 20
"""Number of drawings, on which the faces are compared, too."""


@dataclass
class Contestant:
    """An engine, and what was measured of it.

    Attributes:
        paint: Paints a drawing.
        size: Of the file that it reads, in bytes.
        milliseconds: That each face took.
        difference: Largest difference from TensorFlow's faces, in [0, 255].
    """

    paint: DrawingToFace
    size: int
    milliseconds: list[float] = field(default_factory=list)
    difference: int = 0


def measure(model: Path, rounds: int) -> dict[str, Contestant]:
    """Let each engine paint all drawings once a round, in turns; by the engine's name."""
    exact, fastest = Generator(model, "tensorflow"), Generator(model, "openvino", AUTO)
    size = model.stat().st_size
    contestants = {engine.engine: Contestant(engine, size) for engine in (exact, fastest)}
    drawings = sample_drawings(exact.target, DRAWINGS)
    contestants |= _exported(model, exact, drawings)
    faces = [exact(drawing).astype(np.int16) for drawing in drawings]
    for _ in range(rounds):
        for contestant in contestants.values():
            for drawing, face in zip(drawings, faces, strict=True):
                began = time.perf_counter()
                painted = contestant.paint(drawing)
                contestant.milliseconds.append(1000 * (time.perf_counter() - began))
                difference = int(np.abs(painted - face).max())
                contestant.difference = max(contestant.difference, difference)
    return contestants


def _exported(model: Path, exact: Generator, drawings: list[np.ndarray]) -> dict[str, Contestant]:
    """The engines that run an export."""
    import tensorflow as tf

    graph = tf.compat.v1.GraphDef.FromString(model.read_bytes())
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for kind in exports.FORMATS:
            path = kind.path(Path(folder) / model.name)
            exports.export(graph, exact.target, kind, path, exact, drawings[:1])
            found[f"{kind.engine}, {kind.name}"] = Contestant(kind.load(path), path.stat().st_size)
    return found


def table(contestants: dict[str, Contestant]) -> str:
    """A Markdown table, a row per engine; faces per second as ratios to the first one's."""
    lines = ["| engine | speed | ms a face: median | quickest | file (MB) | largest difference of 255 |"]
    lines.append("| --- |" + " ---: |" * 5)
    first = np.median(next(iter(contestants.values())).milliseconds)
    for name, each in contestants.items():
        median = np.median(each.milliseconds)
        lines.append(
            f"| {name} | **{first / median:.1f}** | {median:.1f} | {min(each.milliseconds):.1f} | "
            f"{each.size / 1e6:.1f} | {each.difference} |"
        )
    return "\n".join(lines)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = cli.ArgumentParser(description=__doc__)
    parser.add_argument("--tf-model", type=Path, required=True, help="frozen generator, .pb")
    parser.add_argument(
        "--rounds", type=cli.positive_int, default=5, help=f"in each, every engine paints {DRAWINGS} faces"
    )
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    cli.existing_file(args.tf_model, "the frozen model")
    for kind in exports.FORMATS:
        kind.check_installed()
    print(table(measure(args.tf_model, args.rounds)))
    print(f"\n{machine.describe()}; {machine.load():.1f} processes wanted a core")


if __name__ == "__main__":
    cli.run(main)
