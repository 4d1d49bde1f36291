"""What is shown of painted faces, where, and when."""

import contextlib
import time
from pathlib import Path

import numpy as np
import pytest

import run_webcam
from face2face import pictures
from face2face.face.crop import resize
from face2face.live import presenter as presenter_module
from face2face.live.driven_frame import DrivenFrame
from face2face.live.options import OutputOptions, RunOptions
from face2face.live.outputs import open_presenter
from face2face.live.presenter import Presenter
from face2face.live.stats import Stats
from face2face.output.controls import Controls, State
from face2face.output.recorder import Recorder
from face2face.sources.open import open_source
from tests import made

SIDE = 32


class Screen:
    """Keeps what a window would show."""

    def __init__(self):
        self.shown: list[np.ndarray] = []
        self.lines: list[str] = []
        self.pressed: list[str] = []
        self.is_there = True
        self.fullscreen_toggles = 0

    def write(self, picture: np.ndarray, lines: list[str]) -> None:
        self.shown.append(picture)
        self.lines = lines

    def key(self) -> str | None:
        return self.pressed.pop(0) if self.pressed else None

    def is_open(self) -> bool:
        return self.is_there

    def set_title(self, text: str) -> None:
        self.title = text

    def toggle_fullscreen(self) -> None:
        self.fullscreen_toggles += 1


class Told:
    """Keeps what a driver is told."""

    def __init__(self):
        self.calibrations = self.faces = 0
        self.gains: dict[str, float] = {}
        self.set_gain = self.gains.__setitem__

    def calibrate(self) -> None:
        self.calibrations += 1

    def next_face(self) -> None:
        self.faces += 1


class Chosen:
    """Keeps what a painter is asked for."""

    size = SIDE

    def __init__(self):
        self.stats, self.driver = Stats(), Told()
        self.models: list[int] = []
        self.choose = self.models.append


@pytest.fixture
def photo(photos):
    with open_source(str(photos)) as source:
        yield source


@pytest.fixture
def screen() -> Screen:
    return Screen()


@pytest.fixture
def painter() -> Chosen:
    return Chosen()


@pytest.fixture
def presenter(photo, painter, screen, tmp_path, monkeypatch) -> Presenter:
    monkeypatch.chdir(tmp_path)
    return presenter_of(photo, screen, painter)


def presenter_of(source, screen: Screen | None, painter: Chosen | None = None, **state) -> Presenter:
    shown = State(models=["one", "two"], **state)
    return Presenter(source, painter or Chosen(), Controls(), shown, Recorder(25.0), screen)


def driven(seed: int = 0, seconds: float = 0.0) -> DrivenFrame:
    """Pictures with no symmetry."""
    driver = made.noise(2 * SIDE, 2 * SIDE, seed)
    drawing, face = made.noise(SIDE, SIDE, seed + 100), made.noise(SIDE, SIDE, seed + 200)
    return DrivenFrame(seconds, 0.0, driver, shown_drawing=drawing, generated=face)


def side_by_side(one: DrivenFrame) -> np.ndarray:
    return np.concatenate([one.preview, resize(one.generated, 2 * SIDE)], axis=1)


def press(presenter: Presenter, screen: Screen, keys: str) -> None:
    screen.pressed += keys
    for _ in keys:
        assert presenter.goes_on()


def test_no_latency_is_known_before_the_first_frame():
    stats = Stats()
    assert stats.recent_latency is None
    stats.latency.append(0.02)
    assert stats.recent_latency == 0.02


def test_a_mirror_turns_both_pictures_and_not_their_order(photo, screen):
    one = driven()
    presenter = presenter_of(photo, screen, is_mirrored=True)
    presenter.write(one)
    assert screen.title == "face2face - 0.0 frames/s"
    both = side_by_side(one)
    turned = np.concatenate([both[:, 2 * SIDE - 1 :: -1], both[:, : 2 * SIDE - 1 : -1]], axis=1)
    assert np.abs(screen.shown[-1].astype(int) - turned).max() <= 1 and not np.array_equal(both, turned)
    press(presenter, screen, "m")
    assert np.array_equal(screen.shown[-1], both)
    press(presenter, screen, "m")
    assert np.abs(screen.shown[-1].astype(int) - turned).max() <= 1


def test_a_mirror_turns_no_snapshot(presenter, screen):
    one = driven()
    presenter.write(one)
    press(presenter, screen, "ms")
    (snapshot,) = Path().glob("face2face-*.png")
    assert np.array_equal(pictures.read(snapshot), side_by_side(one))


def test_a_mirror_turns_nothing_that_is_sent_or_recorded(photo, painter, tmp_path):
    class Camera(list):
        write = list.append

    one = driven()
    camera, recorder = Camera(), Recorder(25.0, path=tmp_path / "out")
    recorder.begin()
    presenter = Presenter(
        *(photo, painter, Controls(), State(is_mirrored=True), recorder),
        camera=camera,
        records_generated_only=True,
    )
    presenter.write(one)
    recorder.end()
    assert np.array_equal(camera[0], one.generated)
    assert np.array_equal(pictures.read(tmp_path / "out" / "1.png"), one.generated)


def test_while_no_picture_comes_the_last_one_is_shown_with_the_sources_state(
    presenter, photo, screen, monkeypatch
):
    monkeypatch.setattr(presenter_module, "_STILL_SECONDS", 3600.0)
    presenter.write(driven())
    photo.state = "camera 0 sends no pictures"
    assert presenter.goes_on() and len(screen.shown) == 1
    monkeypatch.setattr(presenter_module, "_STILL_SECONDS", 0.0)
    assert presenter.goes_on() and len(screen.shown) == 2
    assert photo.state in screen.lines


