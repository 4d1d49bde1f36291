#!/usr/bin/env python3
"""Train a pix2pix generator on combined pairs, test it, or export it."""

import sys
from pathlib import Path

if not __package__:  # run as a script: its own folder is first on the path, not the project's
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from face2face import early, loading

if __name__ == "__main__":
    early.let_ctrl_c_end()

import argparse
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from face2face import cli, files
from pix2pix import arguments, legacy, model_folder, options
from pix2pix.options import Options

TRAIN, TEST, EXPORT = "train", "test", "export"

EXIT_STOPPED = 1
"""Exit code of a training that cannot continue: its losses are not finite, or another worker is gone."""

REQUIRED = {TRAIN: ["input_dir"], TEST: ["input_dir", "checkpoint"], EXPORT: ["checkpoint"]}
"""The options that a mode cannot do without."""

MODES_OF = {
    "input_dir": (TRAIN, TEST),
    "output_filetype": (TEST, EXPORT),
    "unpaired": (TEST,),
    "which": (TEST, EXPORT),
    "val_dir": (TRAIN,),
    "preset": (TRAIN,),
    "paper": (TRAIN,),
} | {option.name: (TRAIN,) for option in fields(Options)}
MODES_OF["aspect_ratio"] = (TRAIN, TEST)
"""The modes that use an option, for those that not all modes use."""


def train(
    opts: Options,
    input_dir: Path,
    output_dir: Path,
    start_from: Path | None = None,
    val_dir: Path | None = None,
) -> None:
    """Train, or resume the training in `output_dir`.

    Args:
        opts: The options of the training.
        input_dir: Folder of combined pairs.
        output_dir: The training folder.
        start_from: Another training folder, whose newest weights a new training begins with.
        val_dir: Folder of pairs to validate on; None: the folder `val` next to a folder `train`.

    Raises:
        UserError: If a folder is missing, or if the networks and batches do not fit this machine.
        SystemExit: If the training cannot go on, after its reason was printed.
    """
    for folder, name in ((input_dir, "--input_dir"), (start_from, "--checkpoint"), (val_dir, "--val_dir")):
        if folder is not None:
            cli.existing_dir(folder, name)
    if legacy.is_of_original(output_dir):
        raise cli.UserError(
            f"expected another --output_dir than a folder of the original trainer: {output_dir}"
        )
    resumes = start_from is not None and output_dir.is_dir() and start_from.samefile(output_dir)
    inputs = {"--input_dir": input_dir, "--checkpoint": None if resumes else start_from, "--val_dir": val_dir}
    files.check_apart({"--output_dir": output_dir}, inputs)
    loading.load_tensorflow()
    import tensorflow as tf

    from pix2pix import checkpoints, loop, training

    try:
        training.train(opts, input_dir, output_dir, start_from, val_dir)
    except loop.Stopped as stopped:
        cli.fail(str(stopped), EXIT_STOPPED)
    except (tf.errors.OpError, MemoryError) as error:
        reason = checkpoints.reason_of(error)
        raise cli.UserError(f"expected networks and batches that fit this machine, got: {reason}") from None


def test(
    input_dir: Path,
    checkpoint: Path,
    output_dir: Path,
    filetype: str = "png",
    unpaired: bool = False,
    which: str | None = None,
    aspect_ratio: float | None = None,
) -> None:
    """Generate the face of each pair of a folder and write a report.

    Args:
        input_dir: Folder of combined pairs; of drawings if `unpaired`.
        checkpoint: The training folder.
        output_dir: Where the report goes.
        filetype: Format of its pictures, png or jpeg.
        unpaired: Whether the folder holds drawings without targets.
        which: One of `options.WEIGHTS`; None: the best where there are some.
        aspect_ratio: Width by height of the pictures; None: the training's.

    Raises:
        UserError: If a folder is missing or damaged, or if a file that is not ours is in the way.
    """
    cli.existing_dir(input_dir, "--input_dir")
    opts = model_folder.read_options(checkpoint)
    if unpaired and opts.lab_colorization:
        raise cli.UserError(
            f"expected no --unpaired with a model of --lab_colorization, got it: {checkpoint}"
        )
    if aspect_ratio is not None:
        opts = replace(opts, aspect_ratio=aspect_ratio, jitter=options.CROP)  # nothing is redrawn here
    inputs = {"--input_dir": input_dir, "--checkpoint": checkpoint}
    files.check_apart({"--output_dir": output_dir}, inputs)
    loading.load_tensorflow()
    from pix2pix import dataset, inference

    pictures = dataset.find_pictures(input_dir) if unpaired else dataset.find(input_dir, opts)
    page = inference.test(opts, pictures, checkpoint, output_dir, filetype, unpaired, which)
    print(f"wrote {page}")


