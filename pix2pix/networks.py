"""The two networks of pix2pix (Isola et al., arXiv 1611.07004, section 6.1), as Keras models.

A U-Net is a list of widths: each encoder block halves the picture, each decoder block doubles it and also
reads the encoder's map of the same size. Pictures are float32, RGB, in [-1, 1], channels last.
"""

import math
from dataclasses import dataclass

import keras
import numpy as np
from keras import layers

from pix2pix import options
from pix2pix.fast_layers import BatchNorm, DoublingConv, HalvingConv, InstanceNorm
from pix2pix.options import Options

CHANNELS = 3
KERNEL = 4
SLOPE = 0.2
EPSILON = 1e-5
DROPOUT = 0.5
DROPOUT_BLOCKS = 3
"""Decoder blocks, from the innermost on, that drop half of their map while training."""

SMALL = 4
"""Sides of a block's input up to which it is computed by the layers for small maps (measured)."""

MAX_WIDTH = 8
"""The widest map, in multiples of the first layer's filters."""


def encoder_widths(image_size: int) -> list[int]:
    """Filters of the encoder's blocks, in multiples of ngf: 1, 2, 4, 8, 8, ... down to a map of 1x1.

    Raises:
        ValueError: if the size is not a power of two of 8 or more.
    """
    levels = int(math.log2(image_size))
    if image_size < 8 or 2**levels != image_size:
        raise ValueError(f"expected an image size of a power of two, 8 or more, got {image_size}")
    return [min(2**level, MAX_WIDTH) for level in range(levels)]


def _normal():
    return keras.initializers.RandomNormal(0.0, 0.02)


def _normalise(x, name: str):
    gamma = keras.initializers.RandomNormal(1.0, 0.02)
    return BatchNorm(epsilon=EPSILON, gamma_initializer=gamma, name=f"{name}_norm")(x)


@dataclass(frozen=True)
class _Blocks:
    """How the generator's blocks are made. Arguments as of `generator`."""

    folded: bool
    separable: bool
    statistics: str

    def down(self, x, filters: int, name: str, norm: bool):
        """(S, S, C) -> (S/2, S/2, filters)."""
        fast = x.shape[1] <= SMALL and not self.folded
        x = self._conv(HalvingConv if fast else layers.Conv2D, filters, 2, name, norm)(x)
        return self._norm(x, name) if norm else x

    def up(self, x, filters: int, name: str, norm: bool):
        """(S, S, C) -> (2S, 2S, filters)."""
        fast = x.shape[1] <= SMALL and not self.folded
        x = layers.ReLU(name=f"{name}_relu")(x)
        if self.separable:  # there is no separable transposed one
            x = layers.UpSampling2D(2, interpolation="nearest", name=f"{name}_up")(x)
            x = self._conv(None, filters, 1, name, norm)(x)
        else:
            x = self._conv(DoublingConv if fast else layers.Conv2DTranspose, filters, 2, name, norm)(x)
        return self._norm(x, name) if norm else x

    def _conv(self, kind, filters: int, strides: int, name: str, norm: bool) -> layers.Layer:
        settings = {"strides": strides, "padding": "same", "name": f"{name}_conv"}
        settings["use_bias"] = self.folded or not norm
        if self.separable:
            kernels = {"depthwise_initializer": _normal(), "pointwise_initializer": _normal()}
            return layers.SeparableConv2D(filters, KERNEL, **kernels, **settings)
        return kind(filters, KERNEL, kernel_initializer=_normal(), **settings)

    def _norm(self, x, name: str):
        if self.statistics == options.PICTURE:
            return InstanceNorm(EPSILON, name=f"{name}_norm")(x)
        return x if self.folded else _normalise(x, name)


def generator(
    image_size: int,
    ngf: int,
    folded: bool = False,
    separable: bool = False,
    statistics: str = options.MOVING,
    channels: tuple[int, int] = (CHANNELS, CHANNELS),
) -> keras.Model:
    """U-Net: float32 (N, S, S, 3) in [-1, 1] -> the same.

    The outermost encoder block has no norm, as in the paper, nor has the innermost: its map is 1x1, whose
    variance over one picture is 0 (the original normalised it, and its training turned to NaN).

    Args:
        folded: without batch norm and dropout, in Keras's plain layers, for the weights that `fold` makes.
        separable: in separable convolutions.
        statistics: options.PICTURE for the weights of the original trainer's generator: each picture is
            normalised by its own statistics, in the innermost block too. Such a generator is folded.
        channels: of the drawing and of the face.
    """
    widths = encoder_widths(image_size)
    levels = len(widths)
    blocks = _Blocks(folded, separable, statistics)
    innermost_norm = statistics == options.PICTURE
    x = inputs = keras.Input((image_size, image_size, channels[0]), name="drawing")
    skips = []
    for level, width in enumerate(widths, 1):
        name = f"encoder_{level}"
        if level > 1:
            x = layers.LeakyReLU(negative_slope=SLOPE, name=f"{name}_relu")(x)
        x = blocks.down(x, width * ngf, name, norm=1 < level < levels + innermost_norm)
        skips.append(x)
    for level in range(levels, 1, -1):
        name = f"decoder_{level}"
        if level < levels:
            x = layers.Concatenate(name=f"{name}_skip")([x, skips[level - 1]])
        x = blocks.up(x, widths[level - 2] * ngf, name, norm=True)
        if levels - level < DROPOUT_BLOCKS and not folded:
            x = layers.Dropout(DROPOUT, name=f"{name}_dropout")(x)
    x = layers.Concatenate(name="decoder_1_skip")([x, skips[0]])
    x = blocks.up(x, channels[1], "decoder_1", norm=False)
    outputs = layers.Activation("tanh", dtype="float32", name="face")(x)
    return keras.Model(inputs, outputs, name="generator")


