#!/usr/bin/env python3
"""Make training pairs from a video of the target: frames (original/) and drawn landmarks (landmarks/)."""

from face2face import early

if __name__ == "__main__":
    early.let_ctrl_c_end()

import argparse
import tempfile
import time
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np

from face2face import cli, pictures
from face2face.face.crop import CropBox
from face2face.face.drawing import DEFAULT_DRAWING, IRIS_COLOURS, NEW_DRAWINGS
from face2face.face.eyes import EyeDetector
from face2face.face.landmarks import PATIENT_SEARCH_SIDE, LandmarkDetector, default_landmark_model
from face2face.sources.base import Source
from face2face.sources.open import open_source
from face2face.target import pairs, selection
from face2face.target.pairs import Clip

MAX_PAIRS = 10**6
"""Limit of `--num`: every frame of hours of video."""


def generate(
    sources: list[str],
    count: int,
    output_dir: Path,
    landmark_model: Path,
    select: str | None = None,
    crop: str = "face",
    drawing: str = DEFAULT_DRAWING,
    start: float = 0.0,
    end: float | None = None,
    overwrite: bool = False,
    preview: bool = False,
    gaze: bool = True,
) -> int:
    """Write training pairs of a frame and its drawing.

    Args:
        sources: What `open_source` takes.
        count: Number of pairs, at most.
        output_dir: Folder of the folders original/ and landmarks/.
        landmark_model: dlib's 68-point model.
        select: One of `selection.SELECTIONS`; None: the default, and "first" of a camera or stream.
        crop: "face": one fixed crop box around the face in all selected frames; "none": whole frames.
        drawing: Style of the drawings, a key of `NEW_DRAWINGS`.
        start: Second of each video to begin at.
        end: Second of each video to end at; None: its own end.
        overwrite: Whether to replace the data of an earlier run.
        preview: Whether to write a contact sheet.
        gaze: Whether to find the irises, and draw them if the style has irises.

    Returns:
        The number of pairs.

    Raises:
        UserError: If a source cannot be used, no frame shows a face, or another file is in the way.
        Incomplete: After all pairs were written, if a source gave fewer frames than it should have.
    """
    if count > MAX_PAIRS:
        raise cli.UserError(f"expected --num of at most {MAX_PAIRS}, got {count}")
    earlier = pairs.check(output_dir, sources, count, overwrite, preview)
    detector = LandmarkDetector(landmark_model, PATIENT_SEARCH_SIDE)
    eye_detector = EyeDetector() if gaze and drawing in IRIS_COLOURS else None
    began = time.monotonic()
    with ExitStack() as stack:
        videos = [stack.enter_context(open_source(source, start, end)) for source in sources]
        clips = []
        for video, share in zip(videos, shares(videos, count), strict=True):
            if share:
                clips.append(scan_source(video, share, detector, select, stack))
        searched = sum(clip.scanned.searched for clip in clips)
        found = sum(len(clip.scanned.candidates) for clip in clips)
        names = ", ".join(clip.name for clip in clips)
        if not any(clip.chosen for clip in clips):
            said = [f"expected a face, got none in the {searched} frames read of {names}", *missed(clips)]
            if start and not searched:
                said.append(f"expected --start before the end, got {start:g}")
            raise cli.UserError("; ".join(said))
        if crop == "face":
            for clip in clips:
                if clip.chosen:
                    points = np.array([candidate.face.points for candidate in clip.chosen])
                    clip.crop_box = CropBox.around(points, *clip.scanned.frame_size)
        written = pairs.write(clips, output_dir, NEW_DRAWINGS[drawing], preview, earlier, eye_detector)
    rate = searched / (time.monotonic() - began)
    print(
        f"frames read {searched}, faces found {found}, without a face {searched - found}, "
        f"pairs written {written}, {rate:.1f} frames/s"
    )
    if written < count:
        cli.warn(f"expected {count} pairs, got {written}: no more usable frames with a face in {names}")
    if shortfalls := missed(clips):
        raise cli.Incomplete("; ".join(shortfalls))
    return written