def export(checkpoint: Path, output_dir: Path, which: str | None = None, filetype: str = "png") -> None:
    """Write the generator as a SavedModel.

    Args:
        checkpoint: The training folder.
        output_dir: Where the SavedModel goes.
        which: As in `test`.
        filetype: Format of the faces that it returns, png or jpeg.

    Raises:
        UserError: If the training folder is missing or damaged, or if a file that is not ours is in the way.
    """
    opts = model_folder.read_options(checkpoint)
    files.check_apart({"--output_dir": output_dir}, {"--checkpoint": checkpoint})
    loading.load_tensorflow()
    from pix2pix import inference

    inference.export(opts, checkpoint, output_dir, which, filetype)
    print(f"wrote {output_dir}: a SavedModel, PNG in, {filetype.upper()} out")


def inherited_options(checkpoint: Path | None) -> dict[str, Any]:
    """The options that a training takes from the one it begins from, by name: those of networks and pairs.

    Raises:
        UserError: If the folder is missing, or is no training's.
    """
    if checkpoint is None:
        return {}
    opts = model_folder.read_options(cli.existing_dir(checkpoint, "--checkpoint"))
    return {name: getattr(opts, name) for name in (*options.NETWORK, "which_direction")}


def check_mode(args: argparse.Namespace) -> None:
    """Check that all options that the mode needs were given, and none that it does not use.

    Raises:
        UserError: If one is missing, or has no effect.
    """
    for name in REQUIRED[args.mode]:
        if getattr(args, name) is None:
            raise cli.UserError(f"--mode {args.mode} needs --{name}")
    # Beside those of `Options`, whose values may be False, an option that was left out is None or False.
    others = {name: getattr(args, name) for name in MODES_OF if name not in Options.__annotations__}
    given = {name: value for name, value in others.items() if value} | arguments.given(args)
    for name, modes in MODES_OF.items():
        if name in given and args.mode not in modes:
            switch = f"--no_{name}" if given[name] is False else f"--{name}"
            raise cli.UserError(f"expected {switch} with --mode {' or '.join(modes)}, got --mode {args.mode}")


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line.

    Args:
        argv: The arguments; None: those of the process.
    """
    parser = cli.ArgumentParser(description=__doc__)
    parser.add_argument("--mode", choices=(TRAIN, TEST, EXPORT), required=True, help="what to do")
    parser.add_argument(
        "--input_dir", type=Path, help="train, test: folder of combined pairs (needed); not for export"
    )
    parser.add_argument(
        "--output_dir",
        type=cli.checkpoint_folder,
        required=True,
        help="where the model, report or export goes",
    )
    parser.add_argument(
        "--checkpoint",
        type=cli.checkpoint_folder,
        help="test, export: a training folder; train: one whose weights a new training begins with "
        "(fine-tuning)",
    )
    parser.add_argument(
        "--output_filetype",
        choices=("png", "jpeg"),
        help="test, export: format of the generated pictures (default: png)",
    )
    parser.add_argument("--unpaired", action="store_true", help="test: --input_dir holds drawings, not pairs")
    parser.add_argument(
        "--which",
        choices=options.WEIGHTS,
        help=f"test, export: {model_folder.WHICH_HELP}",
    )
    parser.add_argument(
        "--val_dir", type=Path, help="train: folder of pairs to validate on (default: val next to train)"
    )
    arguments.add_arguments(parser)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the mode that the command line names."""
    args = parse_args(argv)
    check_mode(args)
    if args.mode == TRAIN:
        opts = arguments.to_options(args, inherited_options(args.checkpoint))
        train(opts, args.input_dir, args.output_dir, args.checkpoint, args.val_dir)
    elif args.mode == TEST:
        test(
            args.input_dir,
            args.checkpoint,
            args.output_dir,
            args.output_filetype or "png",
            args.unpaired,
            args.which,
            arguments.given(args).get("aspect_ratio"),
        )
    else:
        export(args.checkpoint, args.output_dir, args.which, args.output_filetype or "png")


if __name__ == "__main__":
    cli.run(main)
