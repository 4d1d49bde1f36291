"""The READMEs' figures: drawn from any pairs and model, with the shapes that the networks have."""

import subprocess
import sys
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
import tensorflow as tf

from docs import figure_data, figures
from face2face import pictures
from face2face.cli import EXIT_USER_ERROR, UserError
from pix2pix import networks, objectives, options
from tests import made


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A training folder; its pairs are beside it, in `model-pairs`."""
    opts = replace(made.SMALL, artefact_weight=60.0)  # the fourth loss, as in the demo
    return made.training_folder(tmp_path_factory.mktemp("figures") / "model", opts)


@pytest.fixture(scope="module")
def scene(model):
    return figure_data.load(pairs_of(model), model)


def pairs_of(model):
    return model.with_name("model-pairs")


@pytest.fixture(scope="module")
def canvases(scene):
    """The drawn figures, by name."""
    return {name: draw(scene) for name, draw in figures.drawings().items()}


def words_in(canvas) -> list[str]:
    return [text.get_text() for text in canvas.figure.axes[0].texts]


# --- the pictures ---------------------------------------------------------------------------------------


def test_nine_pictures_come_out(model, tmp_path):
    figures.main(
        ["--pairs", str(pairs_of(model)), "--model", str(model), "--output-dir", str(tmp_path / "out")]
    )
    paths = sorted((tmp_path / "out").iterdir())
    assert [path.name[:2] for path in paths] == [f"{number}-" for number in range(1, 10)]
    for path in paths:
        picture = pictures.read(path)
        assert picture.shape[1] == 1296 and len(np.unique(picture @ [1, 256, 256**2])) > 10  # colours
        assert path.stat().st_size < 150_000


def test_a_file_of_the_users_stays(model, tmp_path, capsys):
    own = tmp_path / "1-pairs.png"
    own.write_text("mine")
    arguments = ("--pairs", pairs_of(model), "--model", model, "--output-dir", tmp_path)
    assert made.edge(figures.main, *arguments) == EXIT_USER_ERROR
    assert own.read_text() == "mine" and str(own) in capsys.readouterr().err


@pytest.mark.parametrize("name", figures.drawings())
def test_words_lie_inside_and_apart(canvases, name):
    figure = canvases[name].figure
    boxes = [(text.get_text(), text.get_window_extent()) for text in figure.axes[0].texts if text.get_text()]
    width, height = figure.get_size_inches() * figure.dpi
    for words, box in boxes:
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height, words
    for (one, box), (other, another) in combinations(boxes, 2):
        assert not box.overlaps(another), (one, other)


def test_painted_faces_are_told(canvases):
    for name, canvas in canvases.items():
        faces = {"1-pairs": 0, "2-generator-learns": 2, "5-blocks": 0}.get(name, 1)
        assert sum("(synthetic)" in words for words in words_in(canvas)) == faces, name


# --- what they say is so --------------------------------------------------------------------------------


def test_shapes_are_those_of_the_networks():
    """Of 256 pixels and the default filters; the discriminator's as in the paper's section 6.1.2."""
    generator, judge = made.generator(256, 32), networks.discriminator(256, 32)
    members = figure_data.blocks(generator)
    sides = [128, 64, 32, 16, 8, 4, 2, 1]
    channels = [32, 64, 128, 256, 256, 256, 256, 256]
    encoder = [members[f"encoder_{level}"] for level in range(1, 9)]
    assert [block.output for block in encoder] == [(s, s, c) for s, c in zip(sides, channels, strict=True)]
    decoder = [members[f"decoder_{level}"] for level in range(1, 9)]
    assert [block.input[2] for block in decoder] == [64, 128, 256, 512, 512, 512, 512, 256]
    assert [block.output for block in decoder[:2]] == [(256, 256, 3), (128, 128, 32)]
    answers = [block.output for block in figure_data.blocks(judge).values()]
    assert answers == [(128, 128, 32), (64, 64, 64), (32, 32, 128), (31, 31, 256), (30, 30, 1)]


def test_the_u_net_is_drawn_with_its_shapes(scene, canvases):
    drawn = words_in(canvases["6-u-net"])
    for level in range(1, 6):
        skipped = scene.generator.get_layer(f"encoder_{level + 1}_relu").input.shape[1:]
        assert figure_data.shape_text(skipped) in drawn
        joined = scene.generator.get_layer(f"decoder_{level}_skip").output.shape[1:]
        below = joined[2] - skipped[2]
        assert f"{joined[0]}×{joined[1]}×({below} + {skipped[2]})" in drawn
    assert "encoder_6: 1×1×32" in drawn


def test_a_patch_is_what_a_logit_depends_on():
    """The pixels with a gradient: 70x70, as in the paper, 8 pixels from one to the next."""
    judge = networks.discriminator(256, 2)
    patch = figure_data.patch_of(judge)
    assert patch.size == 70
    pictures = [tf.random.stateless_uniform((1, 256, 256, 3), (1, number), -1, 1) for number in range(2)]
    with tf.GradientTape() as tape:
        tape.watch(pictures[1])
        logit = judge(pictures, training=False)[0, 10, 20, 0]
    rows, columns = np.nonzero(np.abs(tape.gradient(logit, pictures[1])[0]).max(axis=-1))
    assert (rows.min(), rows.max() + 1) == (patch.begin(10), patch.begin(10) + 70)
    assert (columns.min(), columns.max() + 1) == (patch.begin(20), patch.begin(20) + 70)


def test_maps_are_the_networks_own(scene):
    """The last blocks' maps are the face, before its tanh, and the logits."""
    drawing, face = (half[None] for half in scene.pairs[0])
    maps = figure_data.maps_of(scene.generator, drawing)
    painted = scene.generator(drawing, training=False)[0]
    np.testing.assert_allclose(np.tanh(maps["decoder_1"]), painted, atol=1e-5)
    maps = figure_data.maps_of(scene.discriminator, [drawing, face])
    logits = scene.discriminator([drawing, face], training=False)[0]
    np.testing.assert_allclose(maps["layer_5"], logits, atol=1e-5)


