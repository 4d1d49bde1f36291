#!/usr/bin/env python3
"""Move the target's face with your own: from a webcam, a video, a stream or a folder of images."""

import argparse
import contextlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from face2face import cli, engines, generator, live, sinks
from face2face.generator import Generator
from face2face.landmarks import LandmarkDetector, default_landmark_model
from face2face.painter import NO_FACE, PREVIEW_SCALE, DrivingOptions, Painter
from face2face.smoothing import DEFAULT_STRENGTH
from face2face.stats import Stats
from face2face.tracking import Tracker
from face2face.video import open_source

DEFAULT_MODEL = Path("face2face-reduced-model/frozen_model.pb")

MAX_MODELS = 9
"""Each has a key of its own: 1 to 9."""


def drive(
    source: str,
    tf_models: list[Path],
    landmark_model: Path,
    driving: DrivingOptions,
    engine: str = generator.AUTO,
    precision: str = generator.AUTO,
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
    if len(tf_models) > MAX_MODELS:
        raise cli.UserError(f"expected --tf-model at most {MAX_MODELS} times, got {len(tf_models)}")
    for model in tf_models:
        cli.existing_file(model, "the frozen model")
    stats = Stats()
    with contextlib.ExitStack() as stack:
        # The two models are read from disk and unpacked side by side.
        loading = stack.enter_context(ThreadPoolExecutor(1))
        video = stack.enter_context(open_source(source, start, end))
        detector = loading.submit(LandmarkDetector, landmark_model)
        generators = [Generator(model, engine, precision) for model in tf_models]
        for model, each in zip(tf_models, generators, strict=True):
            print(f"{model} runs by {each.engine}")
            if driving.retarget and each.target.face is None:
                print(f"retargeting is off: {model} does not know its target's face")
        tracker = Tracker(detector.result(), smoothing)
        painter = Painter(tracker, generators, driving, video.name)
        output = live.Output(show_drawing, record_generated_only=record_generated_only)
        if record:
            output.recording = stack.enter_context(
                contextlib.closing(sinks.open_recording(record, video.fps))
            )
        if not no_window and not sinks.has_screen():
            print("no screen here: going on without a window (as with --no-window)")
        elif not no_window:
            height = PREVIEW_SCALE * painter.size
            output.window = stack.enter_context(contextlib.closing(sinks.Window(2 * height, height)))
        stats.start()
        try:
            live.run(video.frames(), painter, stats, output, video.live, limit)
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
        action="append",
        metavar="FILE",
        help=f"frozen generator, .pb or .xml (default: {DEFAULT_MODEL}); given again, another one: "
        "the keys 1 to 9 switch between them",
    )
    parser.add_argument(
        "--engine",
        choices=(generator.AUTO, *engines.ENGINES),
        default=generator.AUTO,
        help="what runs it; auto: OpenVINO, but TensorFlow where it sees a GPU",
    )
    parser.add_argument(
        "--precision",
        choices=(generator.AUTO, *engines.PRECISIONS),
        default=generator.AUTO,
        help="what it calculates in; auto: the fastest with the same faces, measured once",
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
        choices=NO_FACE,
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
        tf_models=args.tf_model or [DEFAULT_MODEL],
        landmark_model=args.landmark_model,
        driving=DrivingOptions(args.retarget == "on", args.calibration, args.hold, args.no_face),
        engine=args.engine,
        precision=args.precision,
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
