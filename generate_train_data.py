#!/usr/bin/env python3
"""Make training pairs from a video of the target: frames (original/) and drawn landmarks (landmarks/)."""

import argparse
import shutil
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from face2face import cli, selection, sidecar
from face2face.drawing import DEFAULT_DRAWING, DRAWINGS, draw
from face2face.framing import Window
from face2face.landmarks import PATIENT_SEARCH_SIDE, LandmarkDetector, default_landmark_model
from face2face.selection import Candidate
from face2face.video import Source, open_source

ORIGINAL, LANDMARKS = "original", "landmarks"
"""The two folders that are written, of same-named images."""


PREVIEW = "preview.png"
PREVIEW_COLUMNS, PREVIEW_ROWS, PREVIEW_SIDE = 6, 4, 160
"""The contact sheet of `--preview`: pairs across and down, and the side of a picture in pixels."""


@dataclass
class Clip:
    """A source of frames that can be read more than once, and what was chosen of it."""

    name: str
    video: Source
    seen: selection.Scan
    chosen: list[Candidate]
    window: Window | None = None

    def describe(self) -> sidecar.Video:
        box = (self.window.left, self.window.top, self.window.side) if self.window else None
        return sidecar.Video(self.name, self.seen.frame_size, self.video.fps, box)


def generate(
    sources: list[str],
    count: int,
    output_dir: Path,
    landmark_model: Path,
    select: str = selection.DEFAULT_SELECTION,
    crop: str = "face",
    drawing: str = DEFAULT_DRAWING,
    start: float = 0.0,
    end: float | None = None,
    overwrite: bool = False,
    preview: bool = False,
) -> int:
    """Write up to `count` pairs of frame and drawing below `output_dir`, and return how many.

    Raises: UserError if a source is of no use, none shows a face, or the folders hold data already.
    """
    folders = [output_dir / ORIGINAL, output_dir / LANDMARKS]
    for folder in folders:
        if not overwrite and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise cli.UserError(f"{folder} holds data already: expected an empty place, or --overwrite")
    detector = LandmarkDetector(landmark_model, PATIENT_SEARCH_SIDE)
    began = time.monotonic()
    with ExitStack() as stack:
        videos = [stack.enter_context(open_source(source, start, end)) for source in sources]
        clips = []
        for video, share in zip(videos, shares(videos, count), strict=True):
            clips.append(look_through(video, share, detector, select, stack))
        searched = sum(clip.seen.searched for clip in clips)
        found = sum(len(clip.seen.candidates) for clip in clips)
        names = ", ".join(clip.name for clip in clips)
        if not any(clip.chosen for clip in clips):
            raise cli.UserError(f"expected a face, got none in the {searched} frames read of {names}")
        if crop == "face":
            for clip in clips:
                if clip.chosen:
                    points = np.array([candidate.face.points for candidate in clip.chosen])
                    clip.window = Window.around(points, *clip.seen.frame_size)
        written = write_pairs(clips, folders, drawing, preview)
    rate = searched / (time.monotonic() - began)
    print(
        f"frames read {searched}, faces found {found}, without a face {searched - found}, "
        f"pairs written {written}, {rate:.1f} frames/s"
    )
    if written < count:
        cli.warn(f"expected {count} pairs, got {written}: no more usable frames with a face in {names}")
    return written


