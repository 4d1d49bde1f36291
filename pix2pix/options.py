"""The trainer's options: one frozen dataclass, its command-line arguments, and `options.json`."""

import argparse
import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from face2face import cli
from face2face.framing import MODEL_SIZE
from face2face.landmarks import ORIGINAL_DRAWING

FILE_NAME = "options.json"
FORMAT_VERSION = 1

TRAINING, REDUCED = "training", "reduced"
"""The stages of a model's folder."""


def _option(default, type=None, choices=None, shapes_weights=False, help=""):
    metadata = {"type": type, "choices": choices, "help": help, "shapes_weights": shapes_weights}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Options:
    """What a training depends on. Names and defaults are those of the original trainer."""

    which_direction: str = _option(
        "AtoB",
        choices=("AtoB", "BtoA"),
        shapes_weights=True,
        help="which half of a pair is read: A is the left",
    )
    image_size: int = field(default=MODEL_SIZE, metadata={"shapes_weights": True})
    drawing: str = field(default=ORIGINAL_DRAWING, metadata={"shapes_weights": True})
    ngf: int = _option(64, cli.positive_int, shapes_weights=True, help="generator filters in the first layer")
    ndf: int = _option(
        64, cli.positive_int, shapes_weights=True, help="discriminator filters in the first layer"
    )
    batch_size: int = _option(1, cli.positive_int, help="pairs per step")
    scale_size: int = _option(
        286, cli.positive_int, help="jitter: scale pairs to this before a random crop to 256"
    )
    flip: bool = _option(True, help="jitter: mirror pairs at random")
    jitter: str = _option(
        "crop",
        choices=("crop", "redraw"),
        help="crop: scale pairs up and crop; redraw: move the face and draw its landmarks anew",
    )
    lr: float = _option(0.0002, cli.non_negative_float, help="Adam's learning rate")
    lr_decay: float = _option(
        0.0, cli.fraction, help="share of the training, its last, in which lr falls to 0"
    )
    ema: bool = _option(False, help="keep a moving average of the generator's weights, and export that")
    beta1: float = _option(0.5, cli.fraction, help="Adam's momentum")
    l1_weight: float = _option(100.0, cli.non_negative_float, help="weight of the generator's L1 loss")
    gan_weight: float = _option(1.0, cli.non_negative_float, help="weight of the generator's GAN loss")
    gan_loss: str = _option(
        "vanilla", choices=("vanilla", "lsgan", "hinge"), help="what the discriminator's logits are judged by"
    )
    feature_matching: float = _option(
        0.0, cli.non_negative_float, help="weight of the generator's L1 loss on the discriminator's maps"
    )
    precision: str = _option(
        "float32",
        choices=("float32", "mixed_bfloat16", "mixed_float16", "auto"),
        help="of the networks' products while training; auto: what this machine computes fastest",
    )
    seed: int | None = _option(None, int, help="of everything random (default: chosen, and saved)")
    max_epochs: int | None = _option(None, cli.positive_int, help="how often to go through the pairs")
    max_steps: int | None = _option(
        None, cli.positive_int, help="how many steps to train, whatever the epochs"
    )
    summary_freq: int = _option(
        100, cli.non_negative_int, help="steps between TensorBoard summaries, 0: none"
    )
    progress_freq: int = _option(50, cli.positive_int, help="steps between lines of progress in a log")
    display_freq: int = _option(
        0, cli.non_negative_int, help="steps between pictures of the training in index.html, 0: none"
    )
    save_freq: int = _option(5000, cli.positive_int, help="steps between checkpoints")

    def __post_init__(self):
        if self.scale_size < self.image_size:
            raise cli.UserError(f"expected --scale_size of {self.image_size} or more, got {self.scale_size}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One argument per option that can be chosen, with its default."""
    for option in fields(Options):
        if "help" not in option.metadata:
            continue
        name, settings = f"--{option.name}", {"default": option.default, "help": option.metadata["help"]}
        if isinstance(option.default, bool):
            parser.add_argument(name, action="store_true", **settings)
            parser.add_argument(
                f"--no_{option.name}", action="store_false", dest=option.name, help="the opposite"
            )
        else:
            for key in ("type", "choices"):
                if option.metadata[key]:
                    settings[key] = option.metadata[key]
            parser.add_argument(name, **settings)


def from_args(args: argparse.Namespace) -> Options:
    return Options(**{o.name: getattr(args, o.name) for o in fields(Options) if hasattr(args, o.name)})


def write(folder: Path, options: Options, stage: str) -> None:
    content = {"format_version": FORMAT_VERSION, "stage": stage, **asdict(options)}
    with cli.whole_output(folder / FILE_NAME) as path:
        path.write_text(json.dumps(content, indent=2) + "\n")


def read(folder: Path, stage: str) -> Options:
    """The options that a model's folder was made with.

    Raises: UserError if the folder is of another stage, of an unknown version, or is no model's.
    """
    path = cli.existing_dir(folder, f"a {stage} model") / FILE_NAME
    if not path.is_file():
        raise cli.UserError(f"expected a {stage} model's folder, got one without {FILE_NAME}: {folder}")
    try:
        content = json.loads(path.read_text())
        version, found = content.pop("format_version"), content.pop("stage")
    except (ValueError, KeyError, TypeError, AttributeError):
        raise cli.UserError(f"damaged, or not written by this trainer: {path}") from None
    if version != FORMAT_VERSION:
        raise cli.UserError(f"{path}: expected format version {FORMAT_VERSION}, got {version}")
    if found != stage:
        remedy = "run reduce_model.py first" if found == TRAINING else "give the training folder"
        raise cli.UserError(f"expected a {stage} model, got a {found} one ({remedy}): {folder}")
    try:
        return Options(**content)
    except TypeError as error:
        raise cli.UserError(f"{path}: damaged, or of another version of this trainer ({error})") from None


def conflicts(saved: Options, given: Options) -> list[str]:
    """The options that cannot change when a training goes on, and do."""
    return [
        f"--{option.name} {getattr(saved, option.name)} then, {getattr(given, option.name)} now"
        for option in fields(Options)
        if option.metadata["shapes_weights"] and getattr(saved, option.name) != getattr(given, option.name)
    ]
