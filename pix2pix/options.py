"""The trainer's options: one frozen dataclass, and the file `options.json`."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from face2face import cli, files, records
from face2face.face.crop import MODEL_SIZE
from face2face.face.drawing import DRAWINGS, ORIGINAL_DRAWING
from pix2pix import ranges
from pix2pix.ranges import COUNT, COUNT_OR_NONE, FRACTION, WEIGHT, Range

FILE_NAME = "options.json"
FORMAT_VERSION = 1

TRAINING, REDUCED, EXPORTED = "training", "reduced", "exported"
"""The stages of a model's folder."""

WEIGHTS = BEST, LAST = "best", "last"
"""Which weights of a training: those that validated best, in the subfolder `best`, or the newest."""

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16", "auto")

CROP, REDRAW = "crop", "redraw"
"""Kinds of jitter."""

OF_REDRAW = ("warp", "recombine")
"""Options that count with the jitter `REDRAW` alone."""

STATISTICS = NONE, MOVING, INSTANCE = "none", "moving", "picture"
"""What a generator normalises its feature maps by. NONE: by nothing (norm-free). MOVING: in training by the
batch's statistics, in inference by their moving averages (batch norm). INSTANCE: always by each picture's own
statistics (instance norm), as in 2017. The values are part of the file format.
"""


IMAGE_SIZES = (32, 64, 128, 256, 512)
"""Sides of model space in pixels for which there are networks."""

_FILTERS = Range(int, 1, 256)
"""Filters of a network's first layer; its widest layers have eight times as many."""

Content = dict[str, bool | int | float | str | None]
"""The content of an `options.json` of any trainer: one level of names and values."""


