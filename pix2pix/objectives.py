"""What the networks are trained for. Logits and features may be of any float type, losses are float32."""

import tensorflow as tf


def cross_entropy(logits: tf.Tensor, label: float) -> tf.Tensor:
    """Mean cross-entropy of the patches' logits against one label, stable for any logit."""
    labels = tf.fill(tf.shape(logits), label)
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits))


def discriminator(kind: str, real: tf.Tensor, painted: tf.Tensor) -> tf.Tensor:
    """Of the logits of real and painted faces.

    Args:
        kind: vanilla (cross-entropy, as in the paper), lsgan (least squares, arXiv 1611.04076) or hinge
            (arXiv 1705.02894).
    """
    real, painted = tf.cast(real, tf.float32), tf.cast(painted, tf.float32)
    if kind == "lsgan":
        return tf.reduce_mean(tf.square(real - 1)) + tf.reduce_mean(tf.square(painted))
    if kind == "hinge":
        return tf.reduce_mean(tf.nn.relu(1 - real)) + tf.reduce_mean(tf.nn.relu(1 + painted))
    return cross_entropy(real, 1.0) + cross_entropy(painted, 0.0)


def gan(kind: str, painted: tf.Tensor) -> tf.Tensor:
    """The generator's side of it: the painted faces' logits should be those of real ones."""
    painted = tf.cast(painted, tf.float32)
    if kind == "lsgan":
        return tf.reduce_mean(tf.square(painted - 1))
    if kind == "hinge":
        return -tf.reduce_mean(painted)
    return cross_entropy(painted, 1.0)


def l1(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    return tf.reduce_mean(tf.abs(tf.cast(a, tf.float32) - tf.cast(b, tf.float32)))


def feature_matching(real: list[tf.Tensor], painted: list[tf.Tensor]) -> tf.Tensor:
    """Mean L1 between the discriminator's maps of both faces (Wang et al., arXiv 1711.11585, section 3.3).

    The maps of the real face are what is aimed at: nothing flows back through them.
    """
    return tf.add_n([l1(tf.stop_gradient(a), b) for a, b in zip(real, painted, strict=True)]) / len(real)
