"""The two networks of pix2pix (Isola et al., arXiv 1611.07004, section 6.1), as Keras models.

A U-Net is a list of widths: each encoder block halves the picture, each decoder block doubles it and also
reads the encoder's map of the same size. Pictures are float32, RGB, in [-1, 1], channels last.
"""

import math

import keras
import numpy as np
from keras import layers

from pix2pix.fast_layers import BatchNorm, DoublingConv, HalvingConv

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

    Raises: ValueError if the size is not a power of two of 8 or more.
    """
    levels = int(math.log2(image_size))
    if image_size < 8 or 2**levels != image_size:
        raise ValueError(f"expected an image size of a power of two, 8 or more, got {image_size}")
    return [min(2**level, MAX_WIDTH) for level in range(levels)]


def _normal():
    return keras.initializers.RandomNormal(0.0, 0.02)


def _normalise(x, name: str, folded: bool):
    if folded:
        return x
    gamma = keras.initializers.RandomNormal(1.0, 0.02)
    return BatchNorm(epsilon=EPSILON, gamma_initializer=gamma, name=f"{name}_norm")(x)


def _encoder_block(x, filters: int, name: str, norm: bool, folded: bool):
    """(S, S, C) -> (S/2, S/2, filters)."""
    conv = HalvingConv if x.shape[1] <= SMALL and not folded else layers.Conv2D
    x = conv(
        filters,
        KERNEL,
        strides=2,
        padding="same",
        use_bias=folded or not norm,
        kernel_initializer=_normal(),
        name=f"{name}_conv",
    )(x)
    return _normalise(x, name, folded) if norm else x


def _decoder_block(x, filters: int, name: str, norm: bool, folded: bool):
    """(S, S, C) -> (2S, 2S, filters)."""
    x = layers.ReLU(name=f"{name}_relu")(x)
    conv = DoublingConv if x.shape[1] <= SMALL and not folded else layers.Conv2DTranspose
    x = conv(
        filters,
        KERNEL,
        strides=2,
        padding="same",
        use_bias=folded or not norm,
        kernel_initializer=_normal(),
        name=f"{name}_conv",
    )(x)
    return _normalise(x, name, folded) if norm else x


def generator(image_size: int, ngf: int, folded: bool = False) -> keras.Model:
    """U-Net: float32 (N, S, S, 3) in [-1, 1] -> the same.

    The outermost encoder block has no norm, as in the paper, nor has the innermost: its map is 1x1, whose
    variance over one picture is 0 (the original normalised it, and its training turned to NaN).

    Args:
        folded: without batch norm and dropout, in Keras's plain layers, for the weights that `fold` makes.
    """
    widths = encoder_widths(image_size)
    levels = len(widths)
    x = inputs = keras.Input((image_size, image_size, CHANNELS), name="drawing")
    skips = []
    for level, width in enumerate(widths, 1):
        name = f"encoder_{level}"
        if level > 1:
            x = layers.LeakyReLU(negative_slope=SLOPE, name=f"{name}_relu")(x)
        x = _encoder_block(x, width * ngf, name, norm=1 < level < levels, folded=folded)
        skips.append(x)
    for level in range(levels, 1, -1):
        name = f"decoder_{level}"
        if level < levels:
            x = layers.Concatenate(name=f"{name}_skip")([x, skips[level - 1]])
        x = _decoder_block(x, widths[level - 2] * ngf, name, norm=True, folded=folded)
        if levels - level < DROPOUT_BLOCKS and not folded:
            x = layers.Dropout(DROPOUT, name=f"{name}_dropout")(x)
    x = layers.Concatenate(name="decoder_1_skip")([x, skips[0]])
    x = _decoder_block(x, CHANNELS, "decoder_1", norm=False, folded=folded)
    outputs = layers.Activation("tanh", dtype="float32", name="face")(x)
    return keras.Model(inputs, outputs, name="generator")


def discriminator(image_size: int, ndf: int) -> keras.Model:
    """PatchGAN: (drawing, face), each (N, S, S, 3) -> logits (N, S/8 - 2, S/8 - 2, 1).

    Each logit judges a patch of 70x70 pixels: real (positive) or painted.
    """
    shape = (image_size, image_size, CHANNELS)
    inputs = [keras.Input(shape, name="drawing"), keras.Input(shape, name="face")]
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
            x = _normalise(x, name, folded=False)
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
    ngf = trained.get_layer("encoder_1_conv").filters
    folded = generator(trained.input_shape[1], ngf, folded=True)
    names = {layer.name for layer in trained.layers}
    for layer in folded.layers:
        if not layer.name.endswith("_conv"):
            continue
        source = trained.get_layer(layer.name)
        kernel, bias = source.kernel.numpy(), source.bias.numpy() if source.use_bias else 0.0
        norm_name = layer.name.replace("_conv", "_norm")
        if norm_name in names:
            norm = trained.get_layer(norm_name)
            mean, variance = norm.moving_mean.numpy(), norm.moving_variance.numpy()
            gain = norm.gamma.numpy() / np.sqrt(variance + norm.epsilon)
            transposed = isinstance(layer, layers.Conv2DTranspose)  # its kernel is (h, w, out, in)
            kernel = kernel * (gain[:, None] if transposed else gain)
            bias = norm.beta.numpy() + (bias - mean) * gain
        layer.set_weights([kernel, bias])
    return folded
