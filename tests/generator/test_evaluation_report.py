"""The report of evaluate.py: what it replaces, and what it leaves."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import evaluate
from face2face.cli import UserError
from face2face.evaluation.results import Evaluation, Strip
from tests.kept import tree
from tests.made import edge


def write(folder: Path, value: float = 0.5) -> None:
    picture = np.full((8, 8, 3), 100, np.uint8)
    strips = [Strip(f"{section}-1", {"drawing": picture}, "", 0.0) for section in evaluate.SECTIONS]
    result = Evaluation({"self": {"ssim": value, "identity_median": float("nan")}}, strips=strips)
    evaluate.write_report(folder, {"a.pb": result, "b.pb": result}, {"frames": "1"})


def test_a_report_replaces_an_earlier_one_and_nothing_else(tmp_path):
    write(tmp_path)
    first = tree(tmp_path)
    assert {
        "evaluation.json",
        "self/index.html",
        "against-1/cross/images/cross-1-drawing.jpeg",
    } <= first.keys()
    shutil.copy(tmp_path / "self/images/self-1-drawing.jpeg", tmp_path / "self/images/self-9-drawing.jpeg")
    (tmp_path / "self/mine.txt").write_text("mine")
    mine = tree(tmp_path)["self/mine.txt"]
    write(tmp_path, 0.7)
    after = tree(tmp_path)
    assert after.keys() == first.keys() | {"self/mine.txt"} and after["self/mine.txt"] == mine
    figures = json.loads((tmp_path / "evaluation.json").read_text())["models"]["a.pb"]["self"]
    assert figures == {"ssim": 0.7, "identity_median": None}


def test_what_else_this_project_wrote_below_the_folder_stays(tmp_path):
    """Pairs, another report, a snapshot: they are ours, but not of this report."""
    write(tmp_path / "other-report")
    strip = tmp_path / "other-report/self/images/self-1-drawing.jpeg"
    for name in ("photos/original/1.jpeg", "self-1-drawing.jpeg", "self/images/snapshot.jpeg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(strip, tmp_path / name)
    before = tree(tmp_path)
    write(tmp_path)
    after = tree(tmp_path)
    assert before == {name: after[name] for name in before}


def test_a_report_of_an_older_version_is_replaced(tmp_path):
    write(tmp_path)
    path = tmp_path / "evaluation.json"
    path.write_text(path.read_text().replace('"format_version": 2', '"format_version": 1'))
    write(tmp_path)
    assert json.loads(path.read_text())["format_version"] == 2


@pytest.mark.parametrize(
    "name",
    [
        "evaluation.json",
        "self/index.html",
        "self/images/self-4-true.jpeg",
        "against-1/cross/index.html",
    ],
)
def test_a_foreign_file_in_a_reports_place_is_refused_before_the_work(name, tmp_path, capsys):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text("{}")
    for model in ("model.pb", "other.pb"):
        (tmp_path / model).touch()
    before = tree(tmp_path)
    model = ("--tf-model", tmp_path / "model.pb", "--against", tmp_path / "other.pb")
    assert edge(evaluate.main, *model, "--target", "a", "--driver", "b", "--output-dir", tmp_path) == 2
    (error,) = capsys.readouterr().err.splitlines()
    assert name in error and "expected a new file, or an older one of this kind" in error
    assert tree(tmp_path) == before


def test_a_foreign_file_that_came_during_the_work_stays(tmp_path):
    (tmp_path / "self").mkdir()
    (tmp_path / "self/index.html").write_text("mine")
    before = tree(tmp_path)
    with pytest.raises(UserError, match="expected a new file, or an older one of this kind"):
        write(tmp_path)
    assert tree(tmp_path) == before


def test_a_model_is_not_compared_with_itself(tmp_path, capsys):
    (tmp_path / "model.pb").touch()
    models = ("--tf-model", tmp_path / "model.pb", "--against", tmp_path / "." / "model.pb")
    assert edge(evaluate.main, *models, "--target", "a", "--driver", "b", "--output-dir", tmp_path) == 2
    assert "expected another model as --against" in capsys.readouterr().err


def test_a_report_never_replaces_what_is_judged(tmp_path, capsys):
    (tmp_path / "evaluation.json").touch()
    arguments = ("--tf-model", tmp_path / "evaluation.json", "--target", "a", "--driver", "b")
    assert edge(evaluate.main, *arguments, "--output-dir", tmp_path) == 2
    assert "expected another path as" in capsys.readouterr().err
