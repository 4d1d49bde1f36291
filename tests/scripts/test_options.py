import json
from dataclasses import asdict, replace

import pytest

from face2face.cli import UserError
from pix2pix import arguments, options, pix2pix
from pix2pix.options import Options

ORIGINALS_DEFAULTS = {
    "max_steps": None,
    "max_epochs": None,
    "summary_freq": 100,
    "progress_freq": 50,
    "display_freq": 0,
    "save_freq": 5000,
    "trace_freq": 0,
    "aspect_ratio": 1.0,
    "separable_conv": False,
    "lab_colorization": False,
    "batch_size": 1,
    "which_direction": "AtoB",
    "ngf": 64,
    "ndf": 64,
    "scale_size": 286,
    "flip": True,
    "lr": 0.0002,
    "beta1": 0.5,
    "l1_weight": 100.0,
    "gan_weight": 1.0,
    "seed": None,
}
"""Of pix2pix.py in affinelayer/pix2pix-tensorflow."""


def parsed(*given: str) -> Options:
    return arguments.to_options(pix2pix.parse_args(["--mode", "train", "--output_dir", "model", *given]))


def damage(folder, **changes) -> None:
    """Change `options.json` by hand; None removes a key."""
    path = folder / options.FILE_NAME
    content = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({key: value for key, value in content.items() if value is not None}))


@pytest.fixture
def folder(tmp_path):
    options.write(tmp_path, Options(seed=1), options.TRAINING)
    return tmp_path


def test_defaults_are_the_original_trainers_but_for_what_is_better():
    assert {**ORIGINALS_DEFAULTS, "flip": False, "ngf": 32, "ndf": 32}.items() <= asdict(parsed()).items()


def test_the_papers_settings_are_those_of_2017():
    assert ORIGINALS_DEFAULTS.items() <= asdict(parsed("--paper")).items()
    paper = parsed("--paper")
    assert (paper.jitter, paper.lr_decay, paper.ema) == ("crop", 0.0, False)
    assert (paper.statistics, paper.ssim_weight, paper.face_weight) == (options.INSTANCE, 0.0, 0.0)
    assert (paper.gan_loss, paper.feature_matching, paper.precision) == ("vanilla", 0.0, "float32")
    assert parsed("--paper", "--ema", "--lr", "0.1") == replace(paper, ema=True, lr=0.1)


@pytest.mark.parametrize("name", arguments.PRESETS)
def test_a_preset_is_changed_by_what_is_given(name):
    preset = arguments.PRESETS[name]
    assert parsed("--preset", name) == Options(**preset)
    changed = parsed("--ngf", "8", "--flip", "--preset", name, "--max_epochs", "3")
    assert changed == Options(**{**preset, "ngf": 8, "flip": True, "max_steps": None, "max_epochs": 3})
    assert parsed("--preset", name, "--lr", str(Options().lr)) == Options(**preset)


def test_a_preset_and_the_paper_exclude_each_other(capsys):
    with pytest.raises(SystemExit) as ended:
        parsed("--paper", "--preset", "quick")
    assert ended.value.code == 2 and "not allowed with argument" in capsys.readouterr().err


def test_a_larger_picture_is_scaled_in_proportion():
    assert parsed("--image_size", "512").scale_size == 572
    assert parsed("--image_size", "512", "--scale_size", "520").scale_size == 520


@pytest.mark.parametrize("name", ["warp", "recombine"])
def test_what_needs_landmarks_is_refused_where_nothing_is_redrawn(name):
    expected = f"expected --{name} with --jitter redraw, got it with --jitter crop"
    for others in (("--jitter", "crop"), ("--paper",)):
        with pytest.raises(UserError, match=expected):
            parsed(*others, f"--{name}", "0.5")
    assert getattr(parsed(f"--{name}", "0.25"), name) == 0.25


@pytest.mark.parametrize("other", [["--scale_size", "300"], ["--paper", "--scale_size", "286"]])
def test_a_scale_is_refused_where_nothing_is_scaled(other):
    with pytest.raises(UserError, match=r"expected --scale_size with --jitter crop, got it with .* redraw"):
        parsed("--jitter", "redraw", *other)
    assert parsed("--jitter", "crop", *other).scale_size == int(other[-1])


@pytest.mark.parametrize(
    "other", [["--aspect_ratio", "1.5"], ["--lab_colorization"]], ids=["aspect_ratio", "lab_colorization"]
)
def test_what_redrawing_cannot_do_is_refused(other):
    with pytest.raises(UserError, match=r"expected --.*redraw"):
        parsed("--jitter", "redraw", *other)


def test_arguments_become_options():
    found = parsed("--ngf", "8", "--flip", "--which_direction", "BtoA", "--lr", "0.001", "--no_ema")
    assert found == Options(ngf=8, flip=True, which_direction="BtoA", lr=0.001, ema=False)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--ngf", "0"], "expected a whole number from 1 to 256, got '0'"),
        (["--ngf", "1000000000"], "expected a whole number from 1 to 256, got '1000000000'"),
        (["--ndf", "1e9"], "expected a whole number from 1 to 256, got '1e9'"),
        (["--batch_size", "1000000000"], "expected a whole number from 1 to 4,096, got '1000000000'"),
        (["--max_steps", str(2**63)], "expected a whole number from 0 to 1,000,000,000, got '9223372036"),
        (["--seed", "-1"], "expected a whole number from 0 to 2,147,483,647, got '-1'"),
        (["--lr", "-1"], "expected a number from 0 to 1, got '-1'"),
        (["--lr", "1e300"], "expected a number from 0 to 1, got '1e300'"),
        (["--lr", "nan"], "expected a number from 0 to 1, got 'nan'"),
        (["--beta1", "1"], "expected a number from 0 to 0.999, got '1'"),
        (["--aspect_ratio", "0"], "expected a number from 0.01 to 100, got '0'"),
        (["--l1_weight", "inf"], "expected a number from 0 to 1e+06, got 'inf'"),
        (["--image_size", "300"], "invalid choice: 300"),
        (["--summary_freq", "-1"], "expected a whole number from 0 to 1,000,000,000, got '-1'"),
        (["--which_direction", "AtoA"], "invalid choice: 'AtoA'"),
    ],
)
def test_a_value_out_of_range_is_refused(arguments, message, capsys):
    with pytest.raises(SystemExit) as ended:
        parsed(*arguments)
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert message in error and error.startswith("error: ") and error.count("\n") == 1


