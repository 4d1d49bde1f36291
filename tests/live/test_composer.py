"""The pictures that go out: composed and labelled once a frame, and what mirroring changes in them."""

from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest

from face2face.face.crop import resize
from face2face.live import composer
from face2face.live.composer import Composer
from face2face.live.driven_frame import DrivenFrame
from face2face.live.presenter import Presenter
from face2face.live.stats import Stats
from face2face.output import provenance
from face2face.output.controls import Controls, State
from face2face.output.recorder import Recorder
from face2face.sources.base import Source
from tests import made

SIDE, PREVIEW = 64, 128


@pytest.fixture
def driven() -> DrivenFrame:
    """A frame that has passed all stages."""
    driver, drawing = made.noise(PREVIEW, PREVIEW, 1), made.noise(SIDE, SIDE, 2)
    points = made.points(PREVIEW)
    face = made.noise(SIDE, SIDE, 3)
    return DrivenFrame(
        *(0.0, 0.0, driver), preview_points=points, drawing=drawing, shown_drawing=drawing, generated=face
    )


def test_the_label_is_not_mirrored(driven):
    plain, labelled = Composer(driven), Composer(driven, is_labelled=True)
    for mirrored in (False, True):
        face = plain.picture("generated", mirrored)
        expected = np.concatenate(
            [plain.picture("driver", mirrored)[:, :PREVIEW], provenance.label(face)], axis=1
        )
        assert np.array_equal(labelled.picture("driver", mirrored), expected)
        assert not np.array_equal(labelled.picture("generated", mirrored), face)
    assert np.array_equal(labelled.face, provenance.label(driven.generated))


def test_a_mirrored_view_is_mirrored_on_either_side_of_the_middle(driven):
    plain = Composer(driven)
    for view in ("driver", "drawing", "overlay"):
        left, right = np.split(plain.picture(view), 2, axis=1)
        assert np.array_equal(plain.picture(view, mirrored=True), np.hstack([left[:, ::-1], right[:, ::-1]]))
        assert np.array_equal(right, resize(driven.generated, PREVIEW))
    assert np.array_equal(plain.picture("driver")[:, :PREVIEW], driven.preview)


@pytest.fixture
def calls(monkeypatch) -> Counter:
    """Counts what the composer asks of others, and lets it through."""
    counted = Counter()

    def counting(name, function):
        def call(*arguments):
            counted[name] += 1
            return function(*arguments)

        return call

    monkeypatch.setattr(composer, "resize", counting("resize", composer.resize))
    monkeypatch.setattr(provenance, "label", counting("label", provenance.label))
    return counted


def test_a_picture_is_composed_once_whatever_the_number_of_outputs(driven, calls, tmp_path, monkeypatch):
    """A page, a recording and a snapshot of the same view: one resampling, one label."""
    monkeypatch.chdir(tmp_path)

    class Clip(Source):
        name = "clip"

        def frames(self, wanted=None):
            yield from ()

    class Page(list):
        def write(self, picture):
            self.append(picture)

    driver = SimpleNamespace(calibrate=None, next_face=None)
    painter = SimpleNamespace(stats=Stats(), driver=driver)
    controls, page = Controls(), Page()
    recorder = Recorder(25.0, path=tmp_path / "out")
    recorder.begin()
    presenter = Presenter(Clip(), painter, controls, State(), recorder, page=page, is_labelled=True)
    presenter.write(driven)
    controls.press("snapshot")
    assert presenter.goes_on()  # and shows it again
    recorder.end()
    assert len(page) == 2 and page[0] is page[1]
    assert len(list((tmp_path / "out").iterdir())) == len(list(tmp_path.glob("face2face-*.png"))) == 1
    assert calls == {"resize": 1, "label": 1}
    controls.press("mirror")
    presenter.goes_on()
    assert calls == {
        "resize": 1,
        "label": 2,
    }  # the mirrored picture is another one, of the same resampled face
