"""Smaller generators that a trained one teaches: `reduce_model.py --student`."""

import itertools
import json
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

import freeze_model
import reduce_model
import run_webcam
from face2face.generator.generator import Generator
from face2face.target import sidecar, target_file
from pix2pix import checkpoints, distillation, folding, networks, norm_free, options, pruning, teaching
from tests import made

TEACHER = replace(made.SMALL, ngf=8)
STEPS = 60


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """A training folder, whose pairs are in `face2face-model-pairs` beside it."""
    return made.training_folder(tmp_path_factory.mktemp("models") / "face2face-model", TEACHER)


@pytest.fixture(scope="module")
def taught(trained) -> tuple[Path, str]:
    """The folder of a student, and what the script said."""
    folder = trained.with_name("student")
    result = made.run_here(reduce_model.main, *arguments(trained, folder, "--max_steps", STEPS))
    assert result.returncode == 0, result.stderr
    last = result.stderr.splitlines()[-1]
    assert re.match(rf"teaching: {STEPS}/{STEPS} steps \[[\d:]+<[\d:]+, .*L1 [\d.]+ of 255\]", last)
    return folder, result.stdout


def pairs_of(model: Path) -> Path:
    return model.with_name(f"{model.name}-pairs")


def arguments(model: Path, output: Path, *others) -> list:
    """The arguments that teach a student of half the teacher's filters."""
    own = ("--model-input", model, "--model-output", output, "--student", 4, "--pairs", pairs_of(model))
    return [*own, *others]


def teacher_of(folder: Path):
    trained = networks.generator_of(options.read(folder, options.TRAINING))
    checkpoints.restore_generator(trained, folder)
    return folding.fold(trained)


def student_of(folder: Path):
    student = networks.generator_of(options.read(folder, options.REDUCED), folded=True)
    checkpoints.restore_generator(student, folder)
    return student


def error_of(capsys, *given) -> str:
    """The one line of a command that has to end with exit code 2."""
    capsys.readouterr()
    assert made.edge(reduce_model.main, *given) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.startswith("error: ") and said.err.count("\n") == 1
    return said.err


# --- a student --------------------------------------------------------------------------------------------


def test_a_taught_student_is_nearer_to_its_teacher_than_at_the_start_and_than_an_untrained_one(
    trained, taught
):
    folder, said = taught
    teacher, student = teacher_of(trained), student_of(folder)
    small = options.read(folder, options.REDUCED)
    start = networks.generator_of(small, folded=True)
    pruning.prune(teacher, start, pruning.important_channels(teacher, start))
    untrained = folding.fold(networks.generator_of(small))
    pairs = sorted(pairs_of(trained).glob("*.png"))
    of_student, of_start, of_untrained = (
        teaching.likeness(teacher, network, pairs, small) for network in (student, start, untrained)
    )
    assert of_student.l1 < 0.8 * min(of_start.l1, of_untrained.l1)
    assert of_student.ssim > max(of_start.ssim, of_untrained.ssim)
    taught_on, held_out = teaching.split(pairs, pairs_of(trained), small)
    assert len(taught_on) == 7 and set(taught_on) | set(held_out) == set(pairs)
    assert f"7 pairs, {STEPS} steps, seed 0; drawings held out: 1\n" in said
    measured = teaching.likeness(teacher, student, held_out, small)
    assert f"the student (ngf 4) against its teacher (ngf 8): {measured}\n" in said


def test_a_student_paints_no_lines_every_two_or_four_pixels(taught):
    """Its outermost kernels are those of a nearest up-sampling, as its teacher's are."""
    student = student_of(taught[0])
    for name in ("decoder_1_conv", "decoder_2_conv"):
        kernel = student.get_layer(name).kernel
        assert norm_free.nearest_kernel(kernel.value).numpy() == pytest.approx(kernel.numpy(), abs=1e-5)
    free = student.get_layer("decoder_3_conv").kernel
    assert np.abs(norm_free.nearest_kernel(free.value) - free).max() > 2e-3


def test_errors_near_drawn_landmarks_count_more_and_dark_parts_of_photos_do_not_count_less(trained):
    drawing = np.full((1, 64, 64, 3), -1, np.float32)
    drawing[:, 20:24, 30:34] = 1
    found = {}
    for kind in (options.REDRAW, options.CROP):
        distiller = distillation.Distiller(teacher_of(trained), replace(TEACHER, jitter=kind), 4)
        found[kind] = [float(loss) for loss in distiller.step(tf.constant(drawing))]
    (l1, weighted), (same, plain) = found[options.REDRAW], found[options.CROP]
    assert l1 == pytest.approx(same, rel=1e-6) and abs(weighted - plain) > 1e-3 * plain


