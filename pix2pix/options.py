"""The trainer's options: one frozen dataclass, its command-line arguments, and `options.json`."""

import argparse
import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from face2face import cli
from face2face.drawing import ORIGINAL_DRAWING
from face2face.framing import MODEL_SIZE

FILE_NAME = "options.json"
FORMAT_VERSION = 1

TRAINING, REDUCED = "training", "reduced"
"""The stages of a model's folder."""

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16", "auto")

CROP, REDRAW = "crop", "redraw"
"""Kinds of jitter."""

MOVING, PICTURE = "moving", "picture"
"""What a generator is normalised by when it paints: averages from training, or each picture's own
statistics, as the original trainer's are."""


def _ratio(text: str) -> float:
    if not (value := cli.non_negative_float(text)):
        raise argparse.ArgumentTypeError(f"expected a number above 0, got '{text}'")
    return value


def _option(default, type=None, choices=None, shapes_weights=False, help=""):
    metadata = {"type": type, "choices": choices, "help": help, "shapes_weights": shapes_weights}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Options:
    """What a training depends on. Names are those of the original trainer, whose values are `PAPER`; the
    defaults are what makes a better face sooner (benchmarks/time_to_quality.py)."""

    which_direction: str = _option(
        "AtoB",
        choices=("AtoB", "BtoA"),
        shapes_weights=True,
        help="which half of a pair is read: A is the left",
    )
    image_size: int = _option(
        MODEL_SIZE, int, choices=(256, 512), shapes_weights=True, help="side of what the generator paints"
    )
    drawing: str = field(default=ORIGINAL_DRAWING, metadata={"shapes_weights": True})
    statistics: str = field(default=MOVING, metadata={"shapes_weights": True})
    ngf: int = _option(32, cli.positive_int, shapes_weights=True, help="generator filters in the first layer")
    ndf: int = _option(
        32, cli.positive_int, shapes_weights=True, help="discriminator filters in the first layer"
    )
    separable_conv: bool = _option(
        False, shapes_weights=True, help="separable convolutions in the generator: fewer weights and products"
    )
    lab_colorization: bool = _option(
        False, shapes_weights=True, help="learn colours: --input_dir holds pictures, whose A is the lightness"
    )
    aspect_ratio: float = _option(
        1.0, _ratio, help="width by height of the pictures, which are squeezed to squares"
    )
    batch_size: int = _option(1, cli.positive_int, help="pairs per step, of all devices together")
    scale_size: int = _option(
        286,
        cli.positive_int,
        help="jitter: scale pairs to this before a random crop to 256; twice that for 512",
    )
    flip: bool = _option(False, help="jitter: mirror pairs at random")
    jitter: str = _option(
        "auto",
        choices=("auto", CROP, REDRAW),
        help="crop: scale pairs up and crop; redraw: move the face and draw its landmarks anew; "
        "auto: redraw where the pairs have landmarks",
    )
    lr: float = _option(0.0002, cli.non_negative_float, help="Adam's learning rate")
    lr_decay: float = _option(
        0.5, cli.fraction, help="share of the training, its last, in which lr falls to 0"
    )
    ema: bool = _option(True, help="keep a moving average of the generator's weights, and export that")
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
        "auto",
        choices=PRECISIONS,
        help="of the networks' products while training; auto: what this machine computes fastest",
    )
    strategy: str = _option(
        "auto",
        choices=("auto", "none", "mirrored", "multi-worker"),
        help="which devices: one; all GPUs of this machine; the machines that TF_CONFIG names; what there is",
    )
    seed: int | None = _option(None, int, help="of everything random (default: chosen, and saved)")
    max_epochs: int | None = _option(None, cli.positive_int, help="how often to go through the pairs")
    max_steps: int | None = _option(
        None, cli.non_negative_int, help="how many steps to train, whatever the epochs; 0: by the epochs"
    )
    val_freq: int = _option(1000, cli.non_negative_int, help="steps between validations, 0: none")
    patience: int = _option(
        0, cli.non_negative_int, help="stop after so many validations without a better SSIM, 0: never"
    )
    summary_freq: int = _option(
        100, cli.non_negative_int, help="steps between TensorBoard summaries, 0: none"
    )
    progress_freq: int = _option(50, cli.positive_int, help="steps between lines of progress in a log")
    display_freq: int = _option(
        0, cli.non_negative_int, help="steps between pictures of the training in index.html, 0: none"
    )
    trace_freq: int = _option(
        0, cli.non_negative_int, help="steps between profiles of a step for TensorBoard, 0: none"
    )
    save_freq: int = _option(
        5000, cli.non_negative_int, help="steps between checkpoints, 0: one at the end alone"
    )

    def __post_init__(self):
        if self.aspect_ratio != 1 and self.jitter == REDRAW:
            raise cli.UserError(f"expected --aspect_ratio 1 with --jitter redraw, got {self.aspect_ratio}")
        if self.lab_colorization and self.jitter == REDRAW:
            raise cli.UserError("expected --jitter crop with --lab_colorization, got redraw")
        if self.scale_size < self.image_size:
            raise cli.UserError(f"expected --scale_size of {self.image_size} or more, got {self.scale_size}")


