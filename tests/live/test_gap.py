"""A gap in a video's time stamps: while its next picture is not due, the window and the page go on."""

import numpy as np
import pytest

from face2face.live import presenter as presenter_module
from face2face.live.presenter import Presenter
from face2face.sources.open import open_source
from tests.live.test_presenter import Screen, driven, presenter_of, side_by_side

GAP = 40.0  # seconds


class Clock:
    """Stands for the module `time`: sleep takes no time, and a user presses keys at their seconds."""

    def __init__(self, screen: Screen, keys: dict[float, str]):
        self._screen, self._keys, self.now = screen, keys, 1000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        for at in [at for at in self._keys if self.now >= 1000 + at]:
            self._screen.pressed.append(self._keys.pop(at))


@pytest.fixture
def waiting(photos, monkeypatch):
    """Makes a presenter that has shown a frame. keys: what the user presses, at which second from then on."""
    with open_source(str(photos)) as source:

        def make(keys: dict[float, str]) -> tuple[Presenter, Screen, Clock]:
            screen = Screen()
            clock = Clock(screen, keys)
            monkeypatch.setattr(presenter_module, "time", clock)
            presenter = presenter_of(source, screen)
            presenter.write(driven(1))
            assert presenter.goes_on()
            return presenter, screen, clock

        yield make


def test_the_picture_after_a_gap_is_shown_at_its_time(waiting):
    presenter, screen, clock = waiting({})
    presenter.write(driven(2, seconds=GAP))
    assert clock.now == pytest.approx(1000 + GAP)
    assert np.array_equal(screen.shown[-1], side_by_side(driven(2)))
    presenter.write(driven(3, seconds=GAP + 0.04))
    assert clock.now == pytest.approx(1000 + GAP + 0.04)


def test_keys_are_answered_in_a_gap(waiting):
    presenter, screen, clock = waiting({5: "m", 6: "h"})
    told: list[float] = []
    write = screen.write
    screen.write = lambda *shown: (told.append(clock.now - 1000), write(*shown))
    presenter.write(driven(2, seconds=GAP))
    assert any(5 <= at < 5.2 for at in told) and presenter.state.is_mirrored
    assert max(np.diff(told)) < 0.5  # the messages of the moment are shown all the time
    assert not np.array_equal(screen.shown[0], screen.shown[-2])


def test_the_end_is_no_later_for_a_gap(waiting):
    presenter, screen, clock = waiting({5: "q"})
    presenter.write(driven(2, seconds=GAP))
    assert 5 <= clock.now - 1000 < 5.2
    assert np.array_equal(screen.shown[-1], side_by_side(driven(1)))  # the next one was not due
    assert not presenter.goes_on()
