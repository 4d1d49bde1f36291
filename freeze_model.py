#!/usr/bin/env python3
"""Freeze a reduced model to one file, frozen_model.pb, that plain TensorFlow runs."""

import argparse
from collections import Counter
from pathlib import Path

from face2face import cli
from pix2pix import options

FROZEN_FILE = "frozen_model.pb"


def freeze(model_folder: Path, half: bool = False) -> Path:
    """Write the frozen graph into the folder, reload it and compare it with the reduced model.

    Args:
        half: store the weights as float16.
    Raises: UserError if the folder holds no reduced model, or a damaged one.
    """
    opts = options.read(model_folder, options.REDUCED)
    cli.load_tensorflow()
    from face2face.generator import Generator
    from face2face.target import Target, read
    from pix2pix import checkpoints, frozen, inference, networks

    folded = networks.generator_of(opts, folded=True)
    checkpoints.restore_generator(folded, model_folder)
    graph = frozen.freeze(folded, read(model_folder) or Target(opts.image_size))
    if half:
        graph = frozen.halve(graph)
    path = model_folder / FROZEN_FILE
    with cli.whole_output(path) as unfinished:
        frozen.write(graph, unfinished)

    drawing = inference.sample_drawing(model_folder, opts.image_size)
    difference = frozen.largest_difference(inference.painter(folded)(drawing), Generator(path)(drawing))
    kinds = ", ".join(
        f"{count} {kind}" for kind, count in Counter(node.op for node in graph.node).most_common()
    )
    print(f"{len(graph.node)} operations: {kinds}")
    print(f"wrote {path}: {path.stat().st_size / 1e6:.1f} MB{', weights as float16' if half else ''}")
    print(f"largest difference between the reduced and the frozen model: {difference} of 255")
    return path


def parse_args(argv=None) -> argparse.Namespace:
    parser = cli.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--model-folder",
        type=Path,
        default=Path("face2face-reduced-model"),
        help="folder of the reduced model",
    )
    parser.add_argument("--half", action="store_true", help="store the weights as float16: half the file")
    return parser.parse_args(argv)


def main(argv=None) -> None:
    args = parse_args(argv)
    freeze(args.model_folder, args.half)


if __name__ == "__main__":
    cli.run(main)
