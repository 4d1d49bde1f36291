#!/usr/bin/env python3
"""Make training pairs from a video of the target: frames (original/) and drawn landmarks (landmarks/)."""

from face2face import early

if __name__ == "__main__":
    early.let_ctrl_c_end()

import argparse
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import cv2
import numpy as np

from face2face import cli, pictures
from face2face.face.crop import CropBox
from face2face.face.drawing import DEFAULT_DRAWING, DRAWINGS
from face2face.face.landmarks import PATIENT_SEARCH_SIDE, LandmarkDetector, default_landmark_model
from face2face.sources.files import Source, open_source
from face2face.target import pairs, selection
from face2face.target.pairs import Clip

MAX_PAIRS = 10**6
"""Of `--num`: hours of video, every frame."""


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

    Raises:
        UserError: if a source is of no use, none shows a face, or another file is in the way.
        Incomplete: after everything has been written, if a source gave less than it should have.
    """
    if count > MAX_PAIRS:
        raise cli.UserError(f"expected --num of at most {MAX_PAIRS}, got {count}")
    earlier = pairs.check(output_dir, sources, count, overwrite, preview)
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
            said = [f"expected a face, got none in the {searched} frames read of {names}", *missed(clips)]
            if start and not searched:
                said.append(f"expected --start before the end, got {start:g}")
            raise cli.UserError("; ".join(said))
        if crop == "face":
            for clip in clips:
                if clip.chosen:
                    points = np.array([candidate.face.points for candidate in clip.chosen])
                    clip.window = CropBox.around(points, *clip.seen.frame_size)
        written = pairs.write(clips, output_dir, drawing, preview, earlier)
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
    """What there is to say of sources that gave less than they should have."""
    return [clip.video.shortfall for clip in clips if clip.video.shortfall]


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
            pictures.write(folder / f"{frame.number}.png", cv2.cvtColor(frame.picture, cv2.COLOR_BGR2RGB))
            if detector.find(frame.picture) is not None:
                found += 1
                bar.update()
            if found == count:
                return


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
    parser.add_argument("--preview", action="store_true", help=f"write a contact sheet, {pairs.PREVIEW}")
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