def test_a_scale_below_the_pictures_size_is_refused():
    with pytest.raises(UserError, match="expected --scale_size of 256 or more, got 255"):
        parsed("--scale_size", "255")


def test_what_is_written_is_read(tmp_path):
    written = Options(ngf=8, which_direction="BtoA", flip=True, seed=3, max_epochs=7, jitter="redraw")
    options.write(tmp_path, written, options.TRAINING)
    assert options.read(tmp_path, options.TRAINING) == written
    assert [path.name for path in tmp_path.iterdir()] == [options.FILE_NAME]


def test_another_format_version_is_refused(folder):
    damage(folder, format_version=2)
    with pytest.raises(UserError, match=r"options\.json: expected format version 1, got 2"):
        options.read(folder, options.TRAINING)


@pytest.mark.parametrize(
    "written, wanted, remedy",
    [
        (options.TRAINING, options.REDUCED, r"\(run reduce_model.py first\)"),
        (options.REDUCED, options.TRAINING, r"\(give the training folder\)"),
    ],
)
def test_another_stage_is_refused(tmp_path, written, wanted, remedy):
    options.write(tmp_path, Options(), written)
    with pytest.raises(UserError, match=f"expected a {wanted} model, got a {written} one {remedy}"):
        options.read(tmp_path, wanted)


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{", b"[1]", b"3", b"{}", b'{"stage": "training"}', b"\xff\xfe\0", b"[" * 100_000),
        *(b'{"format_version": NaN}', b'{"lr": 1e999}', b'{"ngf": {"a": 1}}'),
    ],
)
def test_a_damaged_file_is_named(folder, content):
    path = folder / options.FILE_NAME
    path.write_bytes(content)
    with pytest.raises(UserError) as raised:
        options.read(folder, options.TRAINING)
    message = str(raised.value)
    assert str(path) in message and "\n" not in message
    assert message.startswith(("expected what this trainer writes, got", "damaged, or not written by this"))


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"batch": 1}, "unexpected keyword argument 'batch'"),
        ({"scale_size": "wide"}, "expected --scale_size as a whole number from 1 to 8,192, got"),
        ({"ngf": 10**9}, "expected --ngf as a whole number from 1 to 256, got 1000000000"),
        ({"ngf": 2.5}, "expected --ngf as a whole number from 1 to 256, got 2.5"),
        ({"ngf": True}, "expected --ngf as a whole number from 1 to 256, got True"),
        ({"lr": 1e300}, r"expected --lr as a number from 0 to 1, got 1e\+300"),
        ({"image_size": 300}, "expected --image_size as one of 32, 64, 128, 256, 512, got 300"),
        ({"drawing": "oil"}, "expected --drawing as one of original, white, colour, got"),
        ({"flip": 1}, "expected --flip as true or false, got 1"),
        ({"seed": -1}, "expected --seed as a whole number from 0 to 2,147,483,647, got -1"),
    ],
)
def test_options_that_are_not_ours_are_refused(folder, changes, message):
    """By the ranges of the command line."""
    damage(folder, **changes)
    with pytest.raises(
        UserError, match=rf"options\.json: damaged, or of another version of this trainer \(.*{message}"
    ):
        options.read(folder, options.TRAINING)


def test_another_file_of_that_name_is_not_replaced(tmp_path):
    path = tmp_path / options.FILE_NAME
    for content in ('{"theme": "dark"}', "notes"):
        path.write_text(content)
        with pytest.raises(UserError, match="expected a new file, or an older one of this kind to replace"):
            options.write(tmp_path, Options(), options.TRAINING)
        assert path.read_text() == content


@pytest.mark.parametrize("names", [("format_version",), ("drawing", "statistics", "light_head", "beta1")])
def test_options_of_an_older_version_are_read(folder, names):
    """It lacks what was added since, and had other networks; what says the version has to be there."""
    damage(folder, **dict.fromkeys(names))
    if "format_version" in names:
        with pytest.raises(UserError, match="damaged, or not written by this trainer"):
            options.read(folder, options.TRAINING)
    else:
        older = Options(seed=1, statistics=options.MOVING, light_head=False)
        assert options.read(folder, options.TRAINING) == older


def test_a_folder_that_is_no_models_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"expected a training model's folder, got one without options\.json"):
        options.read(tmp_path, options.TRAINING)
    with pytest.raises(UserError, match=r"expected a folder as a training model, not found: .*nowhere"):
        options.read(tmp_path / "nowhere", options.TRAINING)


def test_what_shapes_the_weights_cannot_change():
    saved = Options(seed=1)
    given = replace(saved, ngf=64, which_direction="BtoA", lr=0.1, max_steps=7, seed=2)
    assert options.conflicts(saved, given) == [
        "--which_direction AtoB then, BtoA now",
        "--ngf 32 then, 64 now",
    ]
    assert options.conflicts(saved, saved) == []
