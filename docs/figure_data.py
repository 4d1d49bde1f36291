"""What the figures show: shapes read off the networks, and what a trained pair of them computes of a pair."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from face2face.cli import UserError
from pix2pix import dataset, objectives, options
from pix2pix.checkpoints import Checkpoints
from pix2pix.options import Options
from pix2pix.trainer import Trainer

Shape = tuple[int, int, int]
"""Height, width, channels of a map."""

PAIR_PLACES = (1 / 2, 1 / 8, 7 / 8)
"""Which pairs of the folder are shown, as shares of the way through it: the first of them in all figures."""


@dataclass(frozen=True)
class Block:
    """A few layers of a network that share a name: `encoder_2_relu`, `encoder_2_conv`, `encoder_2_norm`."""

    name: str
    layers: list[keras.Layer]

    @property
    def input(self) -> Shape:
        """Of its first layer; where that joins maps (`Concatenate`), of the joined map."""
        first = self.layers[0]
        return tuple((first.output if isinstance(first, layers.Concatenate) else first.input).shape[1:])

    @property
    def output(self) -> Shape:
        return tuple(self.layers[-1].output.shape[1:])


def blocks(network: keras.Model) -> dict[str, Block]:
    """The blocks of the generator or the discriminator by name, from the input to the output."""
    of_block: dict[str, list[keras.Layer]] = {}
    for layer in network.layers:
        if match := re.match(r"((?:encoder|decoder|layer)_\d+)_", layer.name):
            of_block.setdefault(match[1], []).append(layer)
    return {name: Block(name, members) for name, members in of_block.items()}


def shape_text(shape: Shape) -> str:
    return "×".join(str(side) for side in shape)


@dataclass(frozen=True)
class Patch:
    """What each logit of the discriminator reads: `size` pixels from `start + place * step` on.

    Pixels outside of the picture are padding.
    """

    size: int
    step: int
    start: int

    def begin(self, place: int) -> int:
        return self.start + place * self.step


def patch_of(discriminator: keras.Model) -> Patch:
    """The receptive field of a logit, from the kernels, strides and paddings of the layers."""
    size, step, start = 1, 1, 0
    for layer in reversed(discriminator.layers):
        if isinstance(layer, layers.Conv2D):
            (kernel, _), (stride, _) = layer.kernel_size, layer.strides
            size, step, start = (size - 1) * stride + kernel, step * stride, start * stride
        elif isinstance(layer, layers.ZeroPadding2D):
            start -= layer.padding[0][0]
    return Patch(size, step, start)


@dataclass(frozen=True)
class TrainingStep:
    """What a training step computes of a pair, before any weight changes.

    painted: float32 (S, S, 3) in [-1, 1]. real_map, painted_map: the discriminator's probability, patch by
    patch, that the face is real: float32 (P, P) in [0, 1]. structure_map: 1 - SSIM of the painted face and
    the target, the mean of the colours, window by window: float32 (W, W) in [0, 2].
    """

    painted: np.ndarray
    real_map: np.ndarray
    painted_map: np.ndarray
    structure_map: np.ndarray
    real_loss: float
    painted_loss: float
    gan_loss: float
    l1_loss: float
    ssim_loss: float
    artefact_loss: float


@dataclass(frozen=True)
class Scene:
    """The networks and pictures of all figures. Pictures are float32 (S, S, 3) in [-1, 1], RGB.

    step: of the checkpoint. maps: of each block's output for the first pair, float32 (H, W, C).
    untrained, painted: the face as the generator paints it at step 0, and as the exported one paints it,
    with the moving average of the weights.
    """

    options: Options
    step: int
    generator: keras.Model
    discriminator: keras.Model
    pairs: list[tuple[np.ndarray, np.ndarray]]
    untrained: np.ndarray
    painted: np.ndarray
    maps: dict[str, np.ndarray]
    training: TrainingStep


def load(pairs: Path, model: Path) -> Scene:
    """The scene of a folder of pairs and a training folder.

    Raises:
        UserError: if one of them is missing or not usable, or if the training had layers, losses or channels
            that the figures do not explain.
    """
    opts = options.read(model, options.TRAINING)
    has_default_losses = opts.gan_loss == "vanilla" and opts.ssim_weight and not opts.feature_matching
    if opts.lab_colorization or opts.statistics != options.NONE or not has_default_losses:
        raise UserError(
            f"expected a model trained for faces with the default networks and losses, got another: {model}"
        )
    opts = replace(opts, precision="float32")
    paths = dataset.find_pairs(pairs, opts.aspect_ratio, "--pairs")
    shown = [
        dataset.read_normalised(paths[min(int(place * len(paths)), len(paths) - 1)], opts)
        for place in PAIR_PLACES
    ]
    keras.utils.set_random_seed(opts.seed)
    trainer = Trainer(opts)
    drawing, face = (tf.constant(half[None]) for half in shown[0])
    untrained = trainer.generator(drawing, training=False)[0].numpy()
    if Checkpoints(model, **trainer.objects()).restore() is None:
        raise UserError(f"expected a folder with a checkpoint, got none in {model}: train first")
    maps = maps_of(trainer.exported, drawing)
    painted = trainer.exported(drawing, training=False)
    maps |= maps_of(trainer.discriminator, [drawing, face])
    return Scene(
        options=opts,
        step=int(trainer.step.numpy()),
        generator=trainer.exported,
        discriminator=trainer.discriminator,
        pairs=shown,
        untrained=untrained,
        painted=painted[0].numpy(),
        maps=maps,
        training=training_step(trainer, drawing, face),
    )


def maps_of(network: keras.Model, inputs) -> dict[str, np.ndarray]:
    """The output of each block for a batch of one, float32 (H, W, C)."""
    outputs = {name: block.layers[-1].output for name, block in blocks(network).items()}
    answers = keras.Model(network.input, outputs)(inputs, training=False)
    return {name: answer[0].numpy() for name, answer in answers.items()}


def training_step(trainer: Trainer, drawing: tf.Tensor, face: tf.Tensor) -> TrainingStep:
    """The forward pass of `Trainer.train_step`, with the batch statistics of the discriminator.

    It changes no weights, but the discriminator's moving averages of its statistics.

    Args:
        drawing, face: float32 (1, S, S, 3) in [-1, 1].
    """
    painted = trainer.generator(drawing, training=True)
    real_logits = trainer.discriminator([drawing, face], training=True)
    painted_logits = trainer.discriminator([drawing, painted], training=True)
    structure = objectives.dissimilarity_map(face, painted)
    weight = trainer.options.face_weight
    weights = objectives.face_weights(drawing, weight) if weight else None
    return TrainingStep(
        painted=painted[0].numpy(),
        real_map=tf.sigmoid(real_logits)[0, :, :, 0].numpy(),
        painted_map=tf.sigmoid(painted_logits)[0, :, :, 0].numpy(),
        structure_map=tf.reduce_mean(structure, -1)[0].numpy(),
        real_loss=float(objectives.cross_entropy(real_logits, 1.0)),
        painted_loss=float(objectives.cross_entropy(painted_logits, 0.0)),
        gan_loss=float(objectives.gan_loss("vanilla", painted_logits)),
        l1_loss=float(objectives.l1(face, painted, weights)),
        ssim_loss=float(objectives.dissimilarity(face, painted, weights)),
        artefact_loss=float(objectives.artefacts(face, painted)),
    )
