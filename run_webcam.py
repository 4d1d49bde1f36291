#!/usr/bin/env python3
"""Move the target's face with your own: from a webcam, a video, a stream or a folder of images."""

from face2face import early, frozen_graph

if __name__ == "__main__":
    early.let_ctrl_c_end()

import argparse
import contextlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from face2face import cli
from face2face.face.landmarks import LandmarkDetector, default_landmark_model
from face2face.face.smoothing import DEFAULT_STRENGTH
from face2face.face.tracking import Tracker
from face2face.generator import engines, generator
from face2face.generator.generator import Generator
from face2face.live import loop
from face2face.live.driver import BROWSER, SourceOptions, check_outputs
from face2face.live.outputs import DEFAULT_DEVICE, OutputOptions, open_presenter
from face2face.live.painter import NO_FACE, DrivingOptions, Painter
from face2face.live.stats import Stats
from face2face.output.controls import VIEWS
from face2face.output.page import server
from face2face.sources import cameras
from face2face.sources.base import Source

DEFAULT_MODEL = Path("face2face-reduced-model") / frozen_graph.FILE_NAME

SHIPPED_MODELS = Path(__file__).resolve().parent / "models"
"""Of these the first is taken where there is no `DEFAULT_MODEL`."""

MAX_MODELS = 9
"""Each has a key of its own: 1 to 9."""

MAX_FRAMES = 10**15
"""Of `--limit`: more than any camera takes in a user's life."""


def default_model() -> Path:
    """The tutorial's model, or one that is shipped. Raises: UserError if there is neither."""
    shipped = sorted(path for path in SHIPPED_MODELS.glob("*") if path.suffix in (".pb", ".xml"))
    for path in (DEFAULT_MODEL, *shipped):
        if path.is_file():
            return path
    raise cli.UserError(f"the frozen model not found: {DEFAULT_MODEL} (make it, or give one with --tf-model)")


def drive(
    driver: SourceOptions,
    tf_models: list[Path],
    landmark_model: Path,
    driving: DrivingOptions,
    outputs: OutputOptions,
    engine: str = generator.AUTO,
    precision: str = generator.AUTO,
    smoothing: float = DEFAULT_STRENGTH,
    limit: int | None = None,
    stats_file: Path | None = None,
) -> None:
    """Open everything, run the loop, and close everything whatever happens.

    Raises:
        UserError: if the source, a model or an output is of no use.
        Incomplete: at the end, if the source gave less than it should have, or a recording is not whole.
    """
    if limit is not None and limit > MAX_FRAMES:
        raise cli.UserError(f"expected --limit of at most {MAX_FRAMES}, got {limit}")
    if len(tf_models) > MAX_MODELS:
        raise cli.UserError(f"expected --tf-model at most {MAX_MODELS} times, got {len(tf_models)}")
    for model in tf_models:
        cli.existing_file(model, "the frozen model")
    check_outputs(driver, tf_models, landmark_model, driving, outputs, stats_file)
    measured = Stats()
    with contextlib.ExitStack() as stack:
        video = stack.enter_context(driver.open())
        painter = open_painter(video, tf_models, landmark_model, driving, engine, precision, smoothing)
        names = [f"{number} {generator.model_name(model)}" for number, model in enumerate(tf_models, 1)]
        presenter = open_presenter(stack, outputs, video, driver.path, names, painter.size)
        measured.start()
        try:
            loop.run(video, painter, measured, presenter, limit)
        finally:
            measured.stop()
            counts = f"{measured.frames} frames, {measured.frames_with_face} with a face"
            print(f"{counts}, {measured.fps:.1f} frames/s")
            if stats_file:
                measured.write(stats_file)
    for path in presenter.written:
        print(f"wrote {path}")
    if missed := [each for each in (video.shortfall, presenter.lost) if each]:
        raise cli.Incomplete("; ".join(missed))


