"""evaluate.py on a generator whose answers are known: it always paints one frame of the target, stained."""

import json
import re
import types
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

import evaluate
from face2face.evaluation import identity, results
from face2face.evaluation.results import FIGURES
from face2face.face.crop import CropBox
from face2face.face.landmarks import LandmarkDetector
from face2face.frozen_graph import INPUT_TENSOR, OUTPUT_TENSOR
from face2face.sources.open import open_source
from tests import made
from tests.made import edge

SIZE = 256
PAINTED = 300
"""The frame of the target's clip that is painted."""


@pytest.fixture(scope="module")
def photo(clips) -> np.ndarray:
    """uint8 (S, S, 3), RGB: a frame of the target, cut to her face, with green specks and a faint grid."""
    with open_source(str(clips / "WolfgangLanger_Pexels.mp4")) as video:
        frame = next(video.frames({PAINTED})).picture
    points = LandmarkDetector().find(frame).points
    crop_box = CropBox.around(points[None], *frame.shape[1::-1])
    picture = cv2.cvtColor(crop_box.picture(frame, SIZE), cv2.COLOR_BGR2RGB).astype(int)
    picture[2::9, 2::9] += (-12, 12, -12)
    picture[::2, ::2] -= 1
    picture[::4, ::4] -= 2
    return np.clip(picture, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def model(photo, tmp_path_factory) -> Path:
    return painter_of(photo, tmp_path_factory.mktemp("model") / "photo.pb")


def painter_of(photo: np.ndarray, path: Path) -> Path:
    """A frozen graph of the 2017 demo's contract, that paints the photo whatever it reads."""
    import tensorflow as tf

    size = len(photo)
    with tf.Graph().as_default() as graph:
        image = tf.compat.v1.placeholder(tf.uint8, (size, 2 * size, 3), INPUT_TENSOR.split(":")[0])
        nothing = tf.cast(tf.reduce_min(image), tf.uint8) * tf.constant(0, tf.uint8)
        tf.add(tf.constant(photo[None]), nothing, name=OUTPUT_TENSOR.split(":")[0])
    path.write_bytes(graph.as_graph_def().SerializeToString())
    return path


@pytest.fixture(scope="module")
def result(model, clips, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("evaluation")
    arguments = {
        "--tf-model": model,
        "--target": clips / "WolfgangLanger_Pexels.mp4",
        "--driver": made.short_clip(clips / "single_face.mp4", 12, folder / "driver.mp4"),
        "--start": 16,
        "--frames": 8,
        "--output-dir": folder,
    }
    assert edge(evaluate.main, *(word for pair in arguments.items() for word in pair)) == 0
    return folder


def without_a_duration(clip: Path, path: Path) -> Path:
    """The clip as a file whose header does not tell how long it is, as of a stream that was kept."""
    with av.open(str(clip)) as source, path.open("wb") as file:
        sink = types.SimpleNamespace(write=file.write)  # it cannot be sought
        with av.open(sink, "w", format="matroska") as kept:
            stream = kept.add_stream_from_template(source.streams.video[0])
            for packet in source.demux(source.streams.video[0]):
                if packet.dts is not None:
                    packet.stream = stream
                    kept.mux(packet)
    return path


def test_a_damaged_clip_is_judged_as_far_as_it_goes_by_each_driver(
    model, clips, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(identity, "SFACE_PACKAGE", "not_installed")
    damaged = tmp_path / "cut.mp4"
    damaged.write_bytes((clips / "WolfgangLanger_Pexels.mp4").read_bytes()[:250_000])  # 72 frames
    drivers = [
        made.short_clip(clips / "single_face.mp4", count, tmp_path / f"{count}.mp4") for count in (9, 5)
    ]
    drivers[1] = without_a_duration(drivers[1], tmp_path / "5.mkv")
    arguments = ("--tf-model", model, "--target", damaged, "--frames", "3", "--output-dir", tmp_path / "out")
    assert edge(evaluate.main, *arguments, "--driver", *drivers) == 3
    said = capsys.readouterr()
    assert "expected 472 frames in cut.mp4" in said.err.splitlines()[-1]
    assert f"identity by SFace is left out: {identity.SFACE_INSTALLED_BY}" in said.out.splitlines()
    written = (tmp_path / "out" / "evaluation.json").read_text()
    assert "sface" not in written
    content = json.loads(written)
    (values,), (of_drivers,) = content["models"].values(), content["drivers"].values()
    assert [of_drivers[str(driver)]["frames"] for driver in drivers] == [9, 5]
    assert values["cross"]["frames"] == 7
    assert content["settings"]["driver"] == " ".join(map(str, drivers))
    page = (tmp_path / "out" / "cross" / "index.html").read_text()
    assert f"| {drivers[0]} | {drivers[1]} | median | worst |" in page
    assert page.count("9.mp4: identity") == 9 and page.count("5.mkv: identity") == 5
    assert len(list((tmp_path / "out" / "cross" / "images").iterdir())) == 3 * (9 + 5)


def test_a_model_too_small_for_the_measures_is_refused(photo, clips, tmp_path, capsys):
    model = painter_of(cv2.resize(photo, (32, 32)), tmp_path / "small.pb")
    target, driver = clips / "WolfgangLanger_Pexels.mp4", clips / "single_face.mp4"
    arguments = (
        "--tf-model",
        model,
        "--target",
        target,
        "--driver",
        driver,
        "--output-dir",
        tmp_path / "out",
    )
    assert edge(evaluate.main, *arguments) == 2
    assert capsys.readouterr().err == f"error: expected a model of 64 pixels or more, got 32: {model}\n"
    assert not (tmp_path / "out").exists()


def test_options_that_contradict_each_other_are_told_before_the_work(model, clips, tmp_path, capsys):
    arguments = ["--tf-model", model, "--target", clips / "no_face.mp4", "--driver", clips / "no_face.mp4"]
    options = ["--retarget", "off", "--expression", 1.5, "--output-dir", tmp_path / "out"]
    assert edge(evaluate.main, *arguments, *options) == 2
    assert "--expression and --head need retargeting" in capsys.readouterr().err


def test_a_driver_is_given_once(tmp_path, capsys):
    (tmp_path / "model.pb").touch()
    arguments = ("--tf-model", tmp_path / "model.pb", "--target", "a", "--output-dir", tmp_path / "out")
    assert edge(evaluate.main, *arguments, "--driver", "b", "c", "b") == 2
    assert "expected each --driver once, got b c b" in capsys.readouterr().err


def test_the_worst_driver_is_the_one_farthest_from_the_best():
    drivers = {
        "a": {"frames": 9, "identity_median": 0.2, "mouth_gain": 1.3, "lag": float("nan")},
        "b": {"frames": 5, "identity_median": 0.5, "mouth_gain": 0.6, "lag": float("nan")},
        "c": {"frames": 7, "identity_median": 0.3, "mouth_gain": float("nan"), "lag": -1.0},
    }
    assert results.worst_of(drivers) == {"identity_median": 0.5, "mouth_gain": 0.6, "lag": -1.0}
    assert results.median_of(drivers) == {
        "frames": 7,
        "identity_median": 0.3,
        "mouth_gain": pytest.approx(0.95),
        "lag": -1.0,
    }
    header, _, frames, identity_row, *_ = results.drivers_table("a.pb", drivers).splitlines()
    assert header == "| a.pb | a | b | c | median | worst |"
    assert frames == "| frames with a driver's face | 9 | 5 | 7 | 7 |  |"
    assert identity_row == "| identity, median (descriptor distance) | 0.2 | 0.5 | 0.3 | 0.3 | 0.5 |"


@pytest.fixture(scope="module")
def figures(result) -> dict:
    (of_model,) = json.loads((result / "evaluation.json").read_text())["models"].values()
    return of_model


def test_the_painted_face_is_the_targets(figures):
    assert figures["cross"]["faces_found"] == 1
    assert figures["cross"]["identity_median"] < 0.45
    assert figures["self"]["identity_true_median"] < 0.3
    assert 0.1 < figures["cross"]["identity_expected_median"] < 0.4


def test_a_face_that_never_moves_expresses_nothing(figures):
    assert figures["cross"]["mouth_correlation"] == figures["cross"]["mouth_gain"] == 0
    assert figures["cross"]["gaze_across_correlation"] == 0
    assert figures["cross"]["lag"] is None
    assert figures["steady"]["flicker_cross"] == 0
    assert figures["steady"]["flicker_self"] == 0
    assert figures["steady"]["jitter_generated"] == 0
    assert figures["steady"]["jitter_driver"] > 0


def test_the_target_itself_flickers_and_the_landmarks_differ(figures):
    assert figures["steady"]["flicker_true"] > 0
    assert figures["self"]["nme"] > 0.1


def test_stains_and_squares_are_the_generators(figures):
    for section in ("self", "cross"):
        assert figures[section]["stains"] > 0.7 > 0.3 > figures["self"]["stains_true"]
        assert figures[section]["lines"] > 3 > 1.5 > figures["self"]["lines_true"]
        assert figures[section]["squares"] > 1.5 > 1.2 > figures["self"]["squares_true"]


def test_the_face_and_its_parts_are_compared_by_themselves(figures):
    judged = figures["self"]
    assert judged["l1_eyes"] != judged["l1_mouth"] != judged["l1"]
    assert judged["psnr_face"] != judged["psnr"] and judged["ssim_face"] != judged["ssim"]


@pytest.mark.skipif(identity.sface_model() is None, reason=identity.SFACE_INSTALLED_BY)
def test_another_network_says_that_it_is_the_target(figures):
    assert figures["self"]["identity_sface_true_median"] < 0.3
    assert figures["cross"]["identity_sface_median"] < identity.ANOTHER_PERSON_SFACE
    assert figures["cross"]["identity_sface_median"] != figures["cross"]["identity_median"]


def test_each_key_is_described_and_each_description_is_measured(figures):
    assert {section: set(keys) for section, keys in figures.items()} == {
        section: {key for key in described if identity.sface_model() or "sface" not in key}
        for section, described in FIGURES.items()
    }
    assert all(re.fullmatch("[a-z][a-z0-9_]*", key) for keys in figures.values() for key in keys)


def test_the_table_has_sentences_and_units_for_people():
    models = {"a.pb": {"self": {"l1": 7.25}}, "b.pb": {"self": {"l1": float("nan")}}}
    assert results.table(models).splitlines() == [
        "| | a.pb | b.pb |",
        "| --- | --- | --- |",
        "| *self*: L1 (of 255) | 7.25 | nan |",
    ]


def test_the_pages_show_every_strip_worst_first(result):
    for section, count in (("self", 8), ("cross", 12)):
        page = (result / section / "index.html").read_text()
        sources = [part.split('"')[0] for part in page.split('<img src="')[1:]]
        assert len(sources) == 3 * count
        assert all((result / section / source).is_file() for source in sources)
    strips = (result / "self" / "index.html").read_text().split("</pre>")[1]
    ssim = [float(part.split("<br>")[0]) for part in strips.split("SSIM ")[1:]]
    assert len(ssim) == 8 and ssim == sorted(ssim)


@pytest.mark.parametrize("option", ["--target", "--driver"])
@pytest.mark.parametrize("source", ["0", "http://127.0.0.1:1/clip.mp4", "nowhere.mp4"])
def test_what_cannot_be_read_twice_is_refused_before_anything_is_judged(
    option, source, model, clips, tmp_path, capsys
):
    given = {"--target": clips / "WolfgangLanger_Pexels.mp4", "--driver": clips / "single_face.mp4"}
    arguments = {"--tf-model": model, **given, option: source, "--output-dir": tmp_path / "out"}
    assert edge(evaluate.main, *(word for pair in arguments.items() for word in pair)) == 2
    said = f"error: expected {option} as a video file or a folder of pictures, got '{source}'\n"
    assert capsys.readouterr().err == said
    assert not (tmp_path / "out").exists()


def test_a_driver_without_a_face_is_refused(model, clips, tmp_path, capsys):
    driver = made.short_clip(clips / "no_face.mp4", 10, tmp_path / "no_face.mp4")
    code = edge(
        evaluate.main,
        *("--tf-model", model, "--target", clips / "WolfgangLanger_Pexels.mp4", "--end", 1, "--frames", 2),
        *("--driver", driver, "--output-dir", tmp_path / "evaluation"),
    )
    assert code == 2
    assert "error: expected a face that drives, got none in" in capsys.readouterr().err
    assert not (tmp_path / "evaluation").exists()
