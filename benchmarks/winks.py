#!/usr/bin/env python3
"""Write a driver's clip, and after it winks that are made of his blink: one eye of it, then the other.

evaluate.py then says whether one eye that is shut by itself reaches the target.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

if not __package__:  # run as a script: its own folder is first on the path, not the project's
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import numpy as np

from benchmarks import written_clip
from face2face import cli, files
from face2face.face.geometry import eye_aspect_ratio
from face2face.face.landmarks import LandmarkDetector
from face2face.sources.open import open_source
from face2face.target.sidecar import Entry
from pix2pix.recombination import LabelledFrame, recombined

BLINK_FRAMES = 6
"""Number of frames before the most shut eyes, and after them, that are a blink."""
MAX_SHUT = 0.6
"""Eye aspect ratio of the most shut eyes over the median one at most: else nobody blinks."""
SIDES = (0, 1, 0, 1)
"""Which eye is shut in each wink that is written: 0 is the left one."""


def frames_of(clip: Path) -> tuple[list[LabelledFrame], float]:
    """A clip's frames with a face, BGR, and its frame rate."""
    detector, found, frames = LandmarkDetector(), None, []
    with open_source(str(clip)) as video, cli.progress(video.frame_count, "finding faces", "frames") as bar:
        for frame in video.frames():
            found = detector.find(frame.picture, found)
            if found is not None:
                frames.append(LabelledFrame(Entry(0, frame.number, found.points), frame.picture))
            bar.update()
        return frames, video.fps


def with_winks(frames: list[LabelledFrame], name: str) -> Iterator[np.ndarray]:
    """The pictures of a clip, and then those of the winks. Before and after each, the eyes are open.

    Args:
        frames: The clip's frames.
        name: Of the clip, for messages.

    Raises:
        UserError: If nobody blinks in it.
    """
    ratios = np.array([float(eye_aspect_ratio(frame.entry.points)) for frame in frames])
    if not len(ratios) or ratios.min() > MAX_SHUT * np.median(ratios):
        raise cli.UserError(f"expected a clip of a driver who blinks, got none in {name}")
    shut = int(np.argmin(ratios))
    blink = frames[max(shut - BLINK_FRAMES, 0) : shut + BLINK_FRAMES + 1]
    opened = max(blink, key=lambda frame: float(eye_aspect_ratio(frame.entry.points)))
    yield from (frame.picture for frame in frames)
    for side in SIDES:
        yield from (recombined(opened, frame, [side]).picture for frame in blink)


def write(clip: Path, path: Path) -> None:
    """Write a clip with winks after it.

    Args:
        clip: The clip.
        path: Where it goes; a file that is there stays.

    Raises:
        UserError: If a file is in the way, if nobody blinks in the clip, or OpenCV cannot write videos.
    """
    files.check_replaceable(path, files.never_ours)
    frames, fps = frames_of(clip)
    with files.whole_file(path, files.never_ours) as unfinished:
        written_clip.write(unfinished, with_winks(frames, clip.name), fps)


def parse_args(argv=None) -> argparse.Namespace:
    parser = cli.ArgumentParser(description=__doc__)
    parser.add_argument("--file", type=Path, required=True, help="a clip of a driver who blinks")
    parser.add_argument("--output", type=Path, required=True, help="the clip to write, .mp4")
    return parser.parse_args(argv)


def main(argv=None) -> None:
    args = parse_args(argv)
    write(cli.existing_file(args.file, "the clip"), args.output)
    print(f"wrote {args.output}")


if __name__ == "__main__":
    cli.run(main)
