#!/usr/bin/env python3
"""Train a pix2pix generator on combined pairs, test it, or export it."""

import sys
from pathlib import Path

if not __package__:  # run as a script: its own folder is first on the path, not the project's
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from face2face import early

if __name__ == "__main__":
    early.let_ctrl_c_end()

import argparse
from dataclasses import replace

from face2face import cli, files
from pix2pix import options

EXIT_STOPPED = 1
"""Of a training that cannot go on: what it computes are no numbers, or another machine is gone."""


def train(args: argparse.Namespace) -> int:
    cli.existing_dir(require(args, "input_dir"), "--input_dir")
    opts = options.from_args(args)
    start_from = cli.existing_dir(args.checkpoint, "--checkpoint") if args.checkpoint else None
    val_dir = cli.existing_dir(args.val_dir, "--val_dir") if args.val_dir else None
    goes_on = start_from is not None and args.output_dir.is_dir() and start_from.samefile(args.output_dir)
    check_apart(args, {"--checkpoint": None if goes_on else start_from, "--val_dir": val_dir})
    cli.load_tensorflow()
    import tensorflow as tf

    from pix2pix import checkpoints, loop, training

    try:
        training.train(opts, args.input_dir, args.output_dir, start_from, val_dir)
    except loop.Stopped as stopped:
        print(f"error: {stopped}", file=sys.stderr)
        return EXIT_STOPPED
    except (tf.errors.OpError, MemoryError) as error:
        reason = checkpoints.reason_of(error)
        raise cli.UserError(f"expected networks and batches that fit this machine, got: {reason}") from None
    sys.stdout.flush()  # a reader that has gone is noticed here, not when Python ends
    return 0


def test(args: argparse.Namespace) -> None:
    input_dir = cli.existing_dir(require(args, "input_dir"), "--input_dir")
    opts = options.read(require(args, "checkpoint"), options.TRAINING)
    if "aspect_ratio" in options.given(args):
        opts = replace(opts, aspect_ratio=args.aspect_ratio)
    check_apart(args, {"--checkpoint": args.checkpoint})
    cli.load_tensorflow()
    from pix2pix import dataset, inference

    pictures = dataset.find_pictures(input_dir) if args.unpaired else dataset.find(input_dir, opts)
    page = inference.test(
        opts, pictures, args.checkpoint, args.output_dir, args.output_filetype, args.unpaired, args.which
    )
    print(f"wrote {page}")


def export(args: argparse.Namespace) -> None:
    opts = options.read(require(args, "checkpoint"), options.TRAINING)
    check_apart(args, {"--checkpoint": args.checkpoint})
    cli.load_tensorflow()
    from pix2pix import inference

    inference.export(opts, args.checkpoint, args.output_dir, args.which)
    print(f"wrote {args.output_dir}: a SavedModel, PNG in, PNG out")


def check_apart(args: argparse.Namespace, others: dict[str, Path | None]) -> None:
    """Raises: UserError if what is written would destroy what is read."""
    files.check_apart({"--output_dir": args.output_dir}, {"--input_dir": args.input_dir, **others})


def require(args: argparse.Namespace, name: str) -> Path:
    value = getattr(args, name)
    if value is None:
        raise cli.UserError(f"--mode {args.mode} needs --{name}")
    return value


def parse_args(argv=None) -> argparse.Namespace:
    parser = cli.ArgumentParser(description=__doc__)
    parser.add_argument("--mode", choices=("train", "test", "export"), required=True)
    parser.add_argument("--input_dir", type=Path, help="train, test: folder of combined pairs")
    parser.add_argument(
        "--output_dir", type=Path, required=True, help="where the model, report or export goes"
    )
    parser.add_argument(
        "--checkpoint", type=Path, help="test, export: a training folder; train: one to begin from, not anew"
    )
    parser.add_argument(
        "--output_filetype", choices=("png", "jpeg"), default="png", help="test: format of the pictures"
    )
    parser.add_argument("--unpaired", action="store_true", help="test: --input_dir holds drawings, not pairs")
    parser.add_argument(
        "--which",
        choices=("best", "last"),
        help="test, export: weights that validated best, or the newest (default: best, where there are some)",
    )
    parser.add_argument(
        "--val_dir", type=Path, help="train: pairs to validate on (default: the val beside a train)"
    )
    options.add_arguments(parser)
    return parser.parse_args(argv)


def main(argv=None) -> int | None:
    args = parse_args(argv)
    return {"train": train, "test": test, "export": export}[args.mode](args)


if __name__ == "__main__":
    cli.run(main)