@dataclass(frozen=True)
class Options:
    """All options of a training, by the original trainer's names. `PAPER` holds the original's values.

    The defaults give a better face in less time (benchmarks/time_to_quality.py).
    """

    which_direction: str = ranges.option(
        "AtoB",
        choices=("AtoB", "BtoA"),
        shapes_weights=True,
        help="AtoB paints the right half (B) from the left one (A), BtoA the reverse",
    )
    image_size: int = ranges.option(
        MODEL_SIZE, choices=IMAGE_SIZES, shapes_weights=True, help="side of the generated pictures"
    )
    drawing: str = ranges.option(ORIGINAL_DRAWING, choices=tuple(DRAWINGS), shapes_weights=True)
    statistics: str = ranges.option(NONE, choices=STATISTICS, shapes_weights=True)
    ngf: int = ranges.option(32, _FILTERS, shapes_weights=True, help="generator filters in the first layer")
    light_head: bool = ranges.option(True, shapes_weights=True)
    ndf: int = ranges.option(
        32, _FILTERS, shapes_weights=True, help="discriminator filters in the first layer"
    )
    separable_conv: bool = ranges.option(
        False, shapes_weights=True, help="separable convolutions in the generator: fewer weights and products"
    )
    lab_colorization: bool = ranges.option(
        False, shapes_weights=True, help="learn colours: --input_dir holds pictures, whose A is the lightness"
    )
    aspect_ratio: float = ranges.option(
        1.0, Range(float, 0.01, 100.0), help="width by height of the pictures, which are squeezed to squares"
    )
    batch_size: int = ranges.option(1, Range(int, 1, 4096), help="pairs per step, of all devices together")
    scale_size: int = ranges.option(
        286,
        Range(int, 1, 8192),
        help="jitter: scale pairs to this before a random crop to 256; twice that for 512",
    )
    flip: bool = ranges.option(False, help="jitter: mirror pairs at random")
    jitter: str = ranges.option(
        "auto",
        choices=("auto", CROP, REDRAW),
        help="crop: scale pairs up and crop; redraw: move the face and draw its landmarks anew; "
        "auto: redraw where the pairs have landmarks",
    )
    warp: float = ranges.option(
        1.0,
        Range(float, 0.0, 2.0),
        help="redraw: how much eyes, brows and mouth are widened, narrowed and moved at random",
    )
    recombine: float = ranges.option(
        0.5, FRACTION, help="redraw: share of the pairs that get one or both eyes of another frame"
    )
    lr: float = ranges.option(0.0002, Range(float, 0.0, 1.0), help="Adam's learning rate")
    lr_decay: float = ranges.option(
        0.5, FRACTION, help="share of the steps, at the end, over which lr falls linearly to 0"
    )
    ema: bool = ranges.option(True, help="keep a moving average of the generator's weights, and export that")
    beta1: float = ranges.option(0.5, Range(float, 0.0, 0.999), help="Adam's momentum")
    beta2: float = ranges.option(
        0.99, Range(float, 0.5, 0.9999), help="how long Adam remembers the size of gradients"
    )
    l1_weight: float = ranges.option(100.0, WEIGHT, help="weight of the generator's L1 loss")
    ssim_weight: float = ranges.option(60.0, WEIGHT, help="weight of the generator's SSIM loss, 1 - SSIM")
    artefact_weight: float = ranges.option(
        0.0,
        WEIGHT,
        help="weight of the generator's loss of artefacts that the real face lacks: lines, specks of colour",
    )
    face_weight: float = ranges.option(
        4.0, WEIGHT, help="extra weight of the L1 and SSIM losses near what is drawn: eyes, mouth, outline"
    )
    gan_weight: float = ranges.option(1.0, WEIGHT, help="weight of the generator's GAN loss")
    gan_loss: str = ranges.option(
        "vanilla", choices=("vanilla", "lsgan", "hinge"), help="loss of the discriminator's logits"
    )
    feature_matching: float = ranges.option(
        0.0, WEIGHT, help="weight of the generator's L1 loss on the discriminator's feature maps"
    )
    precision: str = ranges.option(
        "auto",
        choices=PRECISIONS,
        help="number format of the networks in training; auto: the 16-bit one that this machine has units "
        "for, unless float32 is clearly faster",
    )
    strategy: str = ranges.option(
        "auto",
        choices=("auto", "none", "mirrored", "multi-worker"),
        help="which devices: one; all GPUs of this machine; the machines that TF_CONFIG names; what there is",
    )
    seed: int | None = ranges.option(
        None, Range(int, 0, 2**31 - 1), help="seed of the random numbers (default: chosen, and saved)"
    )
    max_epochs: int | None = ranges.option(None, COUNT, help="how often to go through the pairs")
    max_steps: int | None = ranges.option(
        None, COUNT_OR_NONE, help="how many steps to train, whatever the epochs; 0: by the epochs"
    )
    val_freq: int = ranges.option(1000, COUNT_OR_NONE, help="steps between validations, 0: none")
    patience: int = ranges.option(
        0, COUNT_OR_NONE, help="stop after so many validations without a better SSIM, 0: never"
    )
    summary_freq: int = ranges.option(100, COUNT_OR_NONE, help="steps between TensorBoard summaries, 0: none")
    histograms: bool = ranges.option(
        False, help="TensorBoard: also histograms of weights and of their gradients' running means"
    )
    progress_freq: int = ranges.option(50, COUNT, help="steps between lines of progress in a log")
    display_freq: int = ranges.option(
        0, COUNT_OR_NONE, help="steps between pictures of the training in index.html, 0: none"
    )
    trace_freq: int = ranges.option(0, COUNT_OR_NONE, help="steps between profiles for TensorBoard, 0: none")
    save_freq: int = ranges.option(
        5000, COUNT_OR_NONE, help="steps between checkpoints, 0: only one, at the end"
    )

    def __post_init__(self) -> None:
        for option in fields(self):
            if not ranges.is_valid(option, value := getattr(self, option.name)):
                raise cli.UserError(
                    f"expected --{option.name} as {ranges.describe(option)}, got {cli.shown(repr(value))}"
                )
        if self.aspect_ratio != 1 and self.jitter == REDRAW:
            raise cli.UserError(f"expected --aspect_ratio 1 with --jitter redraw, got {self.aspect_ratio}")
        if self.lab_colorization and self.jitter == REDRAW:
            raise cli.UserError("expected --jitter crop with --lab_colorization, got redraw")
        if self.separable_conv and self.statistics == NONE:
            raise cli.UserError("expected batch or instance norm with --separable_conv, got neither")
        if self.histograms and not self.summary_freq:
            raise cli.UserError("expected --summary_freq above 0 with --histograms, got 0")
        if self.scale_size < self.image_size:
            raise cli.UserError(f"expected --scale_size of {self.image_size} or more, got {self.scale_size}")

    @property
    def paints_photos(self) -> bool:
        """Whether the generator reads drawings and paints photos, and not the reverse, or colours."""
        return self.which_direction == "AtoB" and not self.lab_colorization