def test_a_students_folder_is_a_reduced_model(trained, taught):
    folder, said = taught
    assert options.read(folder, options.REDUCED) == replace(options.read(trained, options.TRAINING), ngf=4)
    assert (folder / target_file.TARGET_NAME).read_bytes() == (trained / target_file.TARGET_NAME).read_bytes()
    before, after = (checkpoints.size_mb(checkpoints.newest_checkpoint(path)) for path in (trained, folder))
    assert f"{before:.1f} MB before, {after:.1f} MB after, in {folder}\n" in said
    assert sorted(path.name for path in folder.iterdir()) == [
        *("checkpoint", "generator-1.data-00000-of-00001", "generator-1.index", "options.json", "target.json")
    ]


def test_a_student_freezes_and_drives(taught, clips, tmp_path):
    folder = shutil.copytree(taught[0], tmp_path / "student")
    frozen = freeze_model.freeze(folder)
    drawing = made.noise(64, 64)
    face = student_of(folder)(drawing[None] / np.float32(127.5) - 1)[0]
    assert np.abs(Generator(frozen)(drawing) - (face + 1) * 127.5).max() <= 1
    given = ("--tf-model", frozen, "--source", clips / "single_face.mp4", "--no-window", "--limit", 3)
    assert made.edge(run_webcam.main, *given, "--stats", tmp_path / "stats.json") == 0
    assert json.loads((tmp_path / "stats.json").read_text())["frames_with_face"] == 3


def test_a_students_drawings_are_held_out_of_the_folder_val_where_there_is_one(tmp_path):
    train, val = (made.write_pairs(tmp_path / name, count) for name, count in (("train", 4), ("val", 40)))
    found = sorted(train.glob("*.png"))
    taught_on, held_out = teaching.split(found, train, TEACHER)
    assert taught_on == found and {path.parent for path in held_out} == {val}
    assert len(held_out) == teaching.MAX_HELD_OUT == len(set(held_out))


# --- what ends it -----------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals")
def test_ctrl_c_keeps_the_student_so_far(trained, tmp_path):
    """Twice, as by an impatient user. A reduced model that was written meanwhile stays."""
    output = tmp_path / "student"
    command = [sys.executable, "reduce_model.py", *arguments(trained, output, "--max_steps", 10**6)]
    streams = {name: subprocess.PIPE for name in ("stdout", "stderr")}
    with made.start(list(map(str, command)), cwd=made.ROOT, text=True, **streams) as process:
        assert any(line.startswith("teaching: 50/") for line in process.stderr), "it has ended"
        process.send_signal(signal.SIGSTOP)  # the processor is ours
        code = made.edge(reduce_model.main, "--model-input", trained, "--model-output", output)
        for sent in (signal.SIGCONT, signal.SIGINT, signal.SIGINT):
            process.send_signal(sent)
        said, errors = process.communicate(timeout=120)
    assert code == 0 and process.returncode == 130
    assert errors.endswith("interrupted\n") and "Traceback" not in errors
    stopped = tmp_path / "student-stopped"
    assert re.search(rf"stopped after \d+ of 1000000 steps: the student so far is in {stopped}\n", said)
    student = student_of(stopped)
    assert options.read(stopped, options.REDUCED).ngf == 4
    assert all(np.isfinite(weights).all() for weights in student.get_weights())
    assert options.read(output, options.REDUCED).ngf == TEACHER.ngf  # what was reduced meanwhile stays
    assert {path.name for path in tmp_path.iterdir()} == {"student", "student-stopped"}


def test_a_pair_that_is_gone_costs_no_step(trained, tmp_path, monkeypatch, capsys):
    pairs = shutil.copytree(pairs_of(trained), tmp_path / "pairs")
    step, steps = distillation.Distiller.step, itertools.count(1)

    def step_and_move(self, drawing):
        if next(steps) == 3:
            pairs.rename(tmp_path / "moved")
        return step(self, drawing)

    monkeypatch.setattr(distillation.Distiller, "step", step_and_move)
    output = tmp_path / "student"
    given = arguments(trained, output, "--max_steps", 500, "--pairs", pairs)
    assert made.edge(reduce_model.main, *given) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    said = rf"error: stopped after \d+ of 500 steps: the student so far is in {output} \(.*{pairs}/\d\.png"
    assert re.match(said, error)
    assert options.read(output, options.REDUCED).ngf == 4


