import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from pix2pix import folding, networks, options
from pix2pix.options import Options
from tests import made

SIZE, NGF = 64, 4
LEVELS = 6  # 64 pixels to 1


@pytest.fixture(scope="module")
def generator() -> keras.Model:
    keras.utils.set_random_seed(0)
    return made.generator(SIZE, NGF, statistics=options.MOVING)


def pictures(count: int, size: int = SIZE, seed: int = 0) -> tf.Tensor:
    return tf.constant(np.random.default_rng(seed).uniform(-1, 1, (count, size, size, 3)), tf.float32)


def difference(a, b) -> float:
    return float(np.abs(np.asarray(a) - np.asarray(b)).max())


def of_kind(model: keras.Model, kind: type) -> list[str]:
    return [layer.name for layer in model.layers if isinstance(layer, kind)]


def weights_of_block(inputs: int, filters: int, norm: bool) -> int:
    """A 4x4 convolution with gamma and beta of its norm, or with a bias instead."""
    return 4 * 4 * inputs * filters + (2 if norm else 1) * filters


def trainable(model: keras.Model) -> int:
    return sum(int(np.prod(v.shape)) for v in model.trainable_variables)


def test_generator_has_as_many_parameters_as_the_papers_table():
    """Section 6.1.1: C64-C128-C256-C512-C512-C512-C512-C512, then CD512-CD512-CD512-C512-C256-C128-C64."""
    down, up = [64, 128, 256, 512, 512, 512, 512, 512], [512, 512, 512, 512, 256, 128, 64, 3]
    expected = sum(
        weights_of_block(inputs, filters, norm=0 < i < 7)
        for i, (inputs, filters) in enumerate(zip([3, *down[:-1]], down, strict=True))
    )
    read = [down[-1], *(own + skipped for own, skipped in zip(up, down[-2::-1], strict=False))]
    expected += sum(
        weights_of_block(inputs, filters, norm=i < 7)
        for i, (inputs, filters) in enumerate(zip(read, up, strict=True))
    )
    assert trainable(made.generator(256, 64, statistics=options.MOVING)) == expected
    assert 54.4e6 < expected < 54.5e6


def test_discriminator_has_as_many_parameters_as_the_papers_table():
    """Section 6.1.2: C64-C128-C256-C512 and a convolution to one logit, on two pictures."""
    widths = [6, 64, 128, 256, 512]
    expected = 4 * 4 * 512 + 1 + sum(weights_of_block(widths[i], widths[i + 1], norm=i > 0) for i in range(4))
    assert trainable(networks.discriminator(256, 64)) == expected
    assert 2.76e6 < expected < 2.78e6


