#!/usr/bin/env python3
"""Train a pix2pix generator on combined pairs, test it, or export it."""

import argparse
import sys
from pathlib import Path

if not __package__:  # run as a script: its own folder is first on the path, not the project's
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from face2face import cli
from pix2pix import options


def train(args: argparse.Namespace) -> None:
    cli.existing_dir(require(args, "input_dir"), "--input_dir")
    opts = options.from_args(args)
    start_from = cli.existing_dir(args.checkpoint, "--checkpoint") if args.checkpoint else None
    cli.load_tensorflow()
    from pix2pix import trainer

    trainer.train(opts, args.input_dir, args.output_dir, start_from)


def test(args: argparse.Namespace) -> None:
    input_dir = cli.existing_dir(require(args, "input_dir"), "--input_dir")
    opts = options.read(require(args, "checkpoint"), options.TRAINING)
    cli.load_tensorflow()
    from pix2pix import dataset, inference

    pictures = dataset.find_pictures(input_dir) if args.unpaired else dataset.find_pairs(input_dir)
    page = inference.test(
        opts, pictures, args.checkpoint, args.output_dir, args.output_filetype, args.unpaired
    )
    print(f"wrote {page}")


def export(args: argparse.Namespace) -> None:
    opts = options.read(require(args, "checkpoint"), options.TRAINING)
    cli.load_tensorflow()
    from pix2pix import inference

    inference.export(opts, args.checkpoint, args.output_dir)
    print(f"wrote {args.output_dir}: a SavedModel, PNG in, PNG out")


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
    options.add_arguments(parser.add_argument_group("training"))
    return parser.parse_args(argv)


def main(argv=None) -> None:
    args = parse_args(argv)
    {"train": train, "test": test, "export": export}[args.mode](args)


if __name__ == "__main__":
    cli.run(main)