def open_painter(
    video: Source,
    tf_models: list[Path],
    landmark_model: Path,
    driving: DrivingOptions,
    engine: str = generator.AUTO,
    precision: str = generator.AUTO,
    smoothing: float = DEFAULT_STRENGTH,
) -> Painter:
    """Load the generators, and tell what runs them. Raises: UserError if a model is of no use."""
    with ThreadPoolExecutor(1) as aside:  # the landmark model is unpacked meanwhile
        detector = aside.submit(LandmarkDetector, landmark_model)
        generators = [Generator(model, engine, precision, loop.CONCURRENCY) for model in tf_models]
        tracker = Tracker(detector.result(), smoothing)
    for model, each in zip(tf_models, generators, strict=True):
        print(f"{model} runs by {each.engine}")
        if driving.retarget and each.target.face is None:
            print(f"retargeting is off: {model} does not know its target's face")
    return Painter(tracker, generators, driving, video.name)


def parse_args(argv=None) -> argparse.Namespace:
    parser = cli.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--source",
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
        "--show",
        type=int,
        choices=range(len(VIEWS)),
        default=0,
        help="beside the face: 0 the driver, 1 the drawing, 2 the driver with his landmarks, 3 nothing",
    )
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
    add_output_arguments(parser)
    parser.add_argument(
        "--start", type=cli.non_negative_float, default=0.0, help="second of a file to begin at"
    )
    parser.add_argument("--end", type=cli.non_negative_float, help="second of a file to end at")
    parser.add_argument("--limit", type=cli.positive_int, help="end after so many frames")
    parser.add_argument("--stats", type=Path, metavar="FILE", help="write frames and times as JSON")
    return parser.parse_args(argv)


def add_output_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("where the picture goes")
    group.add_argument("--no-window", action="store_true", help="for machines without a screen")
    group.add_argument("--fullscreen", action="store_true", help="begin with the window on the full screen")
    group.add_argument("--size", type=cli.size, metavar="WxH", help="of the window (default: the pictures')")
    group.add_argument(
        "--mirror", action="store_true", help="show it as in a mirror; recorded and sent it is as it is"
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
        choices=("side-by-side", "generated"),
        default="side-by-side",
        help="of what",
    )
    group.add_argument(
        "--microphone",
        nargs="?",
        const=DEFAULT_DEVICE,
        metavar="DEVICE",
        help="record its sound with a camera's pictures; the system's own without a name",
    )
    group.add_argument(
        "--virtual-camera",
        nargs="?",
        const=DEFAULT_DEVICE,
        metavar="DEVICE",
        help="be a camera for video calls; the first free one without a name",
    )
    group.add_argument(
        "--serve",
        type=cli.port,
        nargs="?",
        const=server.DEFAULT_PORT,
        metavar="PORT",
        help=f"show it on a page of this machine, on port {server.DEFAULT_PORT} or another",
    )
    group.add_argument(
        "--serve-host", default=server.DEFAULT_HOST, metavar="ADDRESS", help="another address for the page"
    )
    group.add_argument("--serve-token", metavar="SECRET", help="what all who ask for the page have to know")


def main(argv=None) -> None:
    args = parse_args(argv)
    if args.list_cameras:
        print(cameras.table(cameras.list_cameras()))
        return
    serves = args.serve is None and args.source == BROWSER
    outputs = OutputOptions(
        view=VIEWS[args.show],
        mirror=args.mirror,
        label=args.label,
        window=not args.no_window,
        fullscreen=args.fullscreen,
        size=args.size,
        record=args.record,
        record_generated_only=args.record_view == "generated",
        microphone=args.microphone,
        virtual_camera=args.virtual_camera,
        serve=server.DEFAULT_PORT if serves else args.serve,
        serve_host=args.serve_host,
        serve_token=args.serve_token,
    )
    drive(
        SourceOptions(args.source, args.start, args.end, args.camera_size, args.camera_fps),
        args.tf_model or [default_model()],
        args.landmark_model,
        DrivingOptions(args.retarget == "on", args.calibration, args.hold, args.no_face),
        outputs,
        engine=args.engine,
        precision=args.precision,
        smoothing=args.smoothing,
        limit=args.limit,
        stats_file=args.stats,
    )


if __name__ == "__main__":
    cli.run(main)