PAPER = {
    "precision": "float32",
    "ngf": 64,
    "ndf": 64,
    "batch_size": 1,
    "jitter": CROP,
    "flip": True,
    "lr": 0.0002,
    "lr_decay": 0.0,
    "beta1": 0.5,
    "ema": False,
    "l1_weight": 100.0,
    "gan_weight": 1.0,
    "gan_loss": "vanilla",
    "feature_matching": 0.0,
}
"""`--paper`: the settings of 2017, whatever the defaults."""

PRESETS = {
    "quick": {"max_steps": 2000, "save_freq": 250, "val_freq": 500},
    "standard": {"max_steps": 10_000, "save_freq": 1000},
    "quality": {"ngf": 64, "ndf": 64, "max_steps": 80_000, "save_freq": 2000, "val_freq": 2000},
}
"""`--preset`: minutes, an hour, a night on a CPU. The defaults, but for what is told here."""


class _Given(argparse.Action):
    """Stores a value, and that it was given: presets leave it alone."""

    def __call__(self, parser, namespace, values, option_string=None):
        value = self.const if self.nargs == 0 else values
        setattr(namespace, self.dest, value)
        namespace.given = getattr(namespace, "given", {}) | {self.dest: value}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """In groups of their own: one argument per option that can be chosen, with its default; the presets."""
    sets = parser.add_argument_group("sets of options, which options given beside them change")
    either = sets.add_mutually_exclusive_group()
    either.add_argument(
        "--preset", choices=tuple(PRESETS), help="for minutes, an hour, or a night on a CPU without a GPU"
    )
    either.add_argument("--paper", action="store_true", help="as in 2017: Isola et al., arXiv 1611.07004")
    group = parser.add_argument_group("training")
    for option in fields(Options):
        if "help" not in option.metadata:
            continue
        name, settings = f"--{option.name}", {"action": _Given, "default": option.default}
        told = option.metadata["help"]
        if isinstance(option.default, bool):
            group.add_argument(name, nargs=0, const=True, help=told, **settings)
            group.add_argument(
                f"--no_{option.name}", dest=option.name, nargs=0, const=False, help="the opposite", **settings
            )
        else:
            for key in ("type", "choices"):
                if option.metadata[key]:
                    settings[key] = option.metadata[key]
            group.add_argument(name, help=told, **settings)


def given(args: argparse.Namespace) -> dict:
    """The options that were given on the command line, by name."""
    return getattr(args, "given", {})


def from_args(args: argparse.Namespace) -> Options:
    """The defaults, changed by a preset or `--paper`, changed by what was given."""
    chosen = {**(PAPER if args.paper else PRESETS.get(args.preset, {})), **given(args)}
    if "max_epochs" in given(args) and "max_steps" not in given(args):
        chosen["max_steps"] = None  # not the preset's
    if "scale_size" not in chosen:
        default = Options()
        size = chosen.get("image_size", default.image_size)
        chosen["scale_size"] = default.scale_size * size // default.image_size
    return Options(**chosen)


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
