import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from face2face.cli import UserError
from face2face.target import target_file
from face2face.target.sidecar import SIDECAR_NAME as SIDECAR
from pix2pix import (
    checkpoints,
    dataset,
    folding,
    images,
    networks,
    options,
    precision,
    training,
)
from tests import made

STEPS = 60
WHOLE = replace(
    made.SMALL,
    image_size=32,
    scale_size=36,
    ema=True,
    batch_size=2,
    max_steps=14,
    precision="mixed_float16",
    gan_loss="hinge",
    feature_matching=10.0,
)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory) -> Path:
    return made.write_pairs(tmp_path_factory.mktemp("pairs"), 4)


@pytest.fixture(scope="module")
def trained(pairs, tmp_path_factory) -> Path:
    """A short training with everything written at each step."""
    folder = tmp_path_factory.mktemp("trained")
    opts = replace(made.SMALL, ngf=8, max_steps=STEPS, summary_freq=1, display_freq=20, save_freq=10)
    training.train(opts, pairs, folder)
    return folder


@pytest.fixture(scope="module")
def whole(pairs, tmp_path_factory) -> Path:
    """A training in one go, of all that keeps a state."""
    folder = tmp_path_factory.mktemp("whole")
    training.train(WHOLE, pairs, folder)
    return folder


@pytest.fixture(scope="module")
def foreign(tmp_path_factory) -> Path:
    """A training of two epochs on pairs from elsewhere, without a sidecar: 4 pairs, 3 a batch."""
    pairs = made.write_pairs(tmp_path_factory.mktemp("foreign"), 4)
    (pairs / SIDECAR).unlink()
    folder = tmp_path_factory.mktemp("foreign-trained")
    training.train(replace(made.SMALL, max_steps=None, max_epochs=2, batch_size=3), pairs, folder)
    return folder


@pytest.fixture(scope="module")
def events(trained) -> EventAccumulator:
    found = EventAccumulator(str(trained), size_guidance={"tensors": 0})
    return found.Reload()


def weights(folder: Path) -> dict[str, np.ndarray]:
    """All variables of a folder's newest checkpoint, of both networks and their optimisers."""
    reader = tf.train.load_checkpoint(str(folder))
    names = [name for name in reader.get_variable_to_shape_map() if name != "_CHECKPOINTABLE_OBJECT_GRAPH"]
    return {name: reader.get_tensor(name) for name in names if "save_counter" not in name}


def same(a: Path, b: Path) -> bool:
    ours, theirs = weights(a), weights(b)
    return ours.keys() == theirs.keys() and all(np.array_equal(ours[name], theirs[name]) for name in ours)


def losses(events: EventAccumulator, name: str) -> list[float]:
    return [float(tf.make_ndarray(event.tensor_proto)) for event in events.Tensors(f"loss/{name}")]


# --- a whole training -----------------------------------------------------------------------------------


def test_a_short_training_lowers_l1(events):
    l1 = losses(events, "l1")
    assert len(l1) == STEPS
    assert np.mean(l1[-8:]) < 0.7 * np.mean(l1[:8])


@pytest.mark.parametrize("statistics", [options.NONE, options.INSTANCE])
def test_what_is_exported_is_what_was_trained(statistics, pairs, tmp_path, monkeypatch):
    """The L1 on the pairs is within 1 % of that of the same weights in training mode."""
    monkeypatch.setattr(networks, "DROPOUT_RATE", 0.0)  # 2017's noise, which no inference repeats
    opts = replace(made.SMALL, statistics=statistics, max_steps=20)
    subject = training.train(opts, pairs, tmp_path)
    l1 = {"trained": [], "exported": []}
    exported = folding.fold(subject.exported)
    for path in sorted(pairs.glob("*.png")):
        drawing, photo = (half[None] for half in dataset.read_normalised(path, opts))
        l1["exported"].append(np.abs(exported(drawing) - photo).mean())
        l1["trained"].append(np.abs(subject.exported(drawing, training=True) - photo).mean())
    assert np.mean(l1["exported"]) == pytest.approx(np.mean(l1["trained"]), rel=0.01)
    assert np.mean(l1["exported"]) < 0.5


def test_a_trained_generator_paints_the_pairs_better_than_a_new_one(trained, pairs):
    opts = options.read(trained, options.TRAINING)
    generator = networks.generator_of(opts)

    def error() -> float:
        found = [dataset.read_pair(path, opts) for path in dataset.find_pairs(pairs)]
        drawings, faces = (images.normalise(np.float32(half)) for half in zip(*found, strict=True))
        return float(np.abs(generator(drawings, training=True) - faces).mean())

    before = error()
    checkpoints.restore_generator(generator, trained)
    assert error() < 0.7 * before


def test_scalars_and_pictures_for_tensorboard(events):
    for name in ("discriminator", "gan", "l1"):
        assert [event.step for event in events.Tensors(f"loss/{name}")] == list(range(1, STEPS + 1))
        assert np.isfinite(losses(events, name)).all()
    for kind in ("inputs", "outputs", "targets"):
        width, height, png, *more = tf.make_ndarray(events.Tensors(kind)[0].tensor_proto)
        assert (width, height, len(more)) == (b"64", b"64", 0)
        assert tf.io.decode_png(png).shape == (64, 64, 3)


