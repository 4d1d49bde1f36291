"""The losses of both networks. Logits and feature maps may have any float type; losses are float32."""

from collections.abc import Callable

import tensorflow as tf

SSIM_WINDOW = 7
"""Side of SSIM's windows in pixels."""

VALUE_RANGE = 2.0
"""Of pixels in [-1, 1]."""

DRAWN = -0.9
"""Pixels of a drawing above it are drawn."""

CELLS, REACH = 64, 5
"""What is near a drawing is found on a grid of `CELLS` x `CELLS` cells: up to `REACH` // 2 cells from what is
drawn. The weight falls from 1 to 0 over `REACH` cells around that edge."""

TILE = 16
"""Side in pixels of the tiles in which artefacts are looked for; they overlap by half."""

LEAST_DIFFERENCE = 0.02
"""Added to the mean difference of neighbouring pixels in a tile: where it is flat, rounding is no pattern."""

RGB_CHANNELS = 3

COLOUR_SHARE = 5 / 3
"""Weight of the excess of colour detail relative to that of lines."""


def cross_entropy(logits: tf.Tensor, label: float) -> tf.Tensor:
    """Mean cross-entropy of the patches' logits against one label, stable for any logit."""
    labels = tf.fill(tf.shape(logits), label)
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits))


def discriminator_loss(kind: str, real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """The discriminator's loss.

    Args:
        kind: vanilla (cross-entropy, as in the paper), lsgan (least squares, arXiv 1611.04076) or hinge
            (arXiv 1705.02894).
        real: Logits of real faces, (N, H, W, 1).
        fake: Logits of generated faces, (N, H, W, 1).

    Returns:
        A scalar.
    """
    real, fake = tf.cast(real, tf.float32), tf.cast(fake, tf.float32)
    if kind == "lsgan":
        return tf.reduce_mean(tf.square(real - 1)) + tf.reduce_mean(tf.square(fake))
    if kind == "hinge":
        return tf.reduce_mean(tf.nn.relu(1 - real)) + tf.reduce_mean(tf.nn.relu(1 + fake))
    return cross_entropy(real, 1.0) + cross_entropy(fake, 0.0)


def gan_loss(kind: str, fake: tf.Tensor) -> tf.Tensor:
    """The generator's GAN loss: small where the discriminator takes generated faces for real ones.

    Args:
        kind: As in `discriminator_loss`.
        fake: Logits of generated faces, (N, H, W, 1).

    Returns:
        A scalar.
    """
    fake = tf.cast(fake, tf.float32)
    if kind == "lsgan":
        return tf.reduce_mean(tf.square(fake - 1))
    if kind == "hinge":
        return -tf.reduce_mean(fake)
    return cross_entropy(fake, 1.0)


def l1(a: tf.Tensor, b: tf.Tensor, weights: tf.Tensor | None = None) -> tf.Tensor:
    """Mean absolute difference of two tensors of one shape, a scalar; `weights` are those of the pixels."""
    differences = tf.abs(tf.cast(a, tf.float32) - tf.cast(b, tf.float32))
    return tf.reduce_mean(differences if weights is None else weights * differences)


def face_weights(drawings: tf.Tensor, face_weight: float) -> tf.Tensor:
    """Weights of the pixels of a loss: `1 + face_weight` near what is drawn, falling off to 1.

    Args:
        drawings: (N, S, S, C) in [-1, 1], -1 where nothing is drawn.
        face_weight: Extra weight of the pixels near what is drawn.

    Returns:
        float32 (N, S, S, 1), in those proportions, with the mean 1.
    """
    cell = max(drawings.shape[1] // CELLS, 1)
    drawn = tf.cast(tf.reduce_max(drawings, -1, keepdims=True) > DRAWN, tf.float32)
    near = tf.nn.max_pool2d(tf.nn.max_pool2d(drawn, cell, cell, "SAME"), REACH, 1, "SAME")
    near = tf.nn.avg_pool2d(near, REACH, 1, "SAME")
    weights = 1 + face_weight * tf.repeat(tf.repeat(near, cell, axis=1), cell, axis=2)
    return weights / tf.reduce_mean(weights)


def dissimilarity(a: tf.Tensor, b: tf.Tensor, weights: tf.Tensor | None = None) -> tf.Tensor:
    """Mean of `dissimilarity_map`, a scalar in [0, 2]; `weights` are those of the pixels, (N, H, W, 1)."""
    found = dissimilarity_map(a, b)
    return tf.reduce_mean(found if weights is None else tf.nn.avg_pool2d(weights, 2, 2, "SAME") * found)


def dissimilarity_map(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    """1 - SSIM (structural similarity, Wang et al., 2004) of two batches of pictures, for training.

    It is computed for each channel, so that no colour may be off either, over every second window of 7x7
    pixels with equal weights: the Gaussian windows of the measure take several times as long. Windows at the
    border are smaller, so that pixels there count as much as others.

    Args:
        a: (N, H, W, C) in [-1, 1].
        b: Of the same shape.

    Returns:
        Of each window, in [0, 2]: (N, H / 2, W / 2, C), rounded up.
    """
    # SSIM compares means by their ratio: they have to be in [0, 2].
    a, b = (1 + tf.cast(x, tf.float32) for x in (a, b))
    products = tf.concat([a, b, a * a, b * b, a * b], -1)
    mean_a, mean_b, square_a, square_b, product = tf.split(
        tf.nn.avg_pool2d(products, SSIM_WINDOW, 2, "SAME"), 5, axis=-1
    )
    variances = square_a - mean_a**2 + square_b - mean_b**2
    covariance = product - mean_a * mean_b
    c1, c2 = (0.01 * VALUE_RANGE) ** 2, (0.03 * VALUE_RANGE) ** 2
    similarity = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    return 1 - similarity / ((mean_a**2 + mean_b**2 + c1) * (variances + c2))


def artefacts(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """By how much lines and colour specks of the generated pictures exceed those of the real ones.

    Both are artefacts of up-sampling. Only the excess is penalised: the real pictures' own detail has to stay
    possible, or the discriminator would learn that it is missing.

    Args:
        real: RGB, (N, S, S, 3) in [-1, 1], or other channels; S at least `TILE` + 1.
        fake: Of the same shape.

    Returns:
        The excess of `lines` and, of RGB, that of `colour_detail`, the mean over all tiles: a scalar, at
        least 0.
    """
    excess = _excess(lines, real, fake)
    if real.shape[-1] == RGB_CHANNELS:
        excess += COLOUR_SHARE * _excess(colour_detail, real, fake)
    return excess


def _excess(measure: Callable[[tf.Tensor], tf.Tensor], real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    return tf.reduce_mean(tf.nn.relu(measure(fake) - measure(real)))


def lines(pictures: tf.Tensor) -> tf.Tensor:
    """How strongly each tile repeats every 2 pixels, which is what up-sampling by 2 makes and no camera does.

    The mean step from even to odd columns is compared with that from odd to even ones, and so are the rows.

    Args:
        pictures: (N, S, S, C) in [-1, 1].

    Returns:
        The square of the ratio of that difference to the steps' mean absolute value, in [0, 4]; for columns
        and for rows, and for each channel: (N, T, T, 2 C).
    """
    pictures = tf.cast(pictures, tf.float32)
    ratios = []
    for along in (pictures, tf.transpose(pictures, (0, 2, 1, 3))):
        steps = along[:, :, 1:] - along[:, :, :-1]
        from_even, from_odd = steps[:, :, 0:-1:2], steps[:, :, 1::2]
        size, strides = (TILE, TILE // 2), (TILE // 2, TILE // 4)
        difference = tf.nn.avg_pool2d(from_even - from_odd, size, strides, "VALID")
        magnitude = tf.nn.avg_pool2d(tf.abs(from_even) + tf.abs(from_odd), size, strides, "VALID") / 2
        ratios.append(difference / (magnitude + LEAST_DIFFERENCE))
    return tf.square(tf.concat(ratios, -1))


def colour_detail(pictures: tf.Tensor) -> tf.Tensor:
    """How much each tile's colours differ from those of the pixels around: in hair that shows as specks.

    Args:
        pictures: RGB, (N, S, S, 3) in [-1, 1].

    Returns:
        The mean absolute difference of R - G and of B - G from their means over 3x3 pixels, in [0, 4]:
        (N, T, T, 2).
    """
    pictures = tf.cast(pictures, tf.float32)
    differences = tf.gather(pictures, [0, 2], axis=-1) - pictures[..., 1:2]
    detail = tf.abs(differences - tf.nn.avg_pool2d(differences, 3, 1, "SAME"))
    return tf.nn.avg_pool2d(detail, TILE, TILE // 2, "VALID")


def feature_matching(real: list[tf.Tensor], fake: list[tf.Tensor]) -> tf.Tensor:
    """Mean L1 between the discriminator's feature maps (Wang et al., arXiv 1711.11585, section 3.3).

    Args:
        real: Feature maps of the real faces, a tensor per layer. No gradient flows back through them.
        fake: Feature maps of the generated faces, of the same shapes.

    Returns:
        A scalar.
    """
    return tf.add_n([l1(tf.stop_gradient(a), b) for a, b in zip(real, fake, strict=True)]) / len(real)
