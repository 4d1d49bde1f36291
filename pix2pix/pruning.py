"""Structured pruning: a smaller generator that begins with the most important channels of a larger one."""

import keras
import numpy as np
from keras import layers

from pix2pix import networks
from pix2pix.fast_layers import InstanceNorm


def sources(levels: int) -> dict[str, list[str]]:
    """The connections of a U-Net's convolutions.

    Args:
        levels: Number of encoder blocks.

    Returns:
        For each convolution, by name, the convolutions whose channels it reads, in their order; the first one
        reads the drawing alone.
    """
    found: dict[str, list[str]] = {"encoder_1_conv": []}
    for level in range(2, levels + 1):
        found[f"encoder_{level}_conv"] = [f"encoder_{level - 1}_conv"]
    found[f"decoder_{levels}_conv"] = [f"encoder_{levels}_conv"]
    for level in range(levels - 1, 0, -1):
        found[f"decoder_{level}_conv"] = [f"decoder_{level + 1}_conv", f"encoder_{level}_conv"]
    return found


def important_channels(folded: keras.Model, smaller: keras.Model) -> dict[str, np.ndarray]:
    """Choose the channels of each feature map that a smaller generator keeps.

    Those are kept whose readers have the largest weights for them (sum of squares).

    Args:
        folded: A generator that `folding.fold` returned, without separable convolutions.
        smaller: A generator of as many blocks, with fewer filters.

    Returns:
        Ascending indices by the name of the convolution whose outputs they are. The last convolution, which
        generates the face, is not among them.
    """
    levels = len(networks.filters_of(folded))
    importance: dict[str, np.ndarray] = {}
    for name, read in sources(levels).items():
        weights = np.square(_kernel(folded.get_layer(name))).sum(axis=(0, 1, 3))
        for source in read:
            count = folded.get_layer(source).filters
            importance[source] = importance.get(source, 0) + weights[:count]
            weights = weights[count:]
    return {
        name: np.sort(np.argsort(-values, kind="stable")[: smaller.get_layer(name).filters])
        for name, values in importance.items()
    }


def prune(folded: keras.Model, smaller: keras.Model, kept: dict[str, np.ndarray]) -> None:
    """Set a generator's weights to a share of another one's. It has to be trained before it is of use.

    Its kernels are divided by the square root of the share of channels that they still read, so that sums of
    fewer products keep their variance.

    Args:
        folded: The larger generator, as in `important_channels`.
        smaller: A folded generator, likewise; changed in place.
        kept: What `important_channels` returned.
    """
    for name, read in sources(len(networks.filters_of(folded))).items():
        source, layer = folded.get_layer(name), smaller.get_layer(name)
        kernel, bias = _kernel(source), source.bias.numpy()
        outputs = kept.get(name, np.arange(len(bias)))
        if read:
            counts = [folded.get_layer(each).filters for each in read]
            offsets = np.cumsum([0, *counts[:-1]])
            inputs = np.concatenate([kept[each] + start for each, start in zip(read, offsets, strict=True)])
            kernel = kernel[:, :, inputs] * np.sqrt(sum(counts) / len(inputs))
        kernel = kernel[..., outputs]
        layer.set_weights([_stored(layer, kernel), bias[outputs]])
    for layer in smaller.layers:
        if isinstance(layer, InstanceNorm):
            channels = kept[layer.name.replace("_norm", "_conv")]
            layer.set_weights([weights[channels] for weights in folded.get_layer(layer.name).get_weights()])


def _kernel(layer: keras.Layer) -> np.ndarray:
    """A convolution's kernel, float32 (height, width, inputs, outputs)."""
    return _stored(layer, layer.kernel.numpy())


def _stored(layer: keras.Layer, kernel: np.ndarray) -> np.ndarray:
    """Swap inputs and outputs of a transposed convolution's kernel: its layer stores them the other way."""
    return kernel.swapaxes(2, 3) if isinstance(layer, layers.Conv2DTranspose) else kernel
