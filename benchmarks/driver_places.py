#!/usr/bin/env python3
"""Write a driver's clip as if he sat elsewhere: mirrored, far off at the edge, tilted, small, in dim light.

evaluate.py then says what of the painted face depends on where the driver sits.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

if not __package__:  # run as a script: its own folder is first on the path, not the project's
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import cv2
import numpy as np

from benchmarks import written_clip
from face2face import cli, files
from face2face.sources.open import open_source

TILT_DEGREES = 20
SMALL = 0.4
"""Scale of the small picture."""

FAR_FRAME, FAR_HEIGHT, FAR_LEFT = (720, 1280), 360, 760
"""Height and width of a wide frame; height of the clip in it, and how far from the left edge it begins."""

DIM, DIM_NOISE = 0.3, 5.0
"""Share of the brightness that is left, and the standard deviation of the noise of the sensor, of 255."""
_NOISE = np.random.default_rng(0)


def mirrored(frame: np.ndarray) -> np.ndarray:
    return frame[:, ::-1]


def far(frame: np.ndarray) -> np.ndarray:
    """The clip at the lower right of a grey room, cut off by the edge if it is wide."""
    height, width = FAR_FRAME
    room = np.full((height, width, 3), 90, np.uint8)
    scale = FAR_HEIGHT / frame.shape[0]
    clip = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)[:, : width - FAR_LEFT]
    room[-len(clip) :, FAR_LEFT : FAR_LEFT + clip.shape[1]] = clip
    return room


def tilted(frame: np.ndarray) -> np.ndarray:
    height, width = frame.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), TILT_DEGREES, 1)
    return cv2.warpAffine(frame, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)


def small(frame: np.ndarray) -> np.ndarray:
    return cv2.resize(frame, None, fx=SMALL, fy=SMALL, interpolation=cv2.INTER_AREA)


def dim(frame: np.ndarray) -> np.ndarray:
    noise = _NOISE.normal(0, DIM_NOISE, frame.shape)  # of each frame its own
    return np.clip(DIM * frame + noise, 0, 255).astype(np.uint8)


PLACES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "mirrored": mirrored,
    "far": far,
    "tilted": tilted,
    "small": small,
    "dim": dim,
}
"""What becomes of a frame, uint8 (H, W, 3), by the name of the clip that is written."""


def write(clip: Path, folder: Path) -> list[Path]:
    """Write a clip once for each of `PLACES`.

    Args:
        clip: The clip.
        folder: Where they go; files that are there stay.

    Returns:
        The clips' paths.

    Raises:
        UserError: If a file is in the way, and then nothing is written; or OpenCV cannot write videos.
    """
    paths = {folder / f"{clip.stem}-{name}.mp4": change for name, change in PLACES.items()}
    for path in paths:
        files.check_replaceable(path, files.never_ours)
    for path, change in paths.items():
        with open_source(str(clip)) as video, files.whole_file(path, files.never_ours) as unfinished:
            written_clip.write(unfinished, (change(frame.picture) for frame in video.frames()), video.fps)
    return list(paths)


def parse_args(argv=None) -> argparse.Namespace:
    parser = cli.ArgumentParser(description=__doc__)
    parser.add_argument("--file", type=Path, required=True, help="a clip of a driver")
    parser.add_argument("--output-dir", type=Path, required=True, help="where the clips go")
    return parser.parse_args(argv)


def main(argv=None) -> None:
    args = parse_args(argv)
    for path in write(cli.existing_file(args.file, "the clip"), args.output_dir):
        print(path)


if __name__ == "__main__":
    cli.run(main)
