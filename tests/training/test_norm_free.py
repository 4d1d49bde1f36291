import numpy as np
import pytest
import tensorflow as tf
from keras import initializers, layers

from pix2pix.norm_free import NearestConv2DTranspose, OpponentToRGB, nearest_kernel


@pytest.mark.parametrize("im2col_max_side", [0, 8], ids=["large", "small"])
def test_a_nearest_convolution_is_up_sampling_and_a_convolution(im2col_max_side):
    inputs = tf.constant(np.random.default_rng(0).normal(0, 1, (2, 8, 8, 5)), tf.float32)
    layer = NearestConv2DTranspose(6, im2col_max_side, initializers.RandomNormal(0.0, 1.0))
    outputs = layer(inputs)
    enlarged = layers.UpSampling2D(2, interpolation="nearest")(inputs)
    kernel = tf.transpose(layer.kernel, (0, 1, 3, 2))
    expected = tf.nn.conv2d(enlarged, kernel[::-1, ::-1], 1, "SAME")
    assert outputs.numpy() == pytest.approx(expected.numpy(), abs=1e-4)


@pytest.mark.parametrize("im2col_max_side", [0, 8], ids=["large", "small"])
def test_a_constant_is_up_sampled_without_a_pattern(im2col_max_side):
    layer = NearestConv2DTranspose(6, im2col_max_side, initializers.RandomNormal(0.0, 1.0))
    inner = layer(tf.ones((1, 8, 8, 5)))[0, 1:-1, 1:-1].numpy()
    assert inner == pytest.approx(np.broadcast_to(inner[0, 0], inner.shape), abs=1e-4)
    assert np.std(inner[0, 0]) > 1  # each channel has its own value


def test_the_nearest_kernel_paints_no_pattern_and_changes_no_kernel_that_paints_none():
    free = tf.constant(np.random.default_rng(0).normal(0, 1, (4, 4, 6, 5)), tf.float32)

    def of_a_constant(kernel: tf.Tensor) -> np.ndarray:
        return tf.nn.conv2d_transpose(tf.ones((1, 8, 8, 5)), kernel, (1, 16, 16, 6), 2, "SAME")[0, 1:-1, 1:-1]

    def pattern(kernel: tf.Tensor) -> float:
        return float(np.std(of_a_constant(kernel), axis=(0, 1)).max())

    nearest = nearest_kernel(free)
    assert pattern(free) > 1 and pattern(nearest) < 1e-5
    # Least squares: what is taken away has nothing in common with what stays.
    assert float(tf.reduce_sum(nearest * (free - nearest))) == pytest.approx(0, abs=1e-3)
    layer = NearestConv2DTranspose(6, 0, initializers.RandomNormal(0.0, 1.0))
    layer(tf.ones((1, 8, 8, 5)))
    kernel = layer.transposed_kernel()
    assert nearest_kernel(kernel).numpy() == pytest.approx(kernel.numpy(), abs=1e-5)


def test_the_intensity_is_grey_and_colour_differences_do_not_change_it():
    grey, *differences = OpponentToRGB()(tf.eye(3)[:, None, None]).numpy().reshape(3, 3)
    assert np.ptp(grey) == 0 and grey[0] > 0
    for difference in differences:
        assert difference.sum() == pytest.approx(0, abs=1e-7)
        assert np.linalg.norm(difference) == pytest.approx(OpponentToRGB.CHROMA_SCALE * np.linalg.norm(grey))
