"""The options of a training as command-line arguments, and sets of them: presets and the paper's settings."""

import argparse
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from face2face import cli
from pix2pix.options import CROP, MOVING, OF_REDRAW, PAPER, REDRAW, Options, default_scale_size

PRESETS = {
    # 2,000 steps leave specks in hair and background if the face weighs more (`face_weight`), and lines if
    # lines are not penalised (`artefact_weight`); 10,000 steps left neither with the defaults. Eyes of other
    # frames (`recombine`) bring no gain in so few steps.
    "quick": {
        "max_steps": 2000,
        "save_freq": 250,
        "val_freq": 500,
        "recombine": 0.0,
        "face_weight": 0.0,
        "artefact_weight": 60.0,
    },
    "standard": {"max_steps": 10_000, "save_freq": 1000},
    "quality": {"ngf": 64, "ndf": 64, "max_steps": 80_000, "save_freq": 2000, "val_freq": 2000},
}
"""Options of each `--preset` that differ from the defaults."""


class _Given(argparse.Action):
    """Stores an option's value, and in `namespace.given` that the user gave it: presets do not change it."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        value = self.const if self.nargs == 0 else values
        setattr(namespace, self.dest, value)
        namespace.given = given(namespace) | {self.dest: value}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add `--preset`, `--paper` and one argument for each option of `Options` that has a help text."""
    sets = parser.add_argument_group("train: sets of options; an option given as well takes precedence")
    either = sets.add_mutually_exclusive_group()
    either.add_argument(
        "--preset", choices=tuple(PRESETS), help="for minutes, half an hour, or a night without a GPU"
    )
    either.add_argument("--paper", action="store_true", help="as in 2017: Isola et al., arXiv 1611.07004")
    group = parser.add_argument_group("train: options of the training")
    for option in fields(Options):
        if not option.metadata["help"]:
            continue  # derived from the pairs, not chosen by the user
        name, settings = f"--{option.name}", {"action": _Given, "default": option.default}
        help_text = option.metadata["help"]
        if isinstance(option.default, bool):
            group.add_argument(name, nargs=0, const=True, help=help_text, **settings)
            group.add_argument(
                f"--no_{option.name}", dest=option.name, nargs=0, const=False, help="the opposite", **settings
            )
        else:
            if choices := option.metadata["choices"]:
                settings |= {"choices": choices, "type": type(choices[0])}
            else:
                settings["type"] = option.metadata["type"]
            group.add_argument(name, help=help_text, **settings)


def given(args: argparse.Namespace) -> dict[str, Any]:
    """The options of `Options` that the user gave, by name."""
    return getattr(args, "given", {})


def to_options(args: argparse.Namespace, inherited: dict[str, Any] | None = None) -> Options:
    """Combine the defaults, a preset or `--paper`, and the options that the user gave, in this order.

    Args:
        args: The parsed command line.
        inherited: Options of the training that a fine-tuning begins from. They count more than a preset, and
            less than what the user gave.

    Raises:
        UserError: If options contradict each other.
    """
    preset = PAPER if args.paper else PRESETS.get(args.preset, {})
    chosen = {**preset, **(inherited or {}), **given(args)}
    if "max_epochs" in given(args) and "max_steps" not in given(args):
        chosen["max_steps"] = None  # the user's epochs replace the preset's steps
    if chosen.get("separable_conv"):
        chosen.setdefault("statistics", MOVING)  # separable convolutions have no norm-free form here
    if "scale_size" not in chosen:
        chosen["scale_size"] = default_scale_size(chosen.get("image_size", Options.image_size))
    elif chosen.get("jitter") == REDRAW:
        raise cli.UserError(f"expected --scale_size with --jitter crop, got it with --jitter {REDRAW}")
    of_redraw = [name for name in OF_REDRAW if name in given(args)]
    if of_redraw and chosen.get("jitter") == CROP:
        raise cli.UserError(f"expected --{of_redraw[0]} with --jitter {REDRAW}, got it with --jitter {CROP}")
    return Options(**chosen)
