#!/usr/bin/env python3
"""Move the target's face with your own: from a webcam, a video, a stream or a folder of images."""

from face2face import early, frozen_graph

if __name__ == "__main__":
    early.let_ctrl_c_end()

import argparse
import sys
from pathlib import Path

from face2face import cli
from face2face.face.landmarks import default_landmark_model
from face2face.generator import engines, generator
from face2face.live import options
from face2face.live.drive import drive
from face2face.live.options import (
    ANY_DEVICE,
    BROWSER,
    DrivingOptions,
    ModelOptions,
    OutputOptions,
    RunOptions,
    SourceOptions,
)
from face2face.output.controls import MAX_GAIN, VIEWS, gain_argument
from face2face.output.page import access
from face2face.sources import cameras

DEFAULT_MODEL = Path("face2face-reduced-model") / frozen_graph.FILE_NAME

SHIPPED_MODELS = Path(__file__).resolve().parent / "models"
"""The first model of this folder is taken where there is no `DEFAULT_MODEL`."""


def default_model() -> Path:
    """Find the tutorial's model, or one that is shipped.

    Raises:
        UserError: If there is neither.
    """
    shipped = sorted(path for path in SHIPPED_MODELS.glob("*") if path.suffix in (".pb", ".xml"))
    for path in (DEFAULT_MODEL, *shipped):
        if path.is_file():
            return path
    raise cli.UserError(f"the frozen model not found: {DEFAULT_MODEL} (make it, or give one with --tf-model)")


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = cli.ArgumentParser(description=__doc__)
    add_source_arguments(parser)
    add_model_arguments(parser)
    add_driving_arguments(parser)
    add_output_arguments(parser)
    parser.add_argument("--limit", type=cli.positive_int, help="end after so many frames")
    parser.add_argument("--stats", type=Path, metavar="FILE", help="write frames and times as JSON")
    args = parser.parse_args(argv)
    given = sys.argv[1:] if argv is None else list(argv)
    if args.list_cameras and given != ["--list-cameras"]:
        parser.error("--list-cameras ends at once: expected no other option with it")
    return args


def add_source_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that say what the driver's frames are read from."""
    parser.add_argument(
        "--source",
        "-src",
        default="0",
        help="the driver: camera number, video file, stream's address, folder of images; "
        f"'{BROWSER}' for the camera of the browser that opens the page (see --serve)",
    )
    parser.add_argument("--list-cameras", action="store_true", help="name the cameras, and end")
    parser.add_argument(
        "--camera-size", type=cli.size, metavar="WxH", help="size of a camera's pictures (default: its own)"
    )
    parser.add_argument(
        "--camera-fps", type=cli.positive_float, help="frames per second of a camera (default: its own)"
    )
    parser.add_argument(
        "--start",
        type=cli.non_negative_float,
        default=SourceOptions.start,
        help="second of a file to begin at",
    )
    parser.add_argument("--end", type=cli.non_negative_float, help="second of a file to end at")
    parser.add_argument(
        "--pace",
        action="store_true",
        help="play a file in real time, as a camera: where the loop is late, frames are dropped",
    )


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which models are loaded, and what runs them."""
    parser.add_argument(
        "--landmark-model", type=Path, default=default_landmark_model(), help="dlib's 68-point model"
    )
    parser.add_argument(
        "--tf-model",
        type=Path,
        action="append",
        metavar="FILE",
        help=f"frozen generator, .pb or .xml (default: {DEFAULT_MODEL}, or the one that is shipped); "
        "given again, another one: the keys 1 to 9 switch between them",
    )
    parser.add_argument(
        "--engine",
        choices=(generator.AUTO, *engines.ENGINES),
        default=ModelOptions.engine,
        help="what runs it; auto: OpenVINO, but TensorFlow where it sees a GPU",
    )
    parser.add_argument(
        "--precision",
        choices=(generator.AUTO, *engines.PRECISIONS),
        default=ModelOptions.precision,
        help="number format it calculates in; auto: the fastest whose faces are near those of float32, "
        "measured once",
    )


def add_driving_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how the driver's face moves the target's."""
    parser.add_argument(
        "--retarget",
        choices=("on", "off"),
        default="on",
        help="transfer your motion to the target's face, or draw your face where it is, as the original did",
    )
    parser.add_argument(
        "--calibration",
        type=Path,
        metavar="FILE",
        help="your face at rest: read if the file is there, else learned and written",
    )
    parser.add_argument(
        "--expression",
        type=gain_argument,
        default=DrivingOptions.expression,
        metavar="X",
        help=f"how much of your expression is carried, 0 to {MAX_GAIN:g}; the keys [ and ] change it",
    )
    parser.add_argument(
        "--head",
        type=gain_argument,
        default=DrivingOptions.head,
        metavar="X",
        help=f"how much of your head's motion is carried, 0 to {MAX_GAIN:g}; the keys , and . change it",
    )
    parser.add_argument(
        "--no-gaze",
        action="store_true",
        help="do not carry your gaze and winks: a target that was trained with irises looks as at rest",
    )
    parser.add_argument(
        "--smoothing",
        type=cli.fraction,
        default=DrivingOptions.smoothing,
        help="0: landmarks as they are, 1: steadiest",
    )
    parser.add_argument(
        "--hold",
        type=cli.non_negative_float,
        help="seconds for which the last face stays when none is found; then --no-face passthrough or blank "
        f"(default: {options.DEFAULT_HOLD_SECONDS})",
    )
    parser.add_argument(
        "--no-face",
        choices=options.NO_FACE,
        default=DrivingOptions.no_face,
        help="what is shown while no face is found: the last face; "
        "or, after --hold seconds, the driver, or black",
    )


