#!/usr/bin/env python3
"""Keep only the generator of a training checkpoint, with its batch normalisation folded into the weights.

It also reads the training folders of the original pix2pix-tensorflow. Those generators, and those of
`--paper`, keep normalising by the statistics of each picture (instance norm), as in their training.
"""

from face2face import early, frozen_graph

if __name__ == "__main__":
    early.let_ctrl_c_end()

import argparse
import re
from collections.abc import Sequence
from pathlib import Path

from face2face import cli, files
from pix2pix import legacy, options

_OURS = re.compile(
    r"checkpoint|generator-\d+\.(index|data-[\d-]+of[\d-]+)|options\.json|target\.json|plate\.png"
)
"""The files of a reduced model."""


def reduce(model_input: Path, model_output: Path, which: str | None = None) -> None:
    """Write the reduced model of a training folder, and compare the outputs of both.

    Args:
        model_input: The training folder.
        model_output: The folder of the reduced model.
        which: The weights that validated "best", or the "last"; None: the best where there are some.

    Raises:
        UserError: If the training folder is missing or damaged, or, before anything is changed, if a file
            that is not ours is in the way.
    """
    files.check_apart({"--model-output": model_output}, {"--model-input": model_input})
    of_original = legacy.is_of_original(model_input)
    opts = legacy.read_options(model_input) if of_original else options.read(model_input, options.TRAINING)
    if of_original and which == "best":
        raise cli.UserError(f"expected --which last of the original trainer's model, got best: {model_input}")
    if (model_output / options.FILE_NAME).is_file():
        options.read(model_output, options.REDUCED)
    is_ours = reduced_files(model_output)
    files.check_replaceable(model_output / options.FILE_NAME, is_ours)
    cli.load_tensorflow()
    from face2face.target import plate, target_file
    from pix2pix import checkpoints, folding, frozen, inference, networks

    inference.refuse_colours(opts, model_input)
    trained = networks.generator_of(opts, folded=of_original)
    if of_original:
        checkpoint, folded = legacy.restore_generator(trained, model_input), trained
    else:
        checkpoint = checkpoints.restore_generator(trained, model_input, which)
        folded = folding.fold(trained)
    drawing = inference.sample_drawing(model_input, opts.image_size)
    with files.whole_folder(model_output, is_ours, last=checkpoints.STATE) as unfinished:
        checkpoints.save_generator(folded, unfinished)
        options.write(unfinished, opts, options.REDUCED)
        if (target := target_file.read_target(model_input)) is not None:
            target.write(unfinished)
        plate.write_plate(unfinished, plate.read_plate(model_input, opts.image_size))
    if (model_output / frozen_graph.FILE_NAME).exists():
        cli.warn(f"{model_output / frozen_graph.FILE_NAME} is of an older model: run freeze_model.py again")

    difference = frozen.largest_difference(
        *(inference.uint8_predictor(g)(drawing) for g in (trained, folded))
    )
    before, after = (
        checkpoints.size_mb(path) for path in (checkpoint, checkpoints.newest_checkpoint(model_output))
    )
    print(f"{checkpoint}: {before:.1f} MB before, {after:.1f} MB after, in {model_output}")
    if opts.statistics == options.INSTANCE:
        print("as in 2017, each picture is normalised by its own statistics")
    print(f"largest difference between the trained and the reduced generator: {difference} of 255")


def reduced_files(folder: Path) -> files.IsOurs:
    """Find out which files of a folder belong to the reduced model in it, if there is one."""
    is_reduced = options.has_stage(folder, options.REDUCED)
    return lambda path: is_reduced and path.parent == folder.resolve() and bool(_OURS.fullmatch(path.name))


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = cli.ArgumentParser(description=__doc__)
    parser.add_argument("--model-input", type=Path, default=Path("face2face-model"), help="training folder")
    parser.add_argument(
        "--model-output",
        type=Path,
        default=Path("face2face-reduced-model"),
        help="folder of the reduced model",
    )
    parser.add_argument(
        "--which",
        choices=("best", "last"),
        help="weights that validated best, or the newest (default: best, where there are some)",
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    reduce(args.model_input, args.model_output, args.which)


if __name__ == "__main__":
    cli.run(main)
