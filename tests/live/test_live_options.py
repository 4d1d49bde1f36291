"""An option that would do nothing is refused in one line, or told, before anything is opened."""

from pathlib import Path

import pytest

import run_webcam
from face2face.live.options import (
    ANY_DEVICE,
    DrivingOptions,
    ModelOptions,
    OutputOptions,
    RunOptions,
    SourceOptions,
)
from tests import made
from tests.made import edge


def drive(model, source, *arguments) -> int:
    return edge(run_webcam.main, "--tf-model", model, "--source", source, "--no-window", *arguments)


@pytest.fixture
def clip(clips) -> Path:
    return clips / "single_face.mp4"


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    """A frozen graph that knows no target."""
    return made.repeating_model(tmp_path_factory.mktemp("model") / "model.pb", made.SMALL.image_size)


NOTHING = " has no effect: add --record or --serve, or remove --no-window"


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--hold", "1"], "--hold delays --no-face passthrough and blank"),
        (["--hold", "1", "--no-face", "hold"], "--hold delays --no-face passthrough and blank"),
        (["--calibration", "me.json", "--retarget", "off"], "--calibration needs retargeting"),
        (["--expression", "1.2", "--retarget", "off"], "--expression and --head need retargeting"),
        (["--head", "0", "--retarget", "off"], "--expression and --head need retargeting"),
        (["--record-view", "side-by-side"], f"--record-view{NOTHING}"),
        (["--show", "0"], f"--show{NOTHING}"),
        (["--label"], f"--label{NOTHING}"),
        (["--microphone", "--source", "0"], f"--microphone{NOTHING}"),
        (["--mirror", "--record", "out"], "--mirror applies to the window and the page"),
        (["--show", "1", "--record", "out", "--record-view", "generated"], "expected a --show of 0 to 2 and"),
        (["--show", "3", "--record", "out"], "expected a --show of 0 to 2 and"),
        (
            ["--microphone", "--source", "0", "--record", "out.gif"],
            "expected a recording that can hold sound",
        ),
        (["--tf-model", "{model}"], "expected one --tf-model, or a window or --serve"),
        (["--fullscreen"], "--fullscreen and --size apply to the window"),
        (["--serve-token", ""], "--serve-host and --serve-token apply to the page"),
    ],
)
def test_an_option_that_would_do_nothing_is_refused(
    arguments, message, model, clip, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    given = [word.format(model=model) for word in arguments]
    assert drive(model, clip, *given) == 2
    (error,) = capsys.readouterr().err.splitlines()
    assert error.startswith("error: ") and message in error
    assert not list(tmp_path.iterdir())


def test_a_list_of_cameras_is_all_that_is_asked_for(capsys):
    assert edge(run_webcam.main, "--list-cameras", "--record", "out.mp4") == 2
    assert "--list-cameras ends at once: expected no other option with it" in capsys.readouterr().err


def test_the_same_options_are_taken_where_they_do_something(model):
    """Whoever watches a window or page can begin a recording, and switch models."""
    models = ModelOptions((model, model))
    camera = SourceOptions("0")
    RunOptions(camera, models, outputs=OutputOptions(view="generated", record_view="generated", mirror=True))
    RunOptions(
        camera, models, outputs=OutputOptions(window=False, serve=0, microphone=ANY_DEVICE, label=True)
    )
    OutputOptions(window=False, virtual_camera=ANY_DEVICE, label=True)
    OutputOptions(window=False, record=Path("out.mp4"), view="overlay", record_view="side-by-side")
    DrivingOptions(no_face="blank", hold_seconds=0.0)


def test_a_calibration_that_no_model_can_use_is_told(model, clip, tmp_path, capsys):
    assert drive(model, clip, "--calibration", tmp_path / "me.json", "--limit", 1) == 0
    assert f"--calibration is not used: {tmp_path / 'me.json'}" in capsys.readouterr().out
    assert not (tmp_path / "me.json").exists()