def test_there_are_no_histograms_without_histograms(events):
    assert not [tag for tag in events.Tags()["tensors"] if tag.startswith(("generator/", "discriminator/"))]


def test_pictures_of_the_training_are_shown(trained):
    shown = {path.name for path in (trained / "images").iterdir()}
    assert shown == {
        f"000000{n}-{kind}.png" for n in (20, 40, 60) for kind in ("inputs", "outputs", "targets")
    }
    page = (trained / "index.html").read_text()
    assert all(f'src="images/{name}"' in page for name in shown)


def test_the_folder_knows_its_options_and_its_target(trained):
    saved = options.read(trained, options.TRAINING)
    assert (saved.ngf, saved.image_size, saved.seed, saved.jitter) == (8, 64, 1, options.REDRAW)
    known = target_file.read_target(trained)
    assert (known.image_size, known.face.neutral.shape) == (64, (68, 2))
    assert known.videos[0]["frames"] == [0, 1, 2, 3]


def test_pairs_from_elsewhere_have_no_target_to_measure_and_no_points_to_redraw(foreign):
    assert not (foreign / target_file.TARGET_NAME).exists()
    assert options.read(foreign, options.TRAINING).jitter == options.CROP


def test_epochs_are_counted_in_batches(foreign):
    """An epoch of 4 pairs, 3 a batch, has 2 steps."""
    assert int(weights(foreign)["step/.ATTRIBUTES/VARIABLE_VALUE"]) == 4


# --- the same again, and on -----------------------------------------------------------------------------


def test_a_training_in_two_parts_is_the_training_in_one(pairs, whole, tmp_path):
    """To the bit: batches, jitter, dropout, both optimisers and the average go on where they were.

    In half precision the scale of the losses is part of the state, too.
    """
    for last in (5, WHOLE.max_steps):
        training.train(replace(WHOLE, max_steps=last), pairs, tmp_path)
    assert same(whole, tmp_path)


def test_another_seed_gives_other_weights(pairs, whole, tmp_path):
    training.train(replace(WHOLE, seed=2), pairs, tmp_path)
    assert not same(whole, tmp_path)


def test_a_trained_model_is_not_trained_on(pairs, whole, capsys):
    before = weights(whole)
    training.train(WHOLE, pairs, whole)
    assert f"going on from {whole}/ckpt-14: trained to the end already\n" in capsys.readouterr().out
    assert all(np.array_equal(before[name], value) for name, value in weights(whole).items())


def test_a_chosen_seed_is_kept(tmp_path):
    opts = replace(made.SMALL, seed=None)
    chosen = training.resume_options(opts, tmp_path)
    assert chosen.seed is not None
    options.write(tmp_path, chosen, options.TRAINING)
    assert training.resume_options(opts, tmp_path) == chosen


def test_a_precision_is_settled_once(pairs, tmp_path, capsys):
    opts = replace(made.SMALL, max_steps=1, precision="auto")
    training.train(opts, pairs, tmp_path)
    settled = options.read(tmp_path, options.TRAINING).precision
    assert settled in precision.candidates()
    assert f"precision {settled}\n" in capsys.readouterr().out
    options.write(tmp_path, replace(opts, seed=1, precision="mixed_float16"), options.TRAINING)
    assert training.resume_options(opts, tmp_path).precision == "mixed_float16"


def test_what_is_exported_of_a_training_with_ema_is_the_average(whole):
    generator = made.generator(WHOLE.image_size, WHOLE.ngf)
    checkpoints.restore_generator(generator, whole)
    kernel = generator.get_layer("decoder_1_conv").kernel.numpy()
    name = "{}/decoder_1_conv/kernel/.ATTRIBUTES/VARIABLE_VALUE"
    assert np.array_equal(kernel, weights(whole)[name.format("average")])
    assert 0 < np.abs(kernel - weights(whole)[name.format("generator")]).max() < 0.05


def test_an_average_that_begins_later_begins_with_the_generators_weights(pairs, whole, tmp_path):
    """After steps with --no_ema; whatever the average was before them."""
    name = "{}/decoder_1_conv/kernel/.ATTRIBUTES/VARIABLE_VALUE"
    folder = shutil.copytree(whole, tmp_path / "model")
    saved = [weights(whole)]
    for more, ema in ((1, False), (2, True)):
        training.train(replace(WHOLE, ema=ema, max_steps=WHOLE.max_steps + more), pairs, folder)
        saved.append(weights(folder))
    before, without, later = (
        [each.get(name.format(part)) for part in ("generator", "average")] for each in saved
    )
    assert without[1] is None
    # The average moves at every tenth step alone.
    assert np.array_equal(later[1], without[0])
    assert not np.array_equal(later[1], later[0])
    assert not np.array_equal(later[1], before[1])


# --- what a user can get wrong --------------------------------------------------------------------------


def test_another_shape_of_the_weights_is_refused(pairs, trained):
    before = (trained / options.FILE_NAME).read_bytes()
    opts = replace(made.SMALL, ngf=4, which_direction="BtoA")
    message = "trained with other options: --which_direction AtoB then, BtoA now; --ngf 8 then, 4 now"
    with pytest.raises(UserError, match=message):
        training.train(opts, pairs, trained)
    assert (trained / options.FILE_NAME).read_bytes() == before
