#!/usr/bin/env python3
"""Keep of a training checkpoint the generator alone, with its batch normalisation folded into the weights."""

import argparse
import shutil
from pathlib import Path

from face2face import cli
from pix2pix import options


def reduce(model_input: Path, model_output: Path) -> None:
    """Write the reduced model of a training folder, and compare what both paint.

    Raises: UserError if the folder is no training's, or is damaged, or if `model_output` holds something
        else than an older reduced model, which would be lost.
    """
    opts = options.read(model_input, options.TRAINING)
    if model_input.resolve() == model_output.resolve():
        raise cli.UserError(
            f"expected another folder as --model-output than --model-input, got {model_output} twice"
        )
    if model_output.is_dir() and any(model_output.iterdir()):
        options.read(model_output, options.REDUCED)
    cli.load_tensorflow()
    from face2face import target
    from pix2pix import checkpoints, frozen, inference, networks

    trained = networks.generator(opts.image_size, opts.ngf)
    checkpoint = checkpoints.restore_generator(trained, model_input)
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
    return parser.parse_args(argv)


def main(argv=None) -> None:
    args = parse_args(argv)
    reduce(args.model_input, args.model_output)


if __name__ == "__main__":
    cli.run(main)
