"""Folders of the original programs in test and export mode, as the start of a training, and frozen."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

import freeze_model
import reduce_model
from face2face import pictures
from face2face.generator.generator import Generator
from pix2pix import (
    checkpoints,
    fine_tuning,
    images,
    legacy,
    model_folder,
    networks,
    options,
    pix2pix,
)
from pix2pix.trainer import Trainer
from tests import made
from tests.originals import NDF, NGF, SIZE, difference_in, drawing, reduced_original


@pytest.fixture(scope="module", params=["layers", "first"])
def original(request, original_of) -> tuple[Path, np.ndarray]:
    """A training folder, and what its generator paints of `drawing()`."""
    return original_of(request.param)


def test_test_mode_paints_as_the_original(original, tmp_path, capsys):
    folder, expected = original
    pictures.write(tmp_path / "pairs/1.png", np.concatenate([drawing(), expected], axis=1))
    code = made.edge(
        *(pix2pix.main, "--mode", "test", "--checkpoint", folder),
        *("--input_dir", tmp_path / "pairs", "--output_dir", tmp_path / "report"),
    )
    assert code == 0 and f"weights of {folder}/model-7\n" in capsys.readouterr().out
    painted = pictures.read(tmp_path / "report/images/1-outputs.png")
    assert np.abs(painted.astype(int) - expected).max() <= 1


def test_export_mode_paints_as_the_original(original, tmp_path):
    folder, expected = original
    arguments = ("--mode", "export", "--checkpoint", folder, "--output_dir", tmp_path / "out")
    assert made.edge(pix2pix.main, *arguments) == 0
    generate = tf.saved_model.load(str(tmp_path / "out")).signatures["serving_default"]
    png = generate(png=tf.io.encode_png(drawing()))["png"]
    assert np.abs(tf.io.decode_png(png).numpy().astype(int) - expected).max() <= 1


@pytest.fixture(scope="module")
def pairs(tmp_path_factory) -> Path:
    return made.write_pairs(tmp_path_factory.mktemp("pairs"), 2, SIZE)


def fine_tune(folder: Path, pairs: Path, output: Path, *arguments) -> int:
    return made.edge(
        *(pix2pix.main, "--mode", "train", "--checkpoint", folder, "--input_dir", pairs),
        *("--output_dir", output, "--max_steps", 1, "--precision", "float32", *arguments),
    )


def check_networks(generator, discriminator, folder: Path, expected: np.ndarray) -> None:
    """They paint and answer as those of the original's folder."""
    inputs = tf.constant(images.normalise(drawing()[None].astype(np.float32)))
    painted = generator(inputs, training=False)
    assert np.abs(images.denormalise(painted[0].numpy()).astype(int) - expected).max() <= 1
    logits = discriminator([inputs, painted], training=True)
    assert np.abs(logits - np.load(folder / "logits.npy")).max() < 1e-3


def test_both_networks_of_the_original_are_read(original):
    folder, expected = original
    trainer = Trainer(replace(model_folder.read_options(folder), precision="float32"))
    said = fine_tuning.begin(trainer, folder)
    assert f"fine-tuning the weights of {folder}/model-7: steps, moments of Adam, moving average" in said
    check_networks(trainer.generator, trainer.discriminator, folder, expected)


def test_a_training_begins_with_both_networks_of_the_original(original_of, pairs, tmp_path, capsys):
    folder, expected = original_of("layers")
    assert fine_tune(folder, pairs, tmp_path / "tuned", "--lr", 0) == 0
    said = capsys.readouterr().out
    assert f"fine-tuning the weights of {folder}/model-7: steps, moments of Adam, moving average" in said
    opts = options.read(tmp_path / "tuned", options.TRAINING)
    assert (opts.ngf, opts.ndf, opts.statistics) == (NGF, NDF, options.INSTANCE)
    generator, discriminator = networks.generator_of(opts), networks.discriminator(SIZE, NDF)
    checkpoints.restore_objects(
        tmp_path / "tuned",
        {n.name: checkpoints.named_variables(n) for n in (generator, discriminator)},
    )
    check_networks(generator, discriminator, folder, expected)


def test_the_originals_folder_is_not_trained_into(original, pairs, capsys):
    folder, _ = original
    before = made.tree(folder)
    assert fine_tune(folder, pairs, folder) == 2
    assert f"expected another --output_dir than a folder of the original trainer: {folder}" in (
        capsys.readouterr().err
    )
    assert made.tree(folder) == before


def test_other_networks_than_the_originals_are_refused(original, pairs, tmp_path, capsys):
    folder, _ = original
    assert fine_tune(folder, pairs, tmp_path / "tuned", "--ngf", 5) == 2
    assert f"--checkpoint {folder} was trained with other options: --ngf 2 then, 5 now" in (
        capsys.readouterr().err
    )


