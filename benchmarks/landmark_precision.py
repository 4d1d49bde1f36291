#!/usr/bin/env python3
"""How much do landmarks depend on the box they are predicted in? In the detected box alone, and as we do it.

*Off*: distance from the mean over many boxes. *Jitter*: second difference from frame to frame. Both are root
mean squares over the points, in interocular distances.
"""

import argparse
import itertools
import sys
from pathlib import Path

if not __package__:  # run as a script: its own folder is first on the path, not the project's
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import cv2
import numpy as np

from face2face import cli
from face2face.face.detected_face import Face
from face2face.face.geometry import interocular_distance
from face2face.face.landmarks import LandmarkDetector
from face2face.sources.open import open_source

MANY = 16
"""Number of boxes whose mean is what landmarks are compared with."""
SHIFT, GROWTH = 0.06, 0.05
"""How far these boxes are moved, and grown or shrunk on each side, at most, over the width."""


def over_many(detector: LandmarkDetector, grey: np.ndarray, face: Face) -> np.ndarray:
    """The mean of the landmarks in many boxes about a face's average box, float (68, 2), pixels."""
    random = np.random.default_rng(0)
    box = face.usual_box()
    shifts, growths = random.uniform(-SHIFT, SHIFT, (MANY, 2)), random.uniform(-GROWTH, GROWTH, (MANY, 1))
    moves = np.hstack([shifts - growths, shifts + growths])
    return detector.predict(grey, box + moves * (box[2] - box[0])).mean(axis=0)


def compare(clip: str, count: int) -> None:
    """Find the landmarks of a clip's first frames in both ways, and print how they do."""
    detector, last = LandmarkDetector(), None
    ways: dict[str, list[np.ndarray]] = {"the detected box": [], "ours": []}
    means: list[np.ndarray] = []
    with open_source(clip) as video, cli.progress(count, video.name, "frames") as bar:
        for frame in itertools.islice(video.frames(), count):
            grey = cv2.cvtColor(frame.picture, cv2.COLOR_BGR2GRAY)
            last = detector.find(grey, last)
            if last is not None:
                ways["the detected box"].append(detector.predict(grey, last.box[None])[0])
                ways["ours"].append(last.points)
                means.append(over_many(detector, grey, last))
            bar.update()
    if len(means) < 3:
        print(f"{clip}: fewer than three faces")
        return
    unit = np.array([interocular_distance(mean) for mean in means])[:, None, None]
    for way, points in ways.items():
        off = root_mean_squares((np.array(points) - means) / unit)
        jitter = root_mean_squares(np.diff(points, 2, axis=0) / unit[1:-1])
        print(
            f"{clip}, {len(means)} frames, {way}: off by {np.median(off):.4f} (90th percentile "
            f"{np.percentile(off, 90):.4f}), jitter {np.median(jitter):.4f}"
        )


def root_mean_squares(vectors: np.ndarray) -> np.ndarray:
    """Of the lengths of vectors, float (N, 68, 2) -> (N,)."""
    return np.sqrt(np.mean(np.sum(vectors**2, axis=-1), axis=-1))


def parse_args(argv=None) -> argparse.Namespace:
    parser = cli.ArgumentParser(description=__doc__)
    parser.add_argument("--file", nargs="+", required=True, help="clips")
    parser.add_argument("--frames", type=cli.positive_int, default=100, help="how many of each")
    return parser.parse_args(argv)


def main(argv=None) -> None:
    args = parse_args(argv)
    for clip in args.file:
        compare(clip, args.frames)


if __name__ == "__main__":
    cli.run(main)
