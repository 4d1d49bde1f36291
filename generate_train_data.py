#!/usr/bin/env python3
"""Make training pairs from a video of the target: frames (original/) and drawn landmarks (landmarks/)."""

import argparse
import bisect
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from face2face import cli, sidecar
from face2face.framing import Window
from face2face.landmarks import Face, LandmarkDetector, default_landmark_model, draw
from face2face.video import Source, open_source

ORIGINAL, LANDMARKS = "original", "landmarks"
"""The two folders that are written, of same-named images."""


@dataclass
class Scan:
    """What was seen of a clip: `faces` by frame number, and how many frames were searched."""

    faces: dict[int, Face]
    searched: int
    frame_size: tuple[int, int]


def generate(
    source: str,
    count: int,
    output_dir: Path,
    landmark_model: Path,
    select: str = "spread",
    crop: str = "face",
    start: float = 0.0,
    end: float | None = None,
    overwrite: bool = False,
) -> int:
    """Write up to `count` pairs of frame and drawing below `output_dir`, and return how many.

    Raises: UserError if the source is of no use, shows no face, or the folders hold data already.
    """
    folders = [output_dir / ORIGINAL, output_dir / LANDMARKS]
    for folder in folders:
        if not overwrite and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise cli.UserError(f"{folder} holds data already: expected an empty place, or --overwrite")
    detector = LandmarkDetector(landmark_model)
    began = time.monotonic()
    with open_source(source, start, end) as video, tempfile.TemporaryDirectory() as spool:
        name = video.name
        if video.live:  # it cannot be read again: keep what came
            record(video, detector, count, Path(spool))
            video, select = open_source(spool), "first"
        scan = find_faces(video, detector, count, select)
        if not scan.faces:
            raise cli.UserError(f"expected a face, got none in the {scan.searched} frames read of {name}")
        chosen = choose(sorted(scan.faces), count, select)
        window = Window.around(np.array([scan.faces[n].points for n in chosen]), *scan.frame_size)
        written = write_pairs(video, name, scan, chosen, window if crop == "face" else None, folders)
    elapsed = time.monotonic() - began
    print(
        f"frames read {scan.searched}, faces found {len(scan.faces)}, "
        f"without a face {scan.searched - len(scan.faces)}, pairs written {written}, "
        f"{scan.searched / elapsed:.1f} frames/s"
    )
    if written < count:
        cli.warn(f"expected {count} pairs, got {written}: no more frames with a face in {name}")
    return written


def record(video: Source, detector: LandmarkDetector, count: int, folder: Path) -> None:
    """Keep the frames of a live source, until `count` of them show a face or it ends."""
    found = 0
    with cli.progress(count, "recording", "faces") as bar:
        for frame in video.frames():
            cv2.imwrite(str(folder / f"{frame.number}.png"), frame.picture, [cv2.IMWRITE_PNG_COMPRESSION, 1])
            if detector.find(frame.picture) is not None:
                found += 1
                bar.update()
            if found == count:
                return


def find_faces(video: Source, detector: LandmarkDetector, count: int, select: str) -> Scan:
    """Look for the face in as few frames as give `count` of them: ever denser, or from the first on.

    The face is followed: in each frame the one is taken that is nearest to that in the nearest known frame.
    """
    scan = Scan({}, 0, (0, 0))
    known: list[int] = []  # the numbers of frames with a face, sorted
    passes = [range(10**9)] if select == "first" else grids(frame_count(video), count)
    with cli.progress(count, "finding faces", "faces") as bar:
        for wanted in passes:
            for frame in video.frames(wanted):
                height, width = frame.picture.shape[:2]
                scan.frame_size = (width, height)
                scan.searched += 1
                face = detector.find(frame.picture, nearest_known(scan.faces, known, frame.number))
                if face is not None:
                    scan.faces[frame.number] = face
                    bisect.insort(known, frame.number)
                    bar.update()
                if select == "first" and len(known) == count:
                    return scan
            if len(known) >= count:
                break
    return scan


def grids(total: int, count: int) -> Iterator[set[int]]:
    """Sets of frame numbers, each spread evenly over the clip and disjoint, that together are all of them.

    The first has `count` numbers, each later grid is twice as dense.
    """
    tried: set[int] = set()
    density = count
    while len(tried) < total:
        grid = {int((i + 0.5) * total / density) for i in range(density)} - tried
        tried |= grid
        if grid:
            yield grid
        density = min(2 * density, 2 * total)