@pytest.fixture(scope="module")
def demo_folder(tmp_path_factory) -> tuple[Path, np.ndarray]:
    """A reduced folder of face2face-demo's, and what its generator paints of `drawing()`."""
    folder = tmp_path_factory.mktemp("demo") / "face2face-reduced-model"
    return folder, reduced_original(folder)


def test_the_demos_reduced_folder_is_frozen(demo_folder, capsys):
    """Its plate cannot be left out, since it has none."""
    folder, expected = demo_folder
    assert made.edge(freeze_model.main, "--model-folder", folder, "--no-plate") == 0
    said = capsys.readouterr()
    assert difference_in(said.out) <= 1
    assert "warning: --no-plate has no effect: nothing of this model's picture is known to hold still" in (
        said.err
    )
    generator = Generator(folder / "frozen_model.pb")
    assert (generator.target.image_size, generator.target.drawing) == (SIZE, "original")
    assert np.abs(generator(drawing()).astype(int) - expected).max() <= 1


def test_a_folder_that_was_moved_is_put_right_by_hand(demo_folder, tmp_path, capsys):
    """TensorFlow 1 lists its checkpoints by absolute paths, where it was given one."""
    folder = shutil.copytree(demo_folder[0], tmp_path / "moved")
    (folder / "checkpoint").write_text(f'model_checkpoint_path: "{demo_folder[0]}/reduced_model"\n')
    assert made.edge(freeze_model.main, "--model-folder", folder) == 2
    assert "(if the folder was moved, leave the names alone in it)" in capsys.readouterr().err
    (folder / "checkpoint").write_text('model_checkpoint_path: "reduced_model"\n')
    assert made.edge(freeze_model.main, "--model-folder", folder) == 0


def test_what_takes_the_demos_reduced_folder_is_said(demo_folder, original, pairs, tmp_path, capsys):
    reduced, (trained, _) = demo_folder[0], original
    for main, arguments in (
        (pix2pix.main, ("--mode", "test", "--checkpoint", reduced, "--input_dir", pairs)),
        (pix2pix.main, ("--mode", "export", "--checkpoint", reduced)),
        (pix2pix.main, ("--mode", "train", "--checkpoint", reduced, "--input_dir", pairs, "--max_steps", 1)),
    ):
        assert made.edge(main, *arguments, "--output_dir", tmp_path / "out") == 2
        assert f"of face2face-demo (freeze_model.py takes it): {reduced}" in capsys.readouterr().err
    assert made.edge(reduce_model.main, "--model-input", reduced, "--model-output", tmp_path / "out") == 2
    assert "(freeze_model.py takes it)" in capsys.readouterr().err
    assert made.edge(freeze_model.main, "--model-folder", trained) == 2
    assert "got a training one (run reduce_model.py first)" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_damaged_weights_of_the_demo_are_named(demo_folder, tmp_path, capsys):
    (tmp_path / "reduced_model.index").write_bytes(b"damaged")
    (tmp_path / "checkpoint").write_text('model_checkpoint_path: "reduced_model"\n')
    assert legacy.is_reduced_of_original(tmp_path)
    assert made.edge(freeze_model.main, "--model-folder", tmp_path) == 2
    error = capsys.readouterr().err
    assert str(tmp_path) in error and error.count("\n") == 1


def reduce(folder: Path, output: Path, capsys) -> int:
    """Reduce a folder; returns the difference that is told."""
    assert made.edge(reduce_model.main, "--model-input", folder, "--model-output", output) == 0
    return difference_in(capsys.readouterr().out)


def test_what_reduction_wrote_is_read_again(original, tmp_path, monkeypatch, capsys):
    save = checkpoints.save_generator

    def save_others(generator, folder: Path) -> None:
        weights = generator.get_weights()
        generator.set_weights([weight * 0.5 for weight in weights])
        save(generator, folder)
        generator.set_weights(weights)

    monkeypatch.setattr(checkpoints, "save_generator", save_others)
    assert reduce(original[0], tmp_path / "wrong", capsys) > 20


def test_reduction_is_compared_with_the_originals_own_operations(original, tmp_path, monkeypatch, capsys):
    """Not with what was read in the same way: an offset taken for a scale shows."""
    monkeypatch.setattr(legacy, "restore", restored_wrongly(legacy.restore))
    assert reduce(original[0], tmp_path / "wrong", capsys) > 20


def restored_wrongly(restore):
    def wrong(network, folder: Path) -> str:
        path = restore(network, folder)
        for layer in network.layers:
            if layer.name.endswith("_norm"):
                layer.set_weights(layer.get_weights()[::-1])
        return path

    return wrong
