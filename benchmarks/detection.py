#!/usr/bin/env python3
"""Of the frames in which dlib's full-size detector with one upsampling finds a face: in how many do we?"""

import argparse
import sys
import time
from pathlib import Path

if not __package__:  # run as a script: its own folder is first on the path, not the project's
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import cv2

from face2face import cli
from face2face.face.landmarks import LandmarkDetector
from face2face.sources.open import open_source


def compare(clip: str) -> None:
    import dlib

    reference, detector, last = dlib.get_frontal_face_detector(), LandmarkDetector(), None
    there = found = frames = 0
    seconds = [0.0, 0.0]
    with open_source(clip) as video, cli.progress(video.frame_count, "comparing", "frames") as bar:
        for frame in video.frames():
            began = time.perf_counter()
            is_there = bool(reference(cv2.cvtColor(frame.picture, cv2.COLOR_BGR2GRAY), 1))
            between = time.perf_counter()
            face = detector.find(frame.picture, last)
            seconds[0] += between - began
            seconds[1] += time.perf_counter() - between
            last = face or last
            there += is_there
            found += is_there and face is not None
            frames += 1
            bar.update()
    share = found / there if there else float("nan")
    print(
        f"{frames} frames, a face in {there} of them by the reference, ours in {100 * share:.2f} % of those"
    )
    ours, theirs = (1000 * s / frames for s in reversed(seconds))
    print(
        f"ours takes {ours / theirs:.2f} of its time: {ours:.1f} ms a frame with landmarks, to {theirs:.1f}"
    )


def parse_args(argv=None) -> argparse.Namespace:
    parser = cli.ArgumentParser(description=__doc__)
    parser.add_argument("--file", required=True, help="a clip")
    return parser.parse_args(argv)


def main(argv=None) -> None:
    compare(parse_args(argv).file)


if __name__ == "__main__":
    cli.run(main)
