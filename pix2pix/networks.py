"""The two networks of pix2pix (Isola et al., arXiv 1611.07004, section 6.1), as Keras models.

The U-Net is built from a list of its encoder's filters: each encoder block halves the feature map's sides,
each decoder block doubles them and also reads the encoder's feature map of the same size (skip connection).
Pictures are float32, RGB, in [-1, 1], channels last.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import keras
from keras import layers

from pix2pix import options
from pix2pix.fast_layers import BatchNorm, Col2ImConv2DTranspose, Im2ColConv2D, InstanceNorm
from pix2pix.norm_free import NearestConv2DTranspose, OpponentToRGB, he_deviation
from pix2pix.options import Options

CHANNELS = 3
KERNEL = 4
LEAKY_SLOPE = 0.2
EPSILON = 1e-5
DROPOUT_RATE = 0.5

KERNEL_DEVIATION = 0.02
"""Standard deviation of the first weights in the paper."""

DROPOUT_BLOCKS = 3
"""Number of decoder blocks with dropout, counted from the innermost."""

IM2COL_MAX_SIDE = 4
"""Largest side of a feature map that is convolved as a matrix product. Larger maps take longer (measured)."""

MAX_WIDTH = 8
"""Filters of the widest layers, in multiples of ngf."""

LIGHT_HEAD_SIZE = 256
"""A light head is the blocks for pictures of more pixels a side than these."""


def encoder_filters(image_size: int, ngf: int, light_head: bool = True) -> list[int]:
    """Filters of the encoder's blocks, from the outermost down to a feature map of 1x1.

    They are ngf, 2 ngf, 4 ngf and 8 ngf, and then no more. With a light head, a generator for 512 pixels has
    the blocks of one for 256 pixels, and outside of them a block of ngf / 2 filters. That takes 0.4 times the
    time: the largest feature maps are the most expensive ones.

    Args:
        image_size: Side of the pictures in pixels.
        ngf: Filters of the first layer for up to 256 pixels.
        light_head: Whether the blocks for more pixels have fewer filters.

    Raises:
        ValueError: If the size is not a power of two, or is less than 8.
    """
    levels = int(math.log2(image_size))
    if image_size < 8 or 2**levels != image_size:
        raise ValueError(f"expected an image size of a power of two, 8 or more, got {image_size}")
    outer = max(image_size // LIGHT_HEAD_SIZE, 1) if light_head else 1
    return [max(min(ngf * 2**level // outer, MAX_WIDTH * ngf), 1) for level in range(levels)]


def _kernel_initializer(deviation: float = KERNEL_DEVIATION) -> keras.Initializer:
    return keras.initializers.RandomNormal(0.0, deviation)


def _batch_norm(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    gamma = keras.initializers.RandomNormal(1.0, 0.02)
    return BatchNorm(epsilon=EPSILON, gamma_initializer=gamma, name=f"{name}_norm")(x)


@dataclass(frozen=True)
class _Blocks:
    """Makes the generator's blocks. The fields are arguments of `u_net`."""

    folded: bool
    separable: bool
    statistics: str

    @property
    def is_norm_free(self) -> bool:
        return self.statistics == options.NONE and not self.folded

    def down(self, x: keras.KerasTensor, filters: int, name: str, norm: bool) -> keras.KerasTensor:
        """Encoder block: (S, S, C) -> (S/2, S/2, filters)."""
        is_small = x.shape[1] <= IM2COL_MAX_SIDE and not self.folded
        initializer = self._initializer(KERNEL**2 * x.shape[-1], LEAKY_SLOPE)
        kind = Im2ColConv2D if is_small else layers.Conv2D
        x = self._conv(kind, filters, 2, name, norm, initializer)(x)
        return self._norm(x, name) if norm else x

    def up(self, x: keras.KerasTensor, filters: int, name: str, norm: bool) -> keras.KerasTensor:
        """Decoder block: (S, S, C) -> (2S, 2S, filters)."""
        is_small = x.shape[1] <= IM2COL_MAX_SIDE and not self.folded
        x = layers.ReLU(name=f"{name}_relu")(x)
        if self.is_norm_free:
            # The outermost block has small weights, so that the first faces are grey and not saturated.
            initializer = self._initializer(9 * x.shape[-1]) if norm else _kernel_initializer()
            return NearestConv2DTranspose(filters, IM2COL_MAX_SIDE, initializer, name=f"{name}_conv")(x)
        if self.separable:  # Keras has no separable transposed convolution
            x = layers.UpSampling2D(2, interpolation="nearest", name=f"{name}_up")(x)
            x = self._conv(layers.SeparableConv2D, filters, 1, name, norm)(x)
        else:
            kind = Col2ImConv2DTranspose if is_small else layers.Conv2DTranspose
            x = self._conv(kind, filters, 2, name, norm)(x)
        return self._norm(x, name) if norm else x

    def _conv(
        self,
        kind: type[layers.Layer],
        filters: int,
        strides: int,
        name: str,
        norm: bool,
        initializer: keras.Initializer | None = None,
    ) -> layers.Layer:
        settings = {"strides": strides, "padding": "same", "name": f"{name}_conv"}
        settings["use_bias"] = self.folded or self.is_norm_free or not norm
        if self.separable:
            kernels = {
                "depthwise_initializer": _kernel_initializer(),
                "pointwise_initializer": _kernel_initializer(),
            }
            return layers.SeparableConv2D(filters, KERNEL, **kernels, **settings)
        return kind(filters, KERNEL, kernel_initializer=initializer or _kernel_initializer(), **settings)

    def _initializer(self, fan_in: int, negative_slope: float = 0.0) -> keras.Initializer:
        if not self.is_norm_free:
            return _kernel_initializer()
        return _kernel_initializer(he_deviation(fan_in, negative_slope))

    def _norm(self, x: keras.KerasTensor, name: str) -> keras.KerasTensor:
        if self.statistics == options.INSTANCE:
            return InstanceNorm(EPSILON, name=f"{name}_norm")(x)
        return x if self.folded or self.is_norm_free else _batch_norm(x, name)