def test_losses_that_are_not_finite_write_nothing(trained, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(distillation, "LR", float("inf"))
    output = tmp_path / "student"
    assert made.edge(reduce_model.main, *arguments(trained, output, "--max_steps", 30)) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert re.match(r"error: the losses are no longer finite at step \d+: no student is written", error)
    assert not list(tmp_path.iterdir())


def test_nor_do_they_after_a_signal_before_they_were_read(trained, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(distillation, "LR", float("inf"))
    step, steps = distillation.Distiller.step, itertools.count(1)

    def interrupted(self, drawing):
        if next(steps) == 4:
            signal.raise_signal(signal.SIGINT)
        return step(self, drawing)

    monkeypatch.setattr(distillation.Distiller, "step", interrupted)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
    try:
        code = made.edge(reduce_model.main, *arguments(trained, tmp_path / "student", "--max_steps", 9))
    finally:
        signal.signal(signal.SIGINT, before)
    assert code == 2
    assert "the losses are no longer finite at step 4" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


# --- what a user can get wrong ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "others, message",
    [
        (["--student", 8], "expected --student below 8, the ngf of the trained generator, got 8"),
        (["--student", 0], "argument --student: expected a whole number above 0, got '0'"),
        (["--pairs", "nowhere"], "expected a folder as --pairs, not found: nowhere"),
        (["--pairs", "."], "expected combined pairs (of process.py), got none in ."),
        (["--max_steps", 0], "argument --max_steps: expected a whole number above 0, got '0'"),
    ],
)
def test_wrong_arguments(trained, others, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert message in error_of(capsys, *arguments(trained, tmp_path / "student"), *others)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("option", ["--pairs", "--max_steps", "--seed"])
def test_options_of_a_student_need_one(option, capsys):
    assert f"error: {option} is for --student" in error_of(capsys, option, 1)


@pytest.mark.parametrize(
    "changed, message",
    [
        (
            {"lab_colorization": True},
            "expected a model that generates pictures, got one of --lab_colorization",
        ),
        (
            {"separable_conv": True, "statistics": options.MOVING},
            "expected a model without --separable_conv as teacher, got one: ",
        ),
    ],
)
def test_models_that_do_not_teach(changed, message, trained, tmp_path, capsys):
    options.write(tmp_path, replace(TEACHER, **changed), options.TRAINING)
    given = ("--model-input", tmp_path, "--model-output", tmp_path / "student", "--student", 4)
    assert message in error_of(capsys, *given, "--pairs", pairs_of(trained))


def test_a_single_pair_and_drawings_of_another_style(trained, tmp_path, capsys):
    single, other = made.write_pairs(tmp_path / "one", 1), made.write_pairs(tmp_path / "other", 2)
    drawn = replace(sidecar.read_sidecar(other), drawing="colour")
    drawn.write(other)
    for pairs, message in (
        (single, f"expected two pairs or more, got one: {single / '1.png'}"),
        (other, f"expected --pairs with drawings in the style original, got colour: {other}"),
    ):
        given = arguments(trained, tmp_path / "student", "--pairs", pairs)
        assert message in error_of(capsys, *given)
    assert not (tmp_path / "student").exists()


def test_pairs_of_another_target(trained, tmp_path, capsys):
    others = made.write_pairs(tmp_path / "others", 2)
    found = sidecar.read_sidecar(others)
    replace(found, videos=[replace(found.videos[0], frame_size=(640, 480))]).write(others)
    error = error_of(capsys, *arguments(trained, tmp_path / "student", "--pairs", others))
    assert "expected pairs of made.mp4 (64x64), which the generator was trained on, got pairs of " in error
    assert error.endswith(f"made.mp4 (640x480): {others}\n") and not (tmp_path / "student").exists()


def test_what_is_in_the_way_is_found_before_a_student_is_taught(trained, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(teaching, "teach", lambda *_, **__: pytest.fail("it is taught"))
    (tmp_path / "checkpoint").write_text("notes")
    error = error_of(capsys, *arguments(trained, tmp_path))
    assert "expected a new file, or an older one of this kind to replace, got another file: " in error
    assert (tmp_path / "checkpoint").read_text() == "notes"