def missed(clips: list[Clip]) -> list[str]:
    """Why sources gave fewer frames than they should have, for those that did."""
    return [clip.video.shortfall for clip in clips if clip.video.shortfall]


def shares(videos: list[Source], count: int) -> list[int]:
    """The number of pairs to take from each video, in proportion to its number of frames; `count` in all."""
    if len(videos) == 1:
        return [count]
    if any(video.live for video in videos):
        raise cli.UserError("several --file must be video files, got a camera or a stream among them")
    lengths = [len(video.span()) for video in videos]
    if 0 in lengths:
        video = videos[lengths.index(0)]
        raise cli.UserError(f"expected --start before the end of {video.name}, got {video.start:g}")
    ends = [count * sum(lengths[: index + 1]) // sum(lengths) for index in range(len(lengths))]
    return [end - begin for begin, end in pairwise([0, *ends])]


def scan_source(
    video: Source, count: int, detector: LandmarkDetector, select: str | None, stack: ExitStack
) -> Clip:
    """Detect the faces of a source and select frames; print how many were left out, by reason."""
    name = video.name
    if video.live and select not in (None, "first"):
        raise cli.UserError(f"expected --select first of a camera or stream, got {select}")
    if video.live:  # it cannot be read again, so its frames are saved first
        spool = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        count = record(video, detector, count, spool)
        video, select = open_source(str(spool)), "first"
        video.name = name
    select = select or selection.DEFAULT_SELECTION
    scanned = selection.scan(video, detector, count, select)
    chosen, left_out = selection.choose(scanned, count, select)
    for reason, number in left_out.items():
        if number:
            print(f"left out of {name}: {number} frames, {reason}")
    return Clip(name, video, scanned, chosen)


def record(video: Source, detector: LandmarkDetector, count: int, folder: Path) -> int:
    """Save the frames of a live source, until `count` of them show a face or it ends.

    Returns:
        How many faces can be found in them at most.

    Raises:
        KeyboardInterrupt: After a signal before the first face; after a later one what was saved is used.
    """
    found = saved = 0
    try:
        with cli.progress(count, "recording", "faces") as bar:
            for frame in video.frames():
                picture = cv2.cvtColor(frame.picture, cv2.COLOR_BGR2RGB)
                pictures.write(folder / f"{frame.number}.png", picture)
                saved += 1
                if detector.find(frame.picture) is not None:
                    found += 1
                    bar.update()
                if found == count:
                    break
    except KeyboardInterrupt:
        if not found:
            raise
        cli.signals.clear()  # the next one ends the making of pairs
        print("the recording was stopped: pairs are made of what was recorded")
    return min(count, saved)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
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
        help="the video's most different frames, without hidden or blurred faces; frames spread over all of "
        f"it; or its first ones, as always of a camera or stream (default: {selection.DEFAULT_SELECTION})",
    )
    parser.add_argument(
        "--crop",
        choices=("face", "none"),
        default="face",
        help="one fixed square around all of the face's travel, or whole frames",
    )
    parser.add_argument(
        "--drawing", choices=sorted(NEW_DRAWINGS), default=DEFAULT_DRAWING, help="how landmarks are drawn"
    )
    parser.add_argument(
        "--no-gaze",
        action="store_true",
        help="draw no irises, and no winks; the face then looks where it did in training",
    )
    parser.add_argument("--preview", action="store_true", help=f"write a contact sheet, {pairs.PREVIEW}")
    parser.add_argument("--start", type=cli.non_negative_float, default=0.0, help="second to begin at")
    parser.add_argument("--end", type=cli.non_negative_float, help="second to end at (default: at the end)")
    parser.add_argument("--overwrite", action="store_true", help="replace the data of an earlier run")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    """Run the command line."""
    args = parse_args(argv)
    if args.no_gaze and args.drawing not in IRIS_COLOURS:
        raise cli.UserError(f"--no-gaze has no effect: --drawing {args.drawing} has no irises")
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
        gaze=not args.no_gaze,
    )


if __name__ == "__main__":
    cli.run(main)