def u_net(
    filters: Sequence[int],
    folded: bool = False,
    separable: bool = False,
    statistics: str = Options.statistics,
    channels: tuple[int, int] = (CHANNELS, CHANNELS),
) -> keras.Model:
    """U-Net: drawings, float32 (N, S, S, C) in [-1, 1] -> faces, float32 (N, S, S, D) in [-1, 1].

    The side S is 2 to the power of the number of encoder blocks, so that the innermost feature map is 1x1.
    The outermost encoder block is not normalised, as in the paper. The innermost is normalised with
    `options.INSTANCE` alone, as in 2017: over one picture's map of 1x1 the variance is 0, so that nothing but
    a constant is left of it.

    Args:
        filters: Of the encoder's blocks, from the outermost; a decoder block has those of the encoder block
            outside of it.
        folded: Whether to leave out batch norm and dropout and to use Keras's own layers, for the weights
            that `fold` calculates.
        separable: Whether to use separable convolutions; not with `options.NONE`.
        statistics: What feature maps are normalised by, of `options.STATISTICS`. The norm-free generator
            (`options.NONE`) has no dropout either, so that inference is exactly what was trained. It
            up-samples to the nearest pixel and then convolves, and generates opponent colours.
        channels: Number of channels of the drawing and of the face.
    """
    levels = len(filters)
    blocks = _Blocks(folded, separable, statistics)
    innermost_norm = statistics == options.INSTANCE
    x = inputs = keras.Input((2**levels, 2**levels, channels[0]), name="drawing")
    skips = []
    for level, count in enumerate(filters, 1):
        name = f"encoder_{level}"
        if level > 1:
            x = layers.LeakyReLU(negative_slope=LEAKY_SLOPE, name=f"{name}_relu")(x)
        x = blocks.down(x, count, name, norm=1 < level < levels + innermost_norm)
        skips.append(x)
    for level in range(levels, 1, -1):
        name = f"decoder_{level}"
        if level < levels:
            x = layers.Concatenate(name=f"{name}_skip")([x, skips[level - 1]])
        x = blocks.up(x, filters[level - 2], name, norm=True)
        if levels - level < DROPOUT_BLOCKS and not folded and not blocks.is_norm_free:
            x = layers.Dropout(DROPOUT_RATE, name=f"{name}_dropout")(x)
    x = layers.Concatenate(name="decoder_1_skip")([x, skips[0]])
    x = blocks.up(x, channels[1], "decoder_1", norm=False)
    if blocks.is_norm_free and channels[1] == CHANNELS:
        x = OpponentToRGB(dtype="float32", name="decoder_1_rgb")(x)
    outputs = layers.Activation("tanh", dtype="float32", name="face")(x)
    return keras.Model(inputs, outputs, name="generator")


def filters_of(generator: keras.Model) -> list[int]:
    """The filters of a generator's encoder blocks, from the outermost."""
    levels = int(math.log2(generator.input_shape[1]))
    return [generator.get_layer(f"encoder_{level}_conv").filters for level in range(1, levels + 1)]


def lr_factors(network: keras.Model) -> dict[str, float]:
    """Factors of the learning rate of the kernels, by LAYER/VARIABLE; of other variables it is 1.

    Each kernel learns in proportion to the deviation it began with, so that all layers of the norm-free
    generator change at the same relative speed (equalised learning rate, Karras et al., arXiv 1710.10196).
    """
    return {
        f"{layer.name}/kernel": layer.kernel_initializer.stddev / KERNEL_DEVIATION
        for layer in network.layers
        if hasattr(layer, "kernel")
    }


def channels_of(opts: Options) -> tuple[int, int]:
    """Number of channels of the generator's inputs and outputs: lightness has one, colours alone have two."""
    if not opts.lab_colorization:
        return CHANNELS, CHANNELS
    return (1, 2) if opts.which_direction == "AtoB" else (2, 1)


def generator_of(opts: Options, folded: bool = False) -> keras.Model:
    """Make the generator that a model's options describe."""
    filters = encoder_filters(opts.image_size, opts.ngf, opts.light_head)
    return u_net(filters, folded, opts.separable_conv, opts.statistics, channels_of(opts))


def discriminator(image_size: int, ndf: int, channels: tuple[int, int] = (CHANNELS, CHANNELS)) -> keras.Model:
    """PatchGAN: (drawing, face), float32 (N, S, S, 3) each -> logits (N, S/8 - 2, S/8 - 2, 1).

    Each logit classifies a patch of 70x70 pixels as real (positive) or generated (negative).
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
            kernel_initializer=_kernel_initializer(),
            name=f"{name}_conv",
        )(x)
        if norm:
            x = _batch_norm(x, name)
        x = layers.LeakyReLU(negative_slope=LEAKY_SLOPE, name=f"{name}_relu")(x)
    x = layers.ZeroPadding2D(1, name="layer_5_pad")(x)
    x = layers.Conv2D(1, KERNEL, kernel_initializer=_kernel_initializer(), name="layer_5_conv")(x)
    return keras.Model(inputs, x, name="discriminator")


def with_features(discriminator: keras.Model) -> keras.Model:
    """A model with the same layers and weights that returns ([feature maps of layer 1, ...], logits)."""
    features = [layer.output for layer in discriminator.layers if layer.name.endswith("_relu")]
    return keras.Model(
        discriminator.inputs, (features, discriminator.output), name="discriminator_with_features"
    )