SHAPING = tuple(option.name for option in fields(Options) if option.metadata["shapes_weights"])
"""The options that cannot change when a training is resumed."""

NETWORK = tuple(name for name in SHAPING if name not in ("which_direction", "drawing"))
"""Those of `SHAPING` that determine the networks. A fine-tuning keeps them; its pairs may differ."""


def default_scale_size(image_size: int) -> int:
    """The default of `scale_size` for a side of model space: both grow in proportion."""
    return Options.scale_size * image_size // Options.image_size


PAPER = {
    "statistics": INSTANCE,
    "precision": "float32",
    "ngf": 64,
    "light_head": False,
    "ndf": 64,
    "batch_size": 1,
    "jitter": CROP,
    "warp": 0.0,
    "recombine": 0.0,
    "flip": True,
    "lr": 0.0002,
    "lr_decay": 0.0,
    "beta1": 0.5,
    "beta2": 0.999,
    "ema": False,
    "l1_weight": 100.0,
    "ssim_weight": 0.0,
    "artefact_weight": 0.0,
    "face_weight": 0.0,
    "gan_weight": 1.0,
    "gan_loss": "vanilla",
    "feature_matching": 0.0,
}
"""The settings of 2017 (`--paper`): options that differ from the defaults now, or may later."""


def write(folder: Path, options: Options, stage: str) -> None:
    """Write `options.json`.

    Raises:
        UserError: If a file that is not ours is in its place.
    """
    content = {"format_version": FORMAT_VERSION, "stage": stage, **asdict(options)}
    files.write_text(folder / FILE_NAME, records.encode(content), is_ours)


def is_ours(path: Path) -> bool:
    """Whether a file is an `options.json` of this trainer, of any version and stage."""
    try:
        content = records.read(path, Content, "options")
    except (OSError, cli.UserError):
        return False
    return {"format_version", "stage"} <= content.keys()


def has_stage(folder: Path, stage: str) -> bool:
    """Whether a folder holds a model of this stage."""
    try:
        read(folder, stage)
    except (OSError, cli.UserError):
        return False
    return True


def read(folder: Path, stage: str) -> Options:
    """Read the options that a model's folder was made with.

    Raises:
        UserError: If the folder is of another stage or version, or if it is no model's.
    """
    path = cli.existing_dir(folder, f"a {stage} model") / FILE_NAME
    if not path.is_file():
        raise cli.UserError(f"expected a {stage} model's folder, got one without {FILE_NAME}: {folder}")
    content = records.read(path, Content, "what this trainer writes")
    if not {"format_version", "stage"} <= content.keys():
        raise cli.UserError(f"damaged, or not written by this trainer: {path}")
    version, found = content.pop("format_version"), content.pop("stage")
    if version != FORMAT_VERSION:
        raise cli.UserError(
            f"{path}: expected format version {FORMAT_VERSION}, got {cli.shown(str(version))}"
        )
    if found != stage:
        remedy = "run reduce_model.py first" if found == TRAINING else "give the training folder"
        found = cli.shown(str(found))
        raise cli.UserError(f"expected a {stage} model, got a {found} one ({remedy}): {folder}")
    # A file without `statistics` is of a version that had only batch norm; one without `light_head`, of a
    # version without light heads.
    return of_content({"statistics": MOVING, "light_head": False, **content}, path)


def of_content(content: Content, path: Path) -> Options:
    """Check options that were read from a file.

    Args:
        content: The options by name.
        path: The file, for messages.

    Raises:
        UserError: If an option is unknown or has an invalid value.
    """
    try:
        return Options(**content)
    except (TypeError, cli.UserError) as error:
        reason = cli.shown(str(error))
        raise cli.UserError(f"{path}: damaged, or of another version of this trainer ({reason})") from None


def conflicts(saved: Options, given: Options, names: Sequence[str] = SHAPING) -> list[str]:
    """Describe each option of some that differs; by default, of those that a resumed training keeps."""
    return [
        f"--{name} {getattr(saved, name)} then, {getattr(given, name)} now"
        for name in names
        if getattr(saved, name) != getattr(given, name)
    ]