def frame_count(video: Source) -> int:
    """How many frames there are: by the header, or counted where it does not tell."""
    return video.frame_count or sum(1 for _ in video.frames())


def nearest_known(faces: dict[int, Face], known: list[int], number: int) -> Face | None:
    """The face of the frame nearest in time to `number`, if one is known yet."""
    at = bisect.bisect(known, number)
    around = known[max(at - 1, 0) : at + 1]
    return faces[min(around, key=lambda n: abs(n - number))] if around else None


def choose(numbers: list[int], count: int, select: str) -> list[int]:
    """`count` of the sorted frame numbers: the first, or spread evenly among them."""
    if len(numbers) <= count or select == "first":
        return numbers[:count]
    return [numbers[int((i + 0.5) * len(numbers) / count)] for i in range(count)]


def write_pairs(
    video: Source, name: str, scan: Scan, chosen: list[int], window: Window | None, folders: list[Path]
) -> int:
    """Write 1.png ... in both folders, and the sidecar; the folders appear only when they are whole."""
    box = (window.left, window.top, window.side) if window else None
    beside = sidecar.Sidecar([sidecar.Video(name, scan.frame_size, video.fps, box)])
    output_dir = folders[0].parent
    output_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".pairs.", dir=output_dir) as scratch:
        originals, drawings = (Path(scratch) / folder.name for folder in folders)
        originals.mkdir()
        drawings.mkdir()
        with cli.progress(len(chosen), "writing pairs", "pairs") as bar:
            for frame in video.frames(set(chosen)):
                file = f"{len(beside.images) + 1}.png"
                points = scan.faces[frame.number].points
                picture, points, drawing = pair(frame.picture, points, window)
                cv2.imwrite(str(originals / file), picture)
                cv2.imwrite(str(drawings / file), cv2.cvtColor(drawing, cv2.COLOR_RGB2BGR))
                beside.images[file] = sidecar.Entry(0, frame.number, points)
                bar.update()
        beside.write(drawings)
        for unfinished, folder in zip((originals, drawings), folders, strict=True):
            if folder.exists():
                shutil.rmtree(folder)
            unfinished.rename(folder)
    return len(beside.images)


def pair(frame: np.ndarray, points: np.ndarray, window: Window | None):
    """A frame and its points -> the picture (BGR), the points in it, and the drawing (RGB), as large.

    Without a window the picture is the whole frame, and the drawing is made in the square that holds it, with
    lines as wide as they will be when the frame's middle square has been scaled to model space.
    """
    if window is not None:
        points = window.points(points)
        return window.picture(frame), points, draw(points, window.side)
    height, width = frame.shape[:2]
    square, middle = Window.padded(width, height), Window.centre(width, height)
    drawing = draw(square.points(points), square.side, line_side=middle.side)
    top, left = -square.top, -square.left
    return frame, points, drawing[top : top + height, left : left + width]


def parse_args(argv=None) -> argparse.Namespace:
    parser = cli.ArgumentParser(description=__doc__)
    parser.add_argument("--file", required=True, help="video file of the target, camera number or stream")
    parser.add_argument("--num", type=cli.positive_int, default=400, help="how many pairs to make")
    parser.add_argument(
        "--landmark-model", type=Path, default=default_landmark_model(), help="dlib's 68-point model"
    )
    parser.add_argument("--output-dir", type=Path, default=Path("."), help="where the two folders are made")
    parser.add_argument(
        "--select",
        choices=("spread", "first"),
        default="spread",
        help="frames spread over the whole video, or its first ones; of a camera or stream always the first",
    )
    parser.add_argument(
        "--crop",
        choices=("face", "none"),
        default="face",
        help="one fixed square around all of the face's travel, or whole frames",
    )
    parser.add_argument("--start", type=cli.non_negative_float, default=0.0, help="second to begin at")
    parser.add_argument("--end", type=cli.non_negative_float, help="second to end at (default: at the end)")
    parser.add_argument("--overwrite", action="store_true", help="replace the data of an earlier run")
    return parser.parse_args(argv)


def main(argv=None) -> None:
    args = parse_args(argv)
    generate(
        args.file,
        args.num,
        args.output_dir,
        args.landmark_model,
        args.select,
        args.crop,
        args.start,
        args.end,
        args.overwrite,
    )


if __name__ == "__main__":
    cli.run(main)
