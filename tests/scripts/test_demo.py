import importlib
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from examples import demo
from examples.demo import Stage
from face2face import metadata, pictures
from face2face.cli import UserError
from tests import made

CLIPS = Path("clips")

STEP = """
import pathlib, sys
with open("log", "a") as log:
    log.write(sys.argv[1] + " ")
stop = pathlib.Path("stop")
if stop.exists() and stop.read_text().split()[0] == sys.argv[1]:
    sys.exit(int(stop.read_text().split()[1]))
pathlib.Path(sys.argv[1]).touch()
"""
"""A script that writes down that it ran, and ends with the exit code that a file asks for."""


@pytest.fixture
def small_demo(tmp_path, monkeypatch, clips) -> Path:
    """The demo with two short steps; its recordings are there already. Returns its folder."""
    monkeypatch.setattr(demo, "ROOT", tmp_path)
    monkeypatch.setattr(demo, "DEMO", tmp_path / "demo")
    steps = (Stage("1 first", "step.py a\nstep.py b", "b"), Stage("2 second", "step.py c", "c"))
    monkeypatch.setattr(demo, "STAGES", steps)
    (tmp_path / "step.py").write_text(STEP)
    for name in ("face2face.mp4", "drawings.mp4"):  # folders: a source as good as a file
        record(tmp_path / "demo" / name, [0] * 12)
    return tmp_path / "demo"


def record(folder: Path, levels: list[int], side: int = 8) -> Path:
    """Frames whose left half has a level, and whose right half has 100 more."""
    folder.mkdir(parents=True)
    for i, level in enumerate(levels, 1):
        frame = np.full((side, 2 * side, 3), level, np.uint8)
        frame[:, side:] += 100
        pictures.write(folder / f"{i}.png", frame)
    return folder


def ran(folder: Path) -> str:
    return (folder / "log").read_text()


def lines(stage: Stage) -> list[list[str]]:
    return demo.command_lines(stage, CLIPS)


# --- the commands ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", demo.STAGES, ids=lambda stage: stage.name)
def test_the_scripts_accept_the_demos_commands(stage):
    for script, *arguments in lines(stage):
        assert (made.ROOT / script).is_file()
        module = importlib.import_module(script.removesuffix(".py").replace("/", "."))
        module.parse_args(arguments)


def test_paths_of_the_clips_are_filled_in():
    words = [word for stage in demo.STAGES for line in lines(stage) for word in line]
    assert f"clips/{demo.TARGET}" in words and f"clips/{demo.DRIVER}" in words
    assert not [word for word in words if "{" in word]


def test_clips_in_a_folder_with_spaces():
    stage = Stage("1", "run.py --source {driver}", "")
    assert demo.command_lines(stage, Path("my clips")) == [["run.py", "--source", f"my clips/{demo.DRIVER}"]]


def test_each_step_is_known_to_be_done_by_a_result_of_its_own():
    results = [stage.result for stage in demo.STAGES]
    assert len(set(results)) == len(results)


# --- running them ---------------------------------------------------------------------------------------


def test_the_steps_run_once(small_demo, capfd):
    demo.run_all()
    assert ran(small_demo) == "a b c "
    assert "--- 1 first\n$ python step.py a\n$ python step.py b\n" in capfd.readouterr().out
    demo.run_all()
    assert ran(small_demo) == "a b c "
    assert "1 first: done already\n2 second: done already\n" in capfd.readouterr().out


def test_a_demo_that_was_stopped_goes_on(small_demo):
    (small_demo / "stop").write_text("b 130")
    with pytest.raises(KeyboardInterrupt):
        demo.run_all()
    assert ran(small_demo) == "a b "
    (small_demo / "stop").unlink()
    demo.run_all()
    assert ran(small_demo) == "a b a b c "


def test_a_step_that_fails_is_named(small_demo):
    (small_demo / "stop").write_text("c 2")
    with pytest.raises(UserError, match=r"step\.py ended with exit code 2; `make demo` goes on from there"):
        demo.run_all()
    assert not (small_demo / "contact-sheet.png").exists()


