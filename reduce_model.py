#!/usr/bin/env python3
"""Keep of a training checkpoint the generator alone, with its batch normalisation folded into the weights.

It also reads the training folders of the original pix2pix-tensorflow, whose generators keep the statistics of
each picture, as they were trained with.
"""

import argparse
import shutil
from pathlib import Path

from face2face import cli
from pix2pix import legacy, options


def reduce(model_input: Path, model_output: Path, which: str | None = None) -> None:
    """Write the reduced model of a training folder, and compare what both paint.

    Args:
        which: the weights that validated `best`, or the `last`; None: the best where there are some.
    Raises: UserError if the folder is no training's, or is damaged, or if `model_output` holds something
        else than an older reduced model, which would be lost.
    """
    of_original = legacy.is_of_original(model_input)
    opts = legacy.read_options(model_input) if of_original else options.read(model_input, options.TRAINING)
    if of_original and which == "best":
        raise cli.UserError(f"expected --which last of the original trainer's model, got best: {model_input}")
    if model_input.resolve() == model_output.resolve():
        raise cli.UserError(
            f"expected another folder as --model-output than --model-input, got {model_output} twice"
        )
    if model_output.is_dir() and any(model_output.iterdir()):
        options.read(model_output, options.REDUCED)
    cli.load_tensorflow()
    from face2face import target
    from pix2pix import checkpoints, frozen, inference, networks

    inference.refuse_colours(opts, model_input)
    trained = networks.generator_of(opts, folded=of_original)
    if of_original:
        checkpoint, folded = legacy.restore_generator(trained, model_input), trained
    else:
        checkpoint = checkpoints.restore_generator(trained, model_input, which)
        folded = networks.fold(trained)
    drawing = inference.sample_drawing(model_input, opts.image_size)
    with cli.whole_output(model_output) as unfinished:
        unfinished.mkdir()
        checkpoints.save_generator(folded, unfinished)
        options.write(unfinished, opts, options.REDUCED)
        if (model_input / target.FILE_NAME).is_file():
            shutil.copy(model_input / target.FILE_NAME, unfinished)

    difference = frozen.largest_difference(*(inference.painter(g)(drawing) for g in (trained, folded)))
    before, after = (checkpoints.size_mb(path) for path in (checkpoint, checkpoints.newest(model_output)))
    print(f"{checkpoint}: {before:.1f} MB before, {after:.1f} MB after, in {model_output}")
    if of_original:
        print("a model of the original trainer: each picture is normalised by its own statistics")
    print(f"largest difference between the trained and the reduced generator: {difference} of 255")


def parse_args(argv=None) -> argparse.Namespace:
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


def main(argv=None) -> None:
    args = parse_args(argv)
    reduce(args.model_input, args.model_output, args.which)


if __name__ == "__main__":
    cli.run(main)