def test_losses_are_those_of_the_maps_that_are_shown(scene):
    """Of the two maps: the mean of -log of what they should have said."""
    step, (drawing, face) = scene.training, scene.pairs[0]
    weights = objectives.face_weights(drawing[None], scene.options.face_weight).numpy()[0]
    of_windows = weights.reshape(32, 2, 32, 2).mean(axis=(1, 3))
    assert step.real_loss == pytest.approx(-np.log(step.real_map).mean(), rel=1e-4)
    assert step.painted_loss == pytest.approx(-np.log(1 - step.painted_map).mean(), rel=1e-4)
    assert step.gan_loss == pytest.approx(-np.log(step.painted_map).mean(), rel=1e-4)
    assert step.l1_loss == pytest.approx((weights * np.abs(face - step.painted)).mean(), rel=1e-4)
    assert step.ssim_loss == pytest.approx((of_windows * step.structure_map).mean(), rel=1e-4)
    assert step.structure_map.shape == (32, 32)  # every second window in 64x64 pixels


def test_the_generators_loss_is_the_sum_of_four(scene, canvases):
    step, opts = scene.training, scene.options
    (told,) = (words for words in words_in(canvases["9-generator-step"]) if "generator's loss" in words)
    *terms, last = told.splitlines()[1].split(" + ")
    last, total = last.split(" = ")
    weights = [float(term.split(" × ")[0]) for term in (*terms, last)]
    assert weights == [opts.gan_weight, opts.l1_weight, opts.ssim_weight, opts.artefact_weight]
    expected = np.dot(weights, [step.gan_loss, step.l1_loss, step.ssim_loss, step.artefact_loss])
    assert float(total) == pytest.approx(expected, abs=0.01)


def test_the_layers_of_the_blocks_are_told(canvases):
    drawn = words_in(canvases["5-blocks"])
    for words in ("nearest ×2\n+ conv 3×3", "opponent\n→ RGB", "batch norm", "zero padding\n1"):
        assert drawn.count(words) == 1, words
    assert drawn.count("conv 4×4\nstride 2") == 2


# --- what a user can get wrong --------------------------------------------------------------------------


def test_a_folder_that_is_missing(tmp_path, capsys):
    assert made.edge(figures.main, "--pairs", tmp_path / "none", "--model", tmp_path) == EXIT_USER_ERROR
    assert capsys.readouterr().err == f"error: expected a folder as --pairs, not found: {tmp_path / 'none'}\n"


@pytest.mark.parametrize("changed", [{"statistics": "picture"}, {"ssim_weight": 0.0}, {"gan_loss": "hinge"}])
def test_a_model_that_the_figures_do_not_explain(model, tmp_path, changed):
    options.write(tmp_path, replace(options.read(model, options.TRAINING), **changed), options.TRAINING)
    with pytest.raises(UserError, match="default networks and losses"):
        figure_data.load(pairs_of(model), tmp_path)


def test_help_comes_without_matplotlib():
    command = [sys.executable, "-X", "importtime", "docs/figures.py", "--help"]
    result = subprocess.run(command, cwd=made.ROOT, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0 and "--output-dir" in result.stdout
    assert "matplotlib" not in result.stderr and "tensorflow" not in result.stderr