def test_a_step_whose_result_is_gone_runs_again(small_demo):
    demo.run_all()
    (small_demo / "c").unlink()
    demo.run_all()
    assert ran(small_demo) == "a b c c "


def test_it_ends_with_a_table_of_times(small_demo, capsys):
    (small_demo / "stages.json").write_text(json.dumps({"1 first": 61.9, "3 third (stopped)": 5}))
    (small_demo / "b").touch()
    demo.run_all()
    said = capsys.readouterr().out
    table = said[said.index("stage ") :].splitlines()
    rows = {
        line[:28].strip(): line[28:].strip() for line in table if not line.startswith(("stage", "the", "con"))
    }
    assert rows["1 first"] == "1:01" and rows["3 third (stopped)"] == "0:05"
    assert set(rows) >= {"0 fetch the clips", "2 second", "all"}
    assert "the target's face, driven: demo/face2face.mp4" in table
    assert "contact sheet: demo/contact-sheet.png" in table and "test report: demo/report/index.html" in table


# --- Ctrl-C -----------------------------------------------------------------------------------------------


def test_times_are_kept(tmp_path):
    progress = demo.Progress(tmp_path / "stages.json")
    progress.add("a", 2.5, done=True)
    progress.add("b", 4.0, done=False)
    assert demo.Progress(tmp_path / "stages.json").seconds == {"a": 2.5, "b (stopped)": 4.0}


def test_times_of_a_step_that_is_resumed_add_up(tmp_path):
    for done in (False, False, True):
        demo.Progress(tmp_path / "stages.json").add("a", 2.0, done)
    assert demo.Progress(tmp_path / "stages.json").seconds == {"a (stopped)": 4.0, "a": 2.0}


@pytest.mark.parametrize("content", ["{", "[]", '{"a": "1"}', '{"a": -1}', '{"a": null}', "my notes"])
def test_another_file_in_the_place_of_the_times_is_refused(content, tmp_path):
    path = tmp_path / "stages.json"
    path.write_text(content)
    with pytest.raises(UserError, match=r"expected the times of the demo's steps, got .*stages\.json"):
        demo.Progress(path)
    assert path.read_text() == content


def test_a_foreign_contact_sheet_stays(small_demo):
    (small_demo / "contact-sheet.png").write_text("mine")
    with pytest.raises(UserError, match="expected a new file, or an older one of this kind to replace"):
        demo.run_all()
    assert (small_demo / "contact-sheet.png").read_text() == "mine"


# --- the contact sheet ----------------------------------------------------------------------------------


def test_the_contact_sheet_shows_moments_spread_over_the_recording(tmp_path):
    """12 moments of 23 frames: every second one, from the first to the last; two columns, line by line."""
    driven = record(tmp_path / "driven", list(range(0, 46, 2)))
    drawn = record(tmp_path / "drawn", list(range(50, 96, 2)))
    demo.write_contact_sheet(driven, drawn, tmp_path / "sheet.png")
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    side = demo.SHEET_SIDE
    assert sheet.shape == (6 * side, 2 * 3 * side, 3)
    cells = sheet[side // 2 :: side, side // 2 :: side, 0].astype(int).reshape(12, 3)
    moments = np.arange(12) * 4
    assert cells.tolist() == np.stack([moments, moments + 50, moments + 100], axis=1).tolist()
    assert metadata.SOURCE_TYPE.encode() in (tmp_path / "sheet.png").read_bytes()  # it is synthetic


def test_a_short_recording_fills_the_contact_sheet_too(tmp_path):
    driven, drawn = (record(tmp_path / name, [1, 2, 3]) for name in ("driven", "drawn"))
    demo.write_contact_sheet(driven, drawn, tmp_path / "sheet.png")
    assert cv2.imread(str(tmp_path / "sheet.png")).shape[0] == 6 * demo.SHEET_SIDE