def channels_of(opts: Options) -> tuple[int, int]:
    """Channels of what the generator reads and paints: lightness has one, colours alone have two."""
    if not opts.lab_colorization:
        return CHANNELS, CHANNELS
    return (1, 2) if opts.which_direction == "AtoB" else (2, 1)


def generator_of(opts: Options, folded: bool = False) -> keras.Model:
    """The generator that a model's options speak of."""
    return generator(
        opts.image_size, opts.ngf, folded, opts.separable_conv, opts.statistics, channels_of(opts)
    )


def discriminator(image_size: int, ndf: int, channels: tuple[int, int] = (CHANNELS, CHANNELS)) -> keras.Model:
    """PatchGAN: (drawing, face), each (N, S, S, 3) -> logits (N, S/8 - 2, S/8 - 2, 1).

    Each logit judges a patch of 70x70 pixels: real (positive) or painted.
    """
    shapes = [(image_size, image_size, count) for count in channels]
    inputs = [keras.Input(shape, name=name) for shape, name in zip(shapes, ("drawing", "face"), strict=True)]
    x = layers.Concatenate(name="pair")(inputs)
    widths, strides = [1, 2, 4, 8], [2, 2, 2, 1]
    for layer, (width, stride) in enumerate(zip(widths, strides, strict=True), 1):
        name, norm = f"layer_{layer}", layer > 1
        x = layers.ZeroPadding2D(1, name=f"{name}_pad")(x)
        x = layers.Conv2D(
            width * ndf,
            KERNEL,
            strides=stride,
            use_bias=not norm,
            kernel_initializer=_normal(),
            name=f"{name}_conv",
        )(x)
        if norm:
            x = _normalise(x, name)
        x = layers.LeakyReLU(negative_slope=SLOPE, name=f"{name}_relu")(x)
    x = layers.ZeroPadding2D(1, name="layer_5_pad")(x)
    x = layers.Conv2D(1, KERNEL, kernel_initializer=_normal(), name="layer_5_conv")(x)
    return keras.Model(inputs, x, name="discriminator")


def with_features(discriminator: keras.Model) -> keras.Model:
    """The same discriminator, the same weights, that also tells its maps: -> ([layer 1's, ...], logits)."""
    features = [layer.output for layer in discriminator.layers if layer.name.endswith("_relu")]
    return keras.Model(discriminator.inputs, (features, discriminator.output), name="judge")


def fold(trained: keras.Model) -> keras.Model:
    """A generator without batch norm that answers as `trained` does in inference, with moving averages.

    Each norm is a scale and a shift of the convolution before it: w' = w * g, b' = beta - mean * g, where
    g = gamma / sqrt(variance + epsilon).
    """
    outermost = trained.get_layer("encoder_1_conv")
    separable = isinstance(outermost, layers.SeparableConv2D)
    channels = trained.input_shape[-1], trained.output_shape[-1]
    folded = generator(trained.input_shape[1], outermost.filters, True, separable, channels=channels)
    names = {layer.name for layer in trained.layers}
    for layer in folded.layers:
        if not layer.name.endswith("_conv"):
            continue
        source = trained.get_layer(layer.name)
        weights = source.get_weights()
        *first, kernel, bias = weights if source.use_bias else [*weights, 0.0]
        norm_name = layer.name.replace("_conv", "_norm")
        if norm_name in names:
            norm = trained.get_layer(norm_name)
            mean, variance = norm.moving_mean.numpy(), norm.moving_variance.numpy()
            gain = norm.gamma.numpy() / np.sqrt(variance + norm.epsilon)
            transposed = isinstance(layer, layers.Conv2DTranspose)  # its kernel is (h, w, out, in)
            kernel = kernel * (gain[:, None] if transposed else gain)
            bias = norm.beta.numpy() + (bias - mean) * gain
        layer.set_weights([*first, kernel, bias])
    return folded