def shares(videos: list[Source], count: int) -> list[int]:
    """How many of the pairs to take from each video: in proportion to their frames."""
    if len(videos) == 1:
        return [count]
    lengths = [0 if video.live else len(selection.frame_span(video)) for video in videos]
    if 0 in lengths:
        raise cli.UserError("several --file must be video files, got a camera or a stream among them")
    return [-(-count * length // sum(lengths)) for length in lengths]


def look_through(
    video: Source, count: int, detector: LandmarkDetector, select: str, stack: ExitStack
) -> Clip:
    """Find the faces of a source and choose among them; says what was left out, and why."""
    name = video.name
    if video.live:  # it cannot be read again: keep what came
        spool = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        record(video, detector, count, spool)
        video, select = open_source(str(spool)), "first"
    seen = selection.scan(video, detector, count, select)
    chosen, left_out = selection.choose(seen, count, select)
    for reason, number in left_out.items():
        if number:
            print(f"left out of {name}: {number} frames, {reason}")
    return Clip(name, video, seen, chosen)


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


def write_pairs(clips: list[Clip], folders: list[Path], drawing: str, preview: bool) -> int:
    """Write 1.png ... in both folders, and the sidecar; the folders appear only when they are whole."""
    beside = sidecar.Sidecar([clip.describe() for clip in clips], drawing=drawing)
    output_dir = folders[0].parent
    output_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".pairs.", dir=output_dir) as scratch:
        originals, drawings = (Path(scratch) / folder.name for folder in folders)
        originals.mkdir()
        drawings.mkdir()
        with cli.progress(sum(len(clip.chosen) for clip in clips), "writing pairs", "pairs") as bar:
            for index, clip in enumerate(clips):
                points_of = {candidate.number: candidate.face.points for candidate in clip.chosen}
                for frame in clip.video.frames(points_of):
                    file = f"{len(beside.images) + 1}.png"
                    picture, points, drawn = pair(
                        frame.picture, points_of[frame.number], clip.window, drawing
                    )
                    cv2.imwrite(str(originals / file), picture)
                    cv2.imwrite(str(drawings / file), cv2.cvtColor(drawn, cv2.COLOR_RGB2BGR))
                    beside.images[file] = sidecar.Entry(index, frame.number, points)
                    bar.update()
        beside.write(drawings)
        if preview:
            write_preview(originals, drawings, list(beside.images), output_dir / PREVIEW)
        for unfinished, folder in zip((originals, drawings), folders, strict=True):
            if folder.exists():
                shutil.rmtree(folder)
            unfinished.rename(folder)
    return len(beside.images)


def write_preview(originals: Path, drawings: Path, files: list[str], path: Path) -> None:
    """A contact sheet of pairs spread over the chosen frames, each picture above its drawing."""
    cells = []
    shown = min(len(files), PREVIEW_COLUMNS * PREVIEW_ROWS)
    for i in range(PREVIEW_COLUMNS * PREVIEW_ROWS):
        cell = np.zeros((2 * PREVIEW_SIDE, PREVIEW_SIDE, 3), np.uint8)
        if i < shown:
            file = files[i * len(files) // shown]
            for half, folder in zip(np.split(cell, 2), (originals, drawings), strict=True):
                picture = cv2.imread(str(folder / file))
                half[:] = Window.padded(*picture.shape[1::-1]).picture(picture, PREVIEW_SIDE)
        cells.append(cell)
    rows = [np.hstack(cells[r : r + PREVIEW_COLUMNS]) for r in range(0, len(cells), PREVIEW_COLUMNS)]
    cv2.imwrite(str(path), np.vstack(rows))
    print(f"wrote {path}")


def pair(frame: np.ndarray, points: np.ndarray, window: Window | None, style: str):
    """A frame and its points -> the picture (BGR), the points in it, and the drawing (RGB), as large.

    Without a window the picture is the whole frame, and the drawing is made in the square that holds it, with
    lines as wide as they will be when the frame's middle square has been scaled to model space.
    """
    if window is not None:
        points = window.points(points)
        return window.picture(frame), points, draw(points, window.side, style)
    height, width = frame.shape[:2]
    square, middle = Window.padded(width, height), Window.centre(width, height)
    drawing = draw(square.points(points), square.side, style, middle.side)
    top, left = -square.top, -square.left
    return frame, points, drawing[top : top + height, left : left + width]


def parse_args(argv=None) -> argparse.Namespace:
    parser = cli.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--file",
        required=True,
        nargs="+",
        metavar="VIDEO",
        help="video of the target, or several of the same person; or a camera's number, or a stream",
    )
    parser.add_argument("--num", type=cli.positive_int, default=400, help="how many pairs to make")
    parser.add_argument(
        "--landmark-model", type=Path, default=default_landmark_model(), help="dlib's 68-point model"
    )
    parser.add_argument("--output-dir", type=Path, default=Path("."), help="where the two folders are made")
    parser.add_argument(
        "--select",
        choices=selection.SELECTIONS,
        default=selection.DEFAULT_SELECTION,
        help="the video's most different frames, without hidden or blurred faces; frames spread over all of "
        "it; or its first ones, as always of a camera or stream",
    )
    parser.add_argument(
        "--crop",
        choices=("face", "none"),
        default="face",
        help="one fixed square around all of the face's travel, or whole frames",
    )
    parser.add_argument(
        "--drawing", choices=sorted(DRAWINGS), default=DEFAULT_DRAWING, help="how landmarks are drawn"
    )
    parser.add_argument("--preview", action="store_true", help=f"write a contact sheet, {PREVIEW}")
    parser.add_argument("--start", type=cli.non_negative_float, default=0.0, help="second to begin at")
    parser.add_argument("--end", type=cli.non_negative_float, help="second to end at (default: at the end)")
    parser.add_argument("--overwrite", action="store_true", help="replace the data of an earlier run")
    return parser.parse_args(argv)


def main(argv=None) -> None:
    args = parse_args(argv)
    generate(
        sources=args.file,
        count=args.num,
        output_dir=args.output_dir,
        landmark_model=args.landmark_model,
        select=args.select,
        crop=args.crop,
        drawing=args.drawing,
        start=args.start,
        end=args.end,
        overwrite=args.overwrite,
        preview=args.preview,
    )


if __name__ == "__main__":
    cli.run(main)
