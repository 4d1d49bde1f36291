import cv2
import numpy as np
import pytest
import tensorflow as tf

from pix2pix import objectives
from tests import made

REAL, FAKE = np.array([-3.0, 0.5, 2.0], np.float32), np.array([0.25, -2.0, 1.5], np.float32)
"""Logits."""


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_cross_entropy(label):
    probability = 1 / (1 + np.exp(-REAL))
    expected = -np.log(probability if label else 1 - probability).mean()
    assert float(objectives.cross_entropy(tf.constant(REAL), label)) == pytest.approx(expected, rel=1e-5)


def test_cross_entropy_of_far_logits_is_finite():
    assert float(objectives.cross_entropy(tf.constant([1000.0]), 0.0)) == pytest.approx(1000)


@pytest.mark.parametrize(
    "kind, discriminator, generator",
    [
        (
            "vanilla",
            np.log1p(np.exp(-REAL)).mean() + np.log1p(np.exp(FAKE)).mean(),
            np.log1p(np.exp(-FAKE)).mean(),
        ),
        ("lsgan", ((REAL - 1) ** 2).mean() + (FAKE**2).mean(), ((FAKE - 1) ** 2).mean()),
        (
            "hinge",
            np.maximum(1 - REAL, 0).mean() + np.maximum(1 + FAKE, 0).mean(),
            -FAKE.mean(),
        ),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_gan_losses(kind, discriminator, generator, dtype):
    real, fake = tf.constant(REAL, dtype), tf.constant(FAKE, dtype)
    losses = objectives.discriminator_loss(kind, real, fake), objectives.gan_loss(kind, fake)
    assert [float(loss) for loss in losses] == pytest.approx([discriminator, generator], rel=1e-5)
    assert {loss.dtype for loss in losses} == {tf.float32}


def test_dissimilarity_is_near_what_ssim_measures():
    """TensorFlow's SSIM has Gaussian windows; it is told from pictures of different similarity."""
    rng = np.random.default_rng(0)
    picture = tf.constant(made.noise(64, 64)[None] / 127.5 - 1, tf.float32)
    for noise in (0.02, 0.1, 0.5):
        other = tf.clip_by_value(picture + rng.normal(0, noise, picture.shape), -1, 1)
        expected = 1 - tf.image.ssim(picture + 1, other + 1, max_val=2)[0]
        assert float(objectives.dissimilarity(picture, other)) == pytest.approx(float(expected), rel=0.4)
    assert float(objectives.dissimilarity(picture, picture)) == pytest.approx(0, abs=1e-4)


def test_dissimilarity_sees_lost_texture_that_l1_hardly_sees():
    """Of two pictures with the same L1, the blurred one is worse than the one that is brighter all over."""
    picture = tf.constant(made.noise(64, 64)[None] / 160 - 0.8, tf.float32)
    blurred = tf.image.resize(tf.image.resize(picture, (8, 8), "area"), (64, 64))
    brighter = picture + objectives.l1(picture, blurred)
    assert float(objectives.l1(picture, brighter)) == pytest.approx(
        float(objectives.l1(picture, blurred)), rel=1e-3
    )
    assert objectives.dissimilarity(picture, blurred) > 2 * objectives.dissimilarity(picture, brighter)


def test_feature_matching_is_the_mean_over_maps_of_their_l1():
    real = [tf.zeros((1, 4, 4, 2), tf.bfloat16), tf.ones((1, 2, 2, 3), tf.bfloat16)]
    fake = [tf.fill((1, 4, 4, 2), tf.cast(0.5, tf.bfloat16)), tf.zeros((1, 2, 2, 3), tf.bfloat16)]
    loss = objectives.feature_matching(real, fake)
    assert loss.dtype == tf.float32
    assert float(loss) == pytest.approx((0.5 + 1.0) / 2)


def test_feature_matching_moves_the_generated_face_towards_the_real_one():
    real, fake = tf.ones((1, 2, 2, 1)), tf.zeros((1, 2, 2, 1))
    with tf.GradientTape() as tape:
        tape.watch([real, fake])
        loss = objectives.feature_matching([real], [fake])
    of_real, of_fake = tape.gradient(loss, [real, fake])
    assert of_real is None
    assert (of_fake.numpy() < 0).all()


def test_dissimilarity_sees_the_picture_s_corner():
    """Specks in the last pixels cost as much as specks in the middle, up to the windows that see them."""
    picture = made.noise(64, 64)[None] / 127.5 - 1

    def cost(place: slice) -> float:
        damaged = picture.copy()
        damaged[:, place, place] = -damaged[:, place, place]
        return float(objectives.dissimilarity(tf.constant(picture), tf.constant(damaged)))

    assert cost(slice(60, 64)) > 0.3 * cost(slice(30, 34))


def test_lines_every_2_pixels_are_told_from_noise_and_edges():
    noise = made.noise(64, 64)[None] / 127.5 - 1
    blurred = cv2.GaussianBlur(noise[0], (0, 0), 1.5)[None]
    across = np.arange(64)[None, None, :, None]
    edge, ramp = np.tanh((across - 31) / 3), across / 32 - 1
    for picture in (0 * noise, noise, blurred, edge + 0 * noise, ramp + 0 * noise):
        assert lines(picture) < 0.02
    alternating = 0.1 * (across % 2 - 0.5)
    for repeated in (alternating, alternating.transpose(0, 2, 1, 3)):
        assert lines(blurred + repeated) > 1


def lines(picture: np.ndarray) -> float:
    return float(tf.reduce_mean(objectives.lines(tf.constant(picture, tf.float32))))


def test_colour_detail_is_told_from_detail_of_brightness_and_from_even_colours():
    grey = np.repeat(made.noise(64, 64)[None, ..., :1] / 127.5 - 1, 3, axis=-1)
    even = 0 * grey + np.array([0.5, 0.0, -0.5])
    specks = even.copy()
    specks[:, ::4, ::4, 0] = 1
    without, also_without, detail = (
        objectives.colour_detail(tf.constant(picture, tf.float32)).numpy() for picture in (grey, even, specks)
    )
    assert max(without.max(), also_without.max()) < 1e-6 and detail[..., 0].min() > 0.02


def test_artefacts_are_what_the_real_picture_lacks():
    """As strong a pattern costs nothing, be it elsewhere by a pixel; the same one in another tile costs."""
    noise = made.noise(64, 64)[None] / 127.5 - 1
    smooth = cv2.GaussianBlur(noise[0], (0, 0), 3)[None]
    lined, specked = smooth.copy(), smooth.copy()
    lined[:, :, :32:2] += 0.1
    specked[:, :32:4, ::4, 0] += 0.5

    def cost(real: np.ndarray, fake: np.ndarray) -> float:
        return float(objectives.artefacts(tf.constant(real, tf.float32), tf.constant(fake, tf.float32)))

    for picture in (lined, specked):
        assert cost(picture, picture) == 0 and cost(picture, smooth) < 1e-6
        assert cost(smooth, picture) > 0.01
        assert cost(picture[:, ::-1, ::-1], picture) > 0.3 * cost(smooth, picture)
    for channels in (slice(1), slice(2)):  # lightness, and the colours of --lab_colorization
        assert cost(smooth[..., channels], lined[..., channels]) > 0.01
    assert cost(lined, np.roll(lined, 2, axis=1)) < 0.1 * cost(smooth, lined)


@pytest.mark.parametrize("size", [64, 256])
def test_pixels_near_the_drawing_weigh_more(size):
    drawing = np.full((1, size, size, 3), -1, np.float32)
    drawing[:, size // 2, size // 2, 0] = 1
    weights = objectives.face_weights(tf.constant(drawing), 4.0).numpy()[0, ..., 0]
    assert weights.shape == (size, size) and weights.mean() == pytest.approx(1, abs=1e-5)
    drawn, corner = weights[size // 2, size // 2], weights[0, 0]
    assert drawn == weights.max() and corner == weights.min() and drawn == pytest.approx(5 * corner)
    assert corner < weights[size // 2, size // 2 + size // 21] < drawn  # it falls off
    assert weights[size // 2, size // 2 + size // 10] == corner
    empty = objectives.face_weights(tf.constant(np.full_like(drawing, -1)), 4.0)
    assert empty.numpy() == pytest.approx(np.ones((1, size, size, 1)))
