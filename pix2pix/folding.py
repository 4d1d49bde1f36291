"""Folding: a trained generator as plain convolutions with biases, for inference."""

import keras
import numpy as np
from keras import layers

from pix2pix import networks, options
from pix2pix.fast_layers import BatchNorm, InstanceNorm
from pix2pix.norm_free import NearestConv2DTranspose, OpponentToRGB


def fold(trained: keras.Model) -> keras.Model:
    """Make a generator of Keras's own layers that returns what `trained` returns in inference.

    In inference a batch norm is an affine map of the convolution before it: w' = w * g,
    b' = beta + (b - mean) * g, where g = gamma / sqrt(variance + epsilon), with the moving averages of mean
    and variance. Up-sampling with a convolution is a transposed convolution, and the conversion of opponent
    colours a product of the last kernel. Instance norms stay: they depend on the picture.
    """
    separable = isinstance(trained.get_layer("encoder_1_conv"), layers.SeparableConv2D)
    channels = trained.input_shape[-1], trained.output_shape[-1]
    by_name = {layer.name: layer for layer in trained.layers}
    has_instance_norm = any(isinstance(layer, InstanceNorm) for layer in trained.layers)
    statistics = options.INSTANCE if has_instance_norm else options.NONE
    folded = networks.u_net(networks.filters_of(trained), True, separable, statistics, channels)
    for layer in folded.layers:
        if isinstance(layer, InstanceNorm):
            layer.set_weights(by_name[layer.name].get_weights())
        elif layer.name.endswith("_conv"):
            layer.set_weights(_folded_weights(by_name, layer))
    return folded


def _folded_weights(by_name: dict[str, keras.Layer], layer: keras.Layer) -> list[np.ndarray]:
    """The weights of a folded convolution: kernels, the last of which is folded, and bias."""
    source = by_name[layer.name]
    if isinstance(source, NearestConv2DTranspose):
        first, kernel, bias = [], source.transposed_kernel().numpy(), source.bias.numpy()
    else:
        weights = source.get_weights()
        *first, kernel, bias = weights if source.use_bias else [*weights, np.zeros(source.filters)]
    transposed = isinstance(layer, layers.Conv2DTranspose)  # its kernel is (h, w, out, in)
    norm = by_name.get(layer.name.replace("_conv", "_norm"))
    if isinstance(norm, BatchNorm):
        mean, variance = norm.moving_mean.numpy(), norm.moving_variance.numpy()
        gain = norm.gamma.numpy() / np.sqrt(variance + norm.epsilon)
        kernel = kernel * (gain[:, None] if transposed else gain)
        bias = norm.beta.numpy() + (bias - mean) * gain
    if layer.name.replace("_conv", "_rgb") in by_name:
        kernel = np.einsum("hwoc,op->hwpc", kernel, OpponentToRGB.MATRIX)
        bias = bias @ OpponentToRGB.MATRIX
    return [*first, kernel, bias]