def add_output_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that say where the pictures go."""
    group = parser.add_argument_group("where the picture goes")
    group.add_argument(
        "--show",
        type=int,
        choices=range(len(VIEWS)),
        help="beside the face: 0 the driver, 1 the drawing, 2 the driver with his landmarks, 3 nothing "
        "(default: 0)",
    )
    group.add_argument("--no-window", action="store_true", help="for machines without a screen")
    group.add_argument("--fullscreen", action="store_true", help="begin with the window on the full screen")
    group.add_argument(
        "--size", type=cli.size, metavar="WxH", help="size of the window (default: the pictures')"
    )
    group.add_argument(
        "--mirror",
        action="store_true",
        help="mirror the window and the page; recordings and the virtual camera are not mirrored",
    )
    group.add_argument("--label", action="store_true", help="write 'AI-generated' on the face, everywhere")
    group.add_argument(
        "--record",
        type=Path,
        metavar="FILE_OR_FOLDER",
        help="write a video (.mp4, .mkv, .mov, .webm, .gif) with its source's sound, or PNGs to a folder; "
        "an earlier recording is replaced, no other file",
    )
    group.add_argument(
        "--record-view",
        choices=options.RECORD_VIEWS,
        help=f"what recordings show (default: {options.RECORD_VIEWS[0]})",
    )
    group.add_argument(
        "--microphone",
        nargs="?",
        const=ANY_DEVICE,
        metavar="DEVICE",
        help="record its sound with a camera's pictures; the system's own without a name",
    )
    group.add_argument(
        "--delay-microphone",
        metavar="OUTPUT",
        help="for calls: play the microphone (the one of --microphone, or the system's own) as late as the "
        "pictures are, to this output, a virtual cable",
    )
    group.add_argument(
        "--virtual-camera",
        nargs="?",
        const=ANY_DEVICE,
        metavar="DEVICE",
        help="be a camera for video calls; the first free one without a name",
    )
    group.add_argument(
        "--serve",
        type=cli.port,
        nargs="?",
        const=access.DEFAULT_PORT,
        metavar="PORT",
        help=f"show it on a page of this machine, on port {access.DEFAULT_PORT} or another",
    )
    group.add_argument(
        "--serve-host",
        default=OutputOptions.serve_host,
        metavar="ADDRESS",
        help="another address for the page",
    )
    group.add_argument("--serve-token", metavar="SECRET", help="what all who ask for the page have to know")


def run_options(args: argparse.Namespace) -> RunOptions:
    """Build the tree of options from the command line.

    Raises:
        UserError: If options contradict each other, or one of them would have no effect.
    """
    needs_page = args.serve is None and args.source == BROWSER
    return RunOptions(
        SourceOptions(args.source, args.start, args.end, args.camera_size, args.camera_fps, args.pace),
        ModelOptions(
            tuple(args.tf_model or [default_model()]), args.landmark_model, args.engine, args.precision
        ),
        DrivingOptions(
            retarget=args.retarget == "on",
            calibration_file=args.calibration,
            smoothing=args.smoothing,
            hold_seconds=args.hold,
            no_face=args.no_face,
            expression=args.expression,
            head=args.head,
            gaze=not args.no_gaze,
        ),
        OutputOptions(
            view=None if args.show is None else VIEWS[args.show],
            mirror=args.mirror,
            label=args.label,
            window=not args.no_window,
            fullscreen=args.fullscreen,
            size=args.size,
            record=args.record,
            record_view=args.record_view,
            microphone=args.microphone,
            delay_microphone=args.delay_microphone,
            virtual_camera=args.virtual_camera,
            serve=access.DEFAULT_PORT if needs_page else args.serve,
            serve_host=args.serve_host,
            serve_token=args.serve_token,
        ),
        args.limit,
        args.stats,
    )


def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    if args.list_cameras:
        print(cameras.table())
        return
    drive(run_options(args))


if __name__ == "__main__":
    cli.run(main)