@pytest.mark.parametrize("size", [32, 128, 256])
def test_shapes(size):
    batch = pictures(2, size)
    faces = made.generator(size, 2)(batch)
    assert faces.shape == (2, size, size, 3)
    logits = networks.discriminator(size, 2)([batch, faces])
    assert logits.shape == (2, size // 8 - 2, size // 8 - 2, 1)


def test_a_face_stays_within_its_range(generator):
    assert difference(generator(1000 * pictures(1)), 0) <= 1


def test_filters_of_the_encoder():
    assert networks.encoder_filters(256, 32) == [32, 64, 128, 256, 256, 256, 256, 256]
    assert networks.encoder_filters(512, 32) == [16, 32, 64, 128, 256, 256, 256, 256, 256]
    assert networks.encoder_filters(512, 32, light_head=False) == [32, 64, 128, *[256] * 6]
    assert networks.encoder_filters(512, 1) == [1, 1, 2, 4, 8, 8, 8, 8, 8]


@pytest.mark.parametrize("light_head", [True, False])
@pytest.mark.parametrize("ngf", [1, 6])
def test_a_folded_generator_has_the_filters_of_the_trained_one(ngf, light_head):
    opts = Options(image_size=512, ngf=ngf, light_head=light_head, scale_size=572)
    trained = networks.generator_of(opts)
    found = folding.fold(trained)
    assert networks.filters_of(found) == networks.encoder_filters(512, ngf, light_head)
    drawing = pictures(1, 512)
    assert difference(found(drawing), trained(drawing)) < 1e-4


@pytest.mark.parametrize("size", [4, 100, 255])
def test_a_size_that_cannot_be_halved_down_to_1_is_refused(size):
    with pytest.raises(ValueError, match=f"expected an image size of a power of two, 8 or more, got {size}"):
        networks.encoder_filters(size, 4)


@pytest.mark.parametrize("half", [0, 1])
def test_a_logit_judges_a_patch_of_70_pixels(half):
    """Which pixels of the drawing (0) or the face (1) move a logit in the middle: its gradient tells."""
    discriminator = networks.discriminator(256, 4)
    pair = [pictures(1, 256, seed=1), pictures(1, 256, seed=2)]
    with tf.GradientTape() as tape:
        tape.watch(pair[half])
        logit = discriminator(pair, training=False)[0, 15, 15, 0]
    touched = np.abs(tape.gradient(logit, pair[half]).numpy()[0]).sum(axis=-1) > 0
    rows, columns = np.flatnonzero(touched.any(axis=1)), np.flatnonzero(touched.any(axis=0))
    assert len(rows) == np.ptp(rows) + 1 == 70
    assert len(columns) == np.ptp(columns) + 1 == 70


def test_all_blocks_but_the_outermost_and_innermost_are_normalised(generator):
    down = [f"encoder_{level}_norm" for level in range(2, LEVELS)]
    up = [f"decoder_{level}_norm" for level in range(LEVELS, 1, -1)]
    assert of_kind(generator, layers.BatchNormalization) == down + up


def test_the_innermost_map_still_tells_pictures_apart_while_training(generator):
    """A norm over its single value of one picture would give the same map for all."""
    innermost = keras.Model(generator.input, generator.get_layer(f"decoder_{LEVELS}_relu").output)
    a, b = (innermost(pictures(1, seed=seed), training=True) for seed in (1, 2))
    assert a.shape == (1, 1, 1, 8 * NGF)
    assert difference(a, b) > 1e-3


def test_dropout_stands_in_the_first_three_decoder_blocks(generator):
    assert of_kind(generator, layers.Dropout) == [f"decoder_{level}_dropout" for level in (6, 5, 4)]
    assert {layer.rate for layer in generator.layers if isinstance(layer, layers.Dropout)} == {0.5}


def test_dropout_works_in_training_alone(generator):
    picture = pictures(1)
    assert difference(generator(picture, training=True), generator(picture, training=True)) > 1e-3
    assert difference(generator(picture, training=False), generator(picture, training=False)) == 0


@pytest.mark.parametrize("statistics", [options.NONE, options.MOVING])
@pytest.mark.parametrize("level", range(2, LEVELS + 1))
def test_a_skip_leads_past_each_level(level, statistics):
    """With all that lies below a level cut off, the face still depends on the drawing."""
    generator = made.generator(SIZE, NGF, statistics=statistics)
    cut = generator.get_layer(f"decoder_{level}_conv")
    cut.kernel.assign(tf.zeros_like(cut.kernel))
    assert difference(generator(pictures(1, seed=1)), generator(pictures(1, seed=2))) > 1e-6


def test_without_the_last_block_nothing_is_left(generator):
    """The counterpart of the test of skips: no way leads past the last block."""
    cut = made.generator(SIZE, NGF)
    kernel = cut.get_layer("decoder_1_conv").kernel
    kernel.assign(tf.zeros_like(kernel))
    assert difference(cut(pictures(1, seed=1)), cut(pictures(1, seed=2))) == 0


def test_weights_begin_as_in_the_paper():
    for model in (
        made.generator(256, 16, statistics=options.INSTANCE),
        networks.discriminator(256, 16),
    ):
        for layer in model.layers:
            if layer.name.endswith("_conv") and np.prod(layer.kernel.shape) > 5000:
                assert np.std(layer.kernel) == pytest.approx(0.02, rel=0.1), layer.name
                assert np.mean(layer.kernel) == pytest.approx(0, abs=0.002), layer.name
            if layer.name.endswith("_norm"):
                assert layer.epsilon == 1e-5
                assert np.mean(layer.gamma) == pytest.approx(1, abs=0.02), layer.name


def test_leaky_relus_slope_is_the_papers():
    for model in (made.generator(SIZE, NGF), networks.discriminator(SIZE, NGF)):
        slopes = {layer.negative_slope for layer in model.layers if isinstance(layer, layers.LeakyReLU)}
        assert slopes == {0.2}


@pytest.mark.parametrize(
    "statistics, separable",
    [
        (options.NONE, False),
        (options.MOVING, False),
        (options.MOVING, True),
        (options.INSTANCE, False),
        (options.INSTANCE, True),
    ],
)
def test_a_folded_generator_answers_as_the_trained_one(statistics, separable):
    trained = made.generator(SIZE, NGF, separable=separable, statistics=statistics)
    made.unsettle(trained)
    folded = folding.fold(trained)
    picture = pictures(2)
    assert np.std(trained(picture)) > 0.1
    assert difference(trained(picture, training=False), folded(picture, training=False)) < 1e-4


def test_without_statistics_a_generator_trains_as_it_infers():
    generator = made.generator(SIZE, NGF, statistics=options.NONE)
    made.unsettle(generator)
    picture = pictures(1)
    assert difference(generator(picture, training=True), generator(picture, training=False)) == 0


def test_a_generator_normalised_by_picture_does_not_see_the_others_of_a_batch():
    generator = made.generator(SIZE, NGF, statistics=options.INSTANCE)
    batch = pictures(2)
    assert difference(generator(batch)[:1], generator(batch[:1])) < 1e-5


def test_a_norm_free_generator_begins_with_feature_maps_of_an_even_size():
    """He's initialisation keeps their variance, from the drawing to the innermost block and back."""
    keras.utils.set_random_seed(0)
    generator = made.generator(256, 16, statistics=options.NONE)
    names = [layer.name for layer in generator.layers if layer.name.endswith("_conv")][:-1]
    maps = keras.Model(generator.inputs, [generator.get_layer(name).output for name in names])
    deviations = {name: np.std(x) for name, x in zip(names, maps(pictures(1, 256)), strict=True)}
    assert all(0.1 < value < 3 for value in deviations.values()), deviations


def test_a_folded_generator_has_neither_norm_nor_dropout():
    folded = folding.fold(made.generator(SIZE, NGF, statistics=options.MOVING))
    assert not of_kind(folded, layers.BatchNormalization) and not of_kind(folded, layers.Dropout)
    picture = pictures(1)
    assert difference(folded(picture, training=True), folded(picture, training=False)) == 0
