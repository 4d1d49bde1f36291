"""Commands from keys and buttons, and what the user is told."""

import threading

import pytest

from face2face.output.controls import VIEWS, Controls, State, gain_change, model_of


@pytest.mark.parametrize(
    "keys, commands",
    [
        ("cnvmrsfh", ["calibrate", "face", "view", "mirror", "record", "snapshot", "fullscreen", "help"]),
        ("C ", ["calibrate", "freeze"]),
        ("q", ["end"]),
        ("\x1b", ["end"]),
        ("19", ["model-1", "model-9"]),
        ("[],.", ["expression-less", "expression-more", "head-less", "head-more"]),
        ("x0ß\r", []),
    ],
)
def test_keys_give_commands(keys, commands):
    controls = Controls()
    assert [controls.press_key(key) for key in keys] == [bool(commands)] * len(keys)
    assert controls.take() == commands and controls.take() == []


@pytest.mark.parametrize("word", ["", "model-", "model-0", "model-10", "model-x", "rm -rf", "Calibrate"])
def test_what_is_no_command_is_not_taken(word):
    controls = Controls()
    assert not controls.press(word)
    assert controls.take() == [] and model_of(word) is None


@pytest.mark.parametrize(
    "command, value",
    [
        ("expression-0", 0.0),
        ("expression-1.25", 1.25),
        ("head-2", 2.0),
        *((f"head-{wrong}", None) for wrong in ("2.1", "-1", "nan", "1e0", "", "3", "1.", "٣")),
        ("gait-1", None),
    ],
)
def test_a_gain_is_set_within_its_range(command, value):
    controls, state = Controls(), State(expression=0.5, head=0.5)
    assert controls.press(command) == (value is not None)
    if value is not None:
        assert state.change_gain(gain_change(command)) == value == getattr(state, command.partition("-")[0])


def test_threads_lose_no_command():
    controls, taken = Controls(), []
    threads = [
        threading.Thread(target=lambda: [controls.press("view") for _ in range(500)]) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        taken += controls.take()
    assert len(taken + controls.take()) == 2000


def test_views_come_in_a_circle():
    state, seen = State(), []
    for _ in range(len(VIEWS)):
        seen.append(state.view)
        state.next_view()
    assert tuple(seen) == VIEWS and state.view == VIEWS[0]


def test_what_the_window_says():
    state = State(fps=27.46, latency=0.0412)
    assert state.lines() == ["27.5 frames/s, 41 ms"]
    state.recording, state.message, state.notice = "a/b/out.mp4", "no face", "wrote x.png"
    state.is_frozen = True
    assert state.lines()[1:] == ["recording out.mp4", "no face", "frozen", "wrote x.png"]
    state.shows_help = True
    assert "space: hold the picture still" in state.lines()
    assert "[ ]: less or more expression" in state.lines()
    assert not any("model" in line for line in state.lines())
    state.models = ["1 anna", "2 bert"]
    assert "model 1 anna" in state.lines()[0] and "1 to 9: another model" in state.lines()
