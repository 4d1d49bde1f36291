#!/usr/bin/env python3
"""Move the target's face with your own: from a webcam, a video, a stream or a folder of images."""

import argparse
import contextlib
from pathlib import Path

from face2face import cli, live, sinks
from face2face.generator import Generator
from face2face.landmarks import LandmarkDetector, default_landmark_model
from face2face.live import DrivingOptions
from face2face.smoothing import DEFAULT_STRENGTH
from face2face.tracking import Tracker
from face2face.video import open_source


def drive(
    source: str,
    tf_model: Path,
    landmark_model: Path,
    driving: DrivingOptions,
    smoothing: float = DEFAULT_STRENGTH,
    show_drawing: bool = False,
    record: Path | None = None,
    record_generated_only: bool = False,
    no_window: bool = False,
    start: float = 0.0,
    end: float | None = None,
    limit: int | None = None,
    stats_file: Path | None = None,
) -> None:
    """Open everything, run the loop, and close everything whatever happens.

    Raises: UserError if the source or a model is of no use, or a camera stops.
    """
    cli.existing_file(tf_model, "the frozen model")
    stats = live.Stats()
    with contextlib.ExitStack() as stack:
        video = stack.enter_context(open_source(source, start, end))
        detector = LandmarkDetector(landmark_model)
        generator = Generator(tf_model)
        if driving.retarget and generator.target.face is None:
            print(f"retargeting is off: {tf_model} does not know its target's face")
        recording = window = None
        if record:
            recording = stack.enter_context(contextlib.closing(sinks.open_recording(record, video.fps)))
        if not no_window and not sinks.has_screen():
            print("no screen here: going on without a window (as with --no-window)")
        elif not no_window:
            height = live.PREVIEW_SCALE * generator.target.image_size
            window = stack.enter_context(contextlib.closing(sinks.Window(2 * height, height)))
        stats.start()
        try:
            painter = live.Painter(Tracker(detector, smoothing), generator, driving, video.name)
            live.run(
                video.frames(), painter, stats, show_drawing, window, recording, record_generated_only, limit
            )
        finally:
            stats.stop()
            if stats_file:
                stats.write(stats_file)
            print(f"{stats.frames} frames, {stats.frames_with_face} with a face, {stats.fps:.1f} frames/s")
    if record:
        print(f"wrote {record}")


def parse_args(argv=None) -> argparse.Namespace:
    parser = cli.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--source",
        default="0",
        help="the driver: camera number, video file, stream's address, folder of images",
    )
    parser.add_argument(
        "--show", type=int, choices=(0, 1), default=0, help="beside the face: 0 the driver, 1 the drawing"
    )
    parser.add_argument(
        "--landmark-model", type=Path, default=default_landmark_model(), help="dlib's 68-point model"
    )
    parser.add_argument(
        "--tf-model",
        type=Path,
        default=Path("face2face-reduced-model/frozen_model.pb"),
        help="frozen generator",
    )
    parser.add_argument(
        "--retarget",
        choices=("on", "off"),
        default="on",
        help="carry your motion onto the target's face, or draw your face where it is, as the original did",
    )
    parser.add_argument(
        "--calibration",
        type=Path,
        metavar="FILE",
        help="your face at rest: read if the file is there, else learned and written",
    )
    parser.add_argument(
        "--smoothing",
        type=cli.fraction,
        default=DEFAULT_STRENGTH,
        help="0: landmarks as they are, 1: steadiest",
    )
    parser.add_argument(
        "--hold",
        type=cli.non_negative_float,
        default=0.5,
        help="seconds to keep the last face without a new one",
    )
    parser.add_argument(
        "--no-face",
        choices=live.NO_FACE,
        default="hold",
        help="then: keep it still, show the driver, or black",
    )
    parser.add_argument(
        "--record", type=Path, metavar="FILE_OR_FOLDER", help="write a video, or PNGs to a folder"
    )
    parser.add_argument(
        "--record-view",
        choices=("side-by-side", "generated"),
        default="side-by-side",
        help="what is recorded",
    )
    parser.add_argument("--no-window", action="store_true", help="for machines without a screen")
    parser.add_argument(
        "--start", type=cli.non_negative_float, default=0.0, help="second of a file to begin at"
    )
    parser.add_argument("--end", type=cli.non_negative_float, help="second of a file to end at")
    parser.add_argument("--limit", type=cli.positive_int, help="end after so many frames")
    parser.add_argument("--stats", type=Path, metavar="FILE", help="write frames and times as JSON")
    return parser.parse_args(argv)


def main(argv=None) -> None:
    args = parse_args(argv)
    drive(
        source=args.source,
        tf_model=args.tf_model,
        landmark_model=args.landmark_model,
        driving=DrivingOptions(args.retarget == "on", args.calibration, args.hold, args.no_face),
        smoothing=args.smoothing,
        show_drawing=args.show == 1,
        record=args.record,
        record_generated_only=args.record_view == "generated",
        no_window=args.no_window,
        start=args.start,
        end=args.end,
        limit=args.limit,
        stats_file=args.stats,
    )


if __name__ == "__main__":
    cli.run(main)
