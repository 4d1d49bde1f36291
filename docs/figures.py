#!/usr/bin/env python3
"""Draw the figures of the READMEs that explain pix2pix, from real pairs and a trained model."""

import argparse
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if not __package__:  # run as a script: its own folder is first on the path, not the project's
    sys.path[0] = str(ROOT)

from face2face import cli, loading


def drawings() -> dict[str, Callable]:
    """What draws each figure of a scene, by the file's name, in the READMEs' order."""
    from docs import figure_networks, figure_training

    return {
        "1-pairs": figure_training.pairs,
        "2-generator-learns": figure_training.what_the_generator_learns,
        "3-discriminator-sees": figure_training.what_the_discriminator_sees,
        "4-encoder-decoder": figure_networks.encoder_decoder,
        "5-blocks": figure_networks.inside_the_blocks,
        "6-u-net": figure_networks.u_net,
        "7-patches": figure_networks.patches,
        "8-discriminator-step": figure_training.discriminator_step,
        "9-generator-step": figure_training.generator_step,
    }


def draw_all(pairs: Path, model: Path, output_dir: Path) -> None:
    """Write the nine figures into a folder. Raises: UserError as `figure_data.load` does."""
    from docs import figure_data

    scene = figure_data.load(pairs, model)
    for name, draw in drawings().items():
        path = output_dir / f"{name}.png"
        draw(scene).save(path)
        print(f"{path} ({path.stat().st_size / 1000:.0f} kB)")


def parse_args(argv=None) -> argparse.Namespace:
    parser = cli.ArgumentParser(description=__doc__)
    demo = ROOT / "demo"
    parser.add_argument(
        "--pairs", type=Path, default=demo / "photos/combined/train", help="folder of training pairs"
    )
    parser.add_argument(
        "--model", type=Path, default=demo / "face2face-model", help="training folder of their model"
    )
    parser.add_argument("--output-dir", type=Path, default=ROOT / "docs/figures", help="for the figures")
    return parser.parse_args(argv)


def main(argv=None) -> None:
    args = parse_args(argv)
    cli.existing_dir(args.pairs, "--pairs")
    cli.existing_dir(args.model, "--model")
    if importlib.util.find_spec("matplotlib") is None:
        raise cli.UserError("the figures need matplotlib: python -m pip install -r requirements-dev.txt")
    loading.load_tensorflow()
    draw_all(args.pairs, args.model, args.output_dir)


if __name__ == "__main__":
    cli.run(main)