def test_a_notice_is_shown_for_a_while(presenter, screen, monkeypatch):
    monkeypatch.setattr(presenter_module, "RECORDER_NOTICE_SECONDS", 3600.0)
    presenter.write(driven())
    press(presenter, screen, "s")
    notices = [line for line in screen.lines if line.startswith("wrote face2face-")]
    assert len(notices) == 1
    press(presenter, screen, "m")
    assert notices[0] in screen.lines
    monkeypatch.setattr(presenter_module, "RECORDER_NOTICE_SECONDS", 0.0)
    press(presenter, screen, "m")
    assert notices[0] not in screen.lines


def test_views_follow_each_other(presenter, screen):
    one = driven()
    presenter.write(one)
    face = resize(one.generated, 2 * SIDE)
    lefts = (resize(one.shown_drawing, 2 * SIDE), one.preview)  # he has no landmarks to be laid over
    for left in lefts:
        press(presenter, screen, "v")
        assert np.array_equal(screen.shown[-1], np.concatenate([left, face], axis=1))
    press(presenter, screen, "v")
    assert np.array_equal(screen.shown[-1], face)
    press(presenter, screen, "v")
    assert np.array_equal(screen.shown[-1], side_by_side(one))


def test_a_frozen_picture_stays_until_it_is_let_go(presenter, screen):
    first, second = driven(1), driven(2)
    presenter.write(first)
    press(presenter, screen, " ")
    presenter.write(second)
    assert np.array_equal(screen.shown[-1], side_by_side(first)) and "frozen" in screen.lines
    press(presenter, screen, " ")
    presenter.write(second)
    assert np.array_equal(screen.shown[-1], side_by_side(second)) and "frozen" not in screen.lines


def test_keys_reach_the_painter_and_the_window(presenter, painter, screen):
    press(presenter, screen, "c")
    assert (painter.driver.calibrations, painter.models, screen.fullscreen_toggles) == (1, [], 0)
    press(presenter, screen, "n2f")
    assert painter.driver.faces == 1
    assert (painter.driver.calibrations, painter.models, screen.fullscreen_toggles) == (1, [1], 1)
    assert presenter.state.model == 1
    press(presenter, screen, "3")  # there are two
    assert painter.models == [1] and presenter.state.model == 1


def test_keys_carry_more_or_less_of_the_driver(presenter, painter, screen):
    presenter.write(driven(1))
    press(presenter, screen, "]].")
    assert painter.driver.gains == {"expression": 1.2, "head": 1.1}
    assert "expression 1.2, head 1.1" in screen.lines[0]
    press(presenter, screen, "[[" + "," * 20)
    assert painter.driver.gains == {"expression": 1.0, "head": 0.0}
    press(presenter, screen, "." * 30)
    assert painter.driver.gains["head"] == presenter.state.head == 2.0


def test_a_key_or_the_windows_button_ends_it(photo):
    for end in ("key", "button"):
        screen = Screen()
        presenter = presenter_of(photo, screen)
        presenter.write(driven())
        assert presenter.goes_on()
        if end == "key":
            screen.pressed = ["q"]
        screen.is_there = end == "key"
        assert not presenter.goes_on() and not presenter.goes_on()


def test_a_file_that_is_watched_is_shown_no_faster_than_it_was_filmed(presenter):
    began = time.monotonic()
    for seconds in (5.0, 5.1, 5.4):
        presenter.write(driven(seconds=seconds))
    assert time.monotonic() - began >= 0.4


def test_after_a_slow_frame_the_next_ones_are_not_hurried(presenter):
    """The time that was lost is not caught up with: each frame keeps its distance from the one before."""
    presenter.write(driven())
    time.sleep(0.3)
    presenter.write(driven(seconds=0.1))
    began = time.monotonic()
    presenter.write(driven(seconds=0.3))
    assert time.monotonic() - began >= 0.15


def test_a_file_that_nobody_watches_is_driven_as_fast_as_it_goes(photo, monkeypatch):
    monkeypatch.setattr(presenter_module.time, "sleep", lambda seconds: pytest.fail(f"waits for {seconds} s"))
    presenter = presenter_of(photo, None)
    for hour in range(3):
        presenter.write(driven(seconds=3600.0 * hour))


def test_what_is_asked_for_on_the_command_line_is_what_is_opened(monkeypatch, tmp_path):
    asked: list[RunOptions] = []
    monkeypatch.setattr(run_webcam, "drive", asked.append)
    (tmp_path / "model.pb").touch()
    given = ("--mirror", "--fullscreen", "--size", "600x300", "--label", "--show", "2", "--serve", "0")
    run_webcam.main(["--source", "clip.mp4", "--tf-model", str(tmp_path / "model.pb"), *given])
    options = OutputOptions(
        view="overlay", mirror=True, fullscreen=True, size=(600, 300), label=True, serve=0
    )
    assert [one.outputs for one in asked] == [options]


@pytest.mark.parametrize("mirror", [False, True])
def test_a_mirror_that_is_asked_for_is_there_from_the_first_picture(photo, painter, mirror):
    with contextlib.ExitStack() as stack:
        options = OutputOptions(window=False, serve=0, mirror=mirror, view="generated")
        presenter = open_presenter(stack, options, photo, None, ["model"], painter)
        assert (presenter.state.is_mirrored, presenter.state.view) == (mirror, "generated")
