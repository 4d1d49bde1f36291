#!/usr/bin/env python3
"""Does a still face stand still? Frames of a clip, each held for seconds with sensor noise, drive a model.

Told is how far the points that are drawn move from one frame to the next.
"""

import argparse
import sys
from pathlib import Path

if not __package__:  # run as a script: its own folder is first on the path, not the project's
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import numpy as np

from face2face import cli
from face2face.face.landmarks import LandmarkDetector
from face2face.face.tracking import Tracker
from face2face.generator.generator import Generator
from face2face.live.driver import Driver
from face2face.live.options import DrivingOptions
from face2face.sources.base import Frame
from face2face.sources.open import open_source
from face2face.target.target_file import Target

FPS = 25
SECONDS = 4.0
"""How long a picture stands still: longer than it takes until the whole frame is searched again."""
SETTLING_SECONDS = 1.0
"""So long after the first frame, steps are not counted: the face at rest is not known yet."""


def steps(picture: np.ndarray, noise: float, target: Target) -> np.ndarray:
    """Hold a picture still, and measure how far the drawn points move.

    Args:
        picture: uint8 (H, W, 3), BGR.
        noise: Standard deviation of each frame's own noise, of 255.
        target: Whom the picture's face drives.

    Returns:
        float (N,): of each frame, the largest step of a point, in pixels of model space; empty if there is no
        face.
    """
    driver, random = Driver(Tracker(LandmarkDetector()), [target], DrivingOptions()), np.random.default_rng(0)
    drawn = []
    for number in range(round(SECONDS * FPS)):
        noisy = np.clip(picture + random.normal(0, noise, picture.shape), 0, 255).astype(np.uint8)
        frame = Frame(number, number / FPS, noisy)
        face = driver.find(frame)
        if face is not None:
            drawn.append(driver.carry(face, frame, 0)[0])
    settled = np.array(drawn[round(SETTLING_SECONDS * FPS) :])
    return np.linalg.norm(np.diff(settled, axis=0), axis=-1).max(axis=-1) if len(settled) > 1 else np.empty(0)


def measure(clip: str, count: int, noise: float, target: Target) -> str:
    """Measure some pictures of a clip; describe their steps in a line."""
    found = []
    with open_source(clip) as video, cli.progress(count, video.name, "pictures") as bar:
        for frame in video.sample(count):
            found.append(steps(frame.picture, noise, target))
            bar.update()
    largest = np.array([of_picture.max() for of_picture in found if len(of_picture)])
    if not len(largest):
        return f"{video.name}: no face"
    median = np.median(np.concatenate(found))
    return (
        f"{video.name}: {len(largest)} pictures with a face; largest step, median and worst of them: "
        f"{np.median(largest):.2f}, {largest.max():.2f} pixels; all steps, median: {median:.3f}"
    )


def parse_args(argv=None) -> argparse.Namespace:
    parser = cli.ArgumentParser(description=__doc__)
    parser.add_argument("--file", nargs="+", required=True, help="clips of drivers")
    parser.add_argument("--tf-model", required=True, help="frozen graph of the target")
    parser.add_argument("--pictures", type=cli.positive_int, default=10, help="how many of each clip")
    parser.add_argument(
        "--noise", type=cli.non_negative_float, default=2.0, help="standard deviation of the noise, of 255"
    )
    return parser.parse_args(argv)


def main(argv=None) -> None:
    args = parse_args(argv)
    target = Generator(args.tf_model).target
    for clip in args.file:
        print(measure(clip, args.pictures, args.noise, target), flush=True)


if __name__ == "__main__":
    cli.run(main)
