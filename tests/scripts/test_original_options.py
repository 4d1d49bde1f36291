"""The rarer options of the original trainer, each in a short training."""

import re
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorflow.tsl.profiler.protobuf import xplane_pb2

import freeze_model
import reduce_model
from face2face import pictures
from face2face.generator.generator import Generator
from pix2pix import (
    augmentation,
    checkpoints,
    colours,
    dataset,
    folding,
    inference,
    networks,
    options,
    pix2pix,
    trainer,
    training,
)
from tests import made

SMALL = replace(made.SMALL, image_size=32, scale_size=36, max_steps=6)


def test_mode(model: Path, input_dir: Path, output_dir: Path, *arguments) -> int:
    arguments = ["--checkpoint", model, "--input_dir", input_dir, "--output_dir", output_dir, *arguments]
    return made.edge(pix2pix.main, "--mode", "test", *arguments)


test_mode.__test__ = False


# --- separable convolutions, profiles -------------------------------------------------------------------


@pytest.fixture(scope="module")
def separable(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("separable")
    pairs = made.write_pairs(folder / "train", 2, 32)
    training.train(
        replace(SMALL, separable_conv=True, statistics=options.MOVING, trace_freq=4), pairs, folder / "model"
    )
    return folder / "model"


def test_separable_convolutions_train_reduce_and_freeze(separable, tmp_path):
    opts = options.read(separable, options.TRAINING)
    assert opts.separable_conv
    trained = networks.generator_of(opts)
    checkpoints.restore_generator(trained, separable)
    kinds = {type(layer) for layer in trained.layers if layer.name.endswith("_conv")}
    assert kinds == {layers.SeparableConv2D}
    assert trained.count_params() < made.generator(32, 4).count_params() / 5
    reduce_model.reduce(separable, tmp_path / "reduced")
    face = Generator(freeze_model.freeze(tmp_path / "reduced"))(made.noise(32, 32))
    expected = inference.uint8_predictor(trained)(made.noise(32, 32))
    assert np.abs(face.astype(int) - expected).max() <= 1


def test_a_folded_separable_generator_answers_as_the_trained_one():
    trained = made.generator(32, 4, separable=True, statistics=options.MOVING)
    made.unsettle(trained)
    picture = np.random.default_rng(0).uniform(-1, 1, (1, 32, 32, 3)).astype(np.float32)
    expected = trained(picture, training=False).numpy()
    assert np.std(expected) > 0.1
    assert np.abs(folding.fold(trained)(picture).numpy() - expected).max() < 1e-4


def test_a_profile_is_where_tensorboard_looks(separable):
    """Of step 4, in the format of its profiler plugin."""
    (path,) = separable.glob("plugins/profile/*/*.xplane.pb")
    names = set()
    for plane in xplane_pb2.XSpace.FromString(path.read_bytes()).planes:
        names |= {event.name for event in plane.event_metadata.values()}
    assert any("train" in name for name in names)
    assert any("Conv2D" in name for name in names)


# --- aspect ratio ---------------------------------------------------------------------------------------


def test_pictures_of_another_shape_are_squeezed_and_shown_as_they_are(tmp_path, capsys):
    pairs = tmp_path / "train"
    pairs.mkdir()
    for i in range(2):
        pictures.write(pairs / f"{i}.png", made.noise(32, 96, i))  # halves of 48x32
    opts = replace(SMALL, aspect_ratio=1.5, flip=False, scale_size=32, display_freq=6)
    training.train(opts, pairs, tmp_path / "model")
    shown = {p.name: pictures.read(p).shape for p in (tmp_path / "model/images").iterdir()}
    assert set(shown.values()) == {(32, 48, 3)} and len(shown) == 3
    assert test_mode(tmp_path / "model", pairs, tmp_path / "report") == 0
    target = pictures.read(tmp_path / "report/images/0-targets.png")
    assert target.shape == (32, 48, 3)
    assert np.abs(target.astype(int) - pictures.read(pairs / "0.png")[:, 48:]).mean() < 12
    assert test_mode(tmp_path / "model", pairs, tmp_path / "square", "--aspect_ratio", 1) == 2
    assert "expected a pair, twice as wide as high (--aspect_ratio squeezes others), got 96x32" in (
        capsys.readouterr().err
    )


def test_halves_of_any_shape_are_squeezed(tmp_path):
    """As in the original: the ratio is of the pictures shown, not of the halves. Also of an odd width."""
    for i, width in enumerate((96, 75)):
        pictures.write(tmp_path / f"train/{i}.png", made.noise(40, width, i))
    found = dataset.find_pairs(tmp_path / "train", 2.0)
    assert len(found) == 2
    for path in found:
        for half in dataset.read_normalised(path, replace(SMALL, aspect_ratio=2.0)):
            assert half.shape == (32, 32, 3)


def test_a_model_of_square_pictures_paints_others(tmp_path):
    """Trained on redrawn square pairs, and tested with --aspect_ratio."""
    made.write_pairs(tmp_path / "train", 2, 32)
    training.train(replace(SMALL, jitter="redraw", max_steps=1), tmp_path / "train", tmp_path / "model")
    pictures.write(tmp_path / "wide/1.png", made.noise(32, 96))
    assert test_mode(tmp_path / "model", tmp_path / "wide", tmp_path / "report", "--aspect_ratio", 1.5) == 0
    assert pictures.read(tmp_path / "report/images/1-outputs.png").shape == (32, 48, 3)


# --- what TensorBoard shows -----------------------------------------------------------------------------


def test_tensorboard_shows_the_discriminators_answers_and_histograms_on_request(tmp_path):
    pairs = made.write_pairs(tmp_path / "train", 2, 32)
    training.train(replace(SMALL, max_steps=1, summary_freq=1, histograms=True), pairs, tmp_path / "model")
    events = EventAccumulator(str(tmp_path / "model"), size_guidance={"tensors": 0}).Reload()
    for tag in ("predict_real", "predict_fake"):
        _, _, png = events.Tensors(tag)[0].tensor_proto.string_val
        assert tf.io.decode_png(png).shape == (2, 2, 1)
    assert events.Tensors("generator/decoder_1_conv/kernel/values")
    assert events.Tensors("discriminator/layer_1_conv/kernel/gradients")


def test_answers_are_those_of_training_and_change_nothing(tmp_path):
    subject = trainer.Trainer(SMALL)
    pair = [tf.constant(made.noise(32, 32, i)[None] / 127.5 - 1, tf.float32) for i in range(2)]
    before = [v.numpy() for v in subject.discriminator.variables]
    answers = subject.patch_scores(*pair)
    assert all(np.array_equal(a, b) for a, b in zip(before, subject.discriminator.variables, strict=True))
    expected = tf.sigmoid(subject.discriminator(pair, training=True))[0] * 255
    assert answers.shape == (2, 2, 1) and np.abs(answers - expected).max() < 1


def test_jitter_squeezes_the_whole_picture():
    """A frame at its edge is at the edge of the square."""
    picture = np.zeros((32, 48, 3), np.uint8)
    cv2.rectangle(picture, (0, 0), (47, 31), (255, 255, 255), 3)
    square, _ = augmentation.jitter(
        picture, picture, replace(SMALL, scale_size=32, flip=False), np.random.default_rng(0)
    )
    for edge in (square[0], square[-1], square[:, 0], square[:, -1]):
        assert edge.min() > 200
    assert square[8:24, 8:24].max() == 0


# --- colours --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for i in range(3):
        pictures.write(folder / f"{i}.png", made.noise(32, 32, i))
    return folder


def test_colours_go_there_and_back():
    picture = made.noise(32, 32)
    lightness, colour = colours.split(picture)
    assert lightness.shape == (32, 32, 1) and colour.shape == (32, 32, 2)
    assert max(np.abs(lightness).max(), np.abs(colour).max()) <= 1
    assert np.abs(colours.join(lightness, colour).astype(int) - picture).max() <= 1


def test_white_and_black_have_no_colour():
    grey = np.array([[[0] * 3, [255] * 3]], np.uint8)
    lightness, colour = colours.split(grey)
    assert lightness.ravel() == pytest.approx([-1, 1], abs=1e-3) and np.abs(colour).max() < 1e-3


@pytest.mark.parametrize("direction, channels", [("AtoB", (1, 2)), ("BtoA", (2, 1))])
def test_colours_are_learned_from_pictures_alone(direction, channels, photos, tmp_path, capsys):
    opts = replace(SMALL, lab_colorization=True, which_direction=direction, display_freq=6)
    trained = training.train(opts, photos, tmp_path / "model")
    assert (trained.generator.input_shape[-1], trained.generator.output_shape[-1]) == channels
    assert test_mode(tmp_path / "model", photos, tmp_path / "report") == 0
    assert re.search("mean over 3 images: L1", capsys.readouterr().out)
    seen, painted, true = (
        pictures.read(tmp_path / f"report/images/0-{kind}.png") for kind in ("inputs", "outputs", "targets")
    )
    assert np.abs(true.astype(int) - made.noise(32, 32)).max() <= 1
    if direction == "AtoB":
        assert np.ptp(seen.astype(int), axis=-1).max() <= 1  # grey
    assert painted.shape == (32, 32, 3)
    assert test_mode(tmp_path / "model", photos, tmp_path / "unpaired", "--unpaired") == 2
    assert "expected no --unpaired with a model of --lab_colorization, got it" in capsys.readouterr().err
    assert made.edge(reduce_model.main, "--model-input", tmp_path / "model", "--model-output", "r") == 2
    assert "got one of --lab_colorization" in capsys.readouterr().err
