#!/usr/bin/env python3
"""Split a folder of pairs into train/ and val/ inside it. The same command again changes nothing."""

import argparse
import random
import sys
from pathlib import Path

if not __package__:  # run as a script: its own folder is first on the path, not the project's
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from face2face import cli, sidecar
from face2face.video import image_paths, natural_order

TRAIN, VAL = "train", "val"

BLOCKS = 5
"""Validation frames are that many runs of neighbouring frames, spread over the clip."""


def split(
    folder: Path, train_fraction: float, order: str | None = None, seed: int = 0
) -> tuple[list[str], list[str]]:
    """Move the images of a folder into train/ and val/ below it; returns the names in each.

    Args:
        order: "sort" (by name: the first part trains), "shuffle", or None: blocks in time where a sidecar
            tells the frame numbers, else shuffled.
    """
    cli.existing_dir(folder, "--dir")
    # A pair that is made anew comes into the folder itself: it takes the place of the older one.
    places = [place for place in (folder / TRAIN, folder / VAL, folder) if place.is_dir()]
    where = {path.name: path for place in places for path in image_paths(place)}
    if len(where) < 2:
        raise cli.UserError(f"expected two images or more to split, got {len(where)} in {folder}")
    beside = sidecar.read(folder)
    names = sorted(where, key=natural_order)
    val_count = min(max(round(len(names) * (1 - train_fraction)), 0), len(names))
    if order is None and beside and all(name in beside.images for name in names):
        names.sort(key=lambda name: (beside.images[name].video, beside.images[name].frame))
        val = in_blocks(names, val_count)
        blocks = min(BLOCKS, val_count)
        print(f"split in time: {VAL} is {blocks} runs of neighbouring frames, none of them trained on")
    else:
        if order != "sort":
            random.Random(seed).shuffle(names)
            if beside:
                cli.warn(f"shuffled: frames of {VAL} have their neighbours in time in {TRAIN}")
        val = set(names[len(names) - val_count :])
    train = [name for name in names if name not in val]
    parts = {TRAIN: train, VAL: [name for name in names if name in val]}
    for part, members in parts.items():
        (folder / part).mkdir(exist_ok=True)
        for name in members:
            where[name].replace(folder / part / name)
            (folder / (VAL if part == TRAIN else TRAIN) / name).unlink(missing_ok=True)
        if beside:
            beside.only(members).write(folder / part)
    return parts[TRAIN], parts[VAL]


def in_blocks(names: list[str], count: int) -> set[str]:
    """`count` of the names, in up to `BLOCKS` runs of neighbours, one at the end of each part of the list."""
    blocks = min(BLOCKS, count)
    chosen: set[str] = set()
    for i in range(blocks):
        end = len(names) * (i + 1) // blocks
        length = count * (i + 1) // blocks - count * i // blocks
        chosen.update(names[end - length : end])
    return chosen


def parse_args(argv=None) -> argparse.Namespace:
    parser = cli.ArgumentParser(description=__doc__)
    parser.add_argument("--dir", type=Path, required=True, help="folder of combined pairs")
    parser.add_argument(
        "--train_frac", type=cli.fraction, default=0.8, help="share of the images to train on"
    )
    order = parser.add_mutually_exclusive_group()
    order.add_argument(
        "--sort", action="store_const", const="sort", dest="order", help="by name, first part trains"
    )
    order.add_argument("--shuffle", action="store_const", const="shuffle", dest="order", help="at random")
    parser.add_argument("--seed", type=int, default=0, help="of --shuffle")
    return parser.parse_args(argv)


def main(argv=None) -> None:
    args = parse_args(argv)
    train, val = split(args.dir, args.train_frac, args.order, args.seed)
    print(f"{len(train)} images to train on, {len(val)} to validate")


if __name__ == "__main__":
    cli.run(main)
