"""The driver's neutral face: learnt from a second of faces, written, read back, refused where damaged."""

import json

import numpy as np
import pytest

from face2face.cli import UserError
from face2face.target.calibration import (
    CALIBRATION_SECONDS,
    Calibration,
    is_calibration,
    read_calibration,
    steady_median,
)
from tests import made


@pytest.fixture
def driver() -> np.ndarray:
    """float (12, 68, 2): one face with small differences, as a detector sees it."""
    return np.array([made.points(256, seed) for seed in range(12)], np.float64)


def test_calibration_takes_the_first_second_with_a_face(driver):
    calibration = Calibration()
    assert calibration.look(driver[0], 10.0) and calibration.is_running
    assert calibration.look(driver[0] + 0.1, 10.5)
    assert calibration.look(driver[0], 10.0 + CALIBRATION_SECONDS) and not calibration.is_running
    before = calibration.neutral
    assert not calibration.look(driver[-1], 12.0)
    assert calibration.neutral is before


def test_calibration_begins_again_when_asked(driver):
    calibration = Calibration(driver[0])
    calibration.restart()
    calibration.look(driver[-1], 5.0)
    assert np.allclose(calibration.neutral, driver[-1])


def test_the_steady_frames_make_the_neutral_face(driver):
    turning = driver[0] + np.linspace(0, 60, 6)[:, None, None]
    still = np.repeat(driver[:1] + 60, 8, axis=0)
    for frames in ([turning, still], [still, turning[::-1]], [still[:4], turning[:-1], still[4:]]):
        assert np.allclose(steady_median(np.concatenate(frames)), driver[0] + 60)


def test_a_saved_calibration_is_read_back_at_any_size(tmp_path, driver):
    path = tmp_path / "me.json"
    Calibration(driver[0]).write(path, (640, 360))
    saved = read_calibration(path)
    same, half = saved.scaled_to((640, 360)), saved.scaled_to((320, 180))
    assert np.allclose(same.neutral, driver[0], atol=1e-3) and not same.is_running
    assert np.allclose(half.neutral, driver[0] / 2, atol=1e-3)


FACE = [[i % 9 * 10, i * 3] for i in range(68)]
SAVED = {"format_version": 1, "frame_size": [640, 360], "neutral": FACE}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe\x00",
        b"[" * 100_000,
        json.dumps(SAVED).encode()[:-9],
        *(
            json.dumps(SAVED | changed).encode()
            for changed in (
                {"format_version": 2},
                {"format_version": None},
                {"frame_size": [0, 0]},
                {"frame_size": [-640, 360]},
                {"frame_size": [10**9, 360]},
                {"frame_size": 640},
                {"neutral": FACE[1:]},
                {"neutral": [[5, 5]] * 68},
                {"neutral": [*FACE[:36], *[[3, 3]] * 32]},
                {"neutral": [[1e9, 1], *FACE[1:]]},
                {"neutral": [[float("nan"), 1], *FACE[1:]]},
                {"neutral": [[float("inf"), 1], *FACE[1:]]},
                {"neutral": [["1", 1], *FACE[1:]]},
                {"neutral": [[1, 2, 3], *FACE[1:]]},
                {"neutral": None},
                {"neutral": {"0": [1, 2]}},
            )
        ),
    ],
)
def test_a_damaged_calibration_is_refused(content, tmp_path):
    path = tmp_path / "me.json"
    path.write_text(json.dumps(SAVED))
    assert is_calibration(path) and read_calibration(path).scaled_to((640, 360)).neutral.shape == (68, 2)
    path.write_bytes(content)
    assert not is_calibration(path)
    with pytest.raises(UserError, match=r"expected what --calibration wrote, got .*") as refused:
        read_calibration(path)
    assert "me.json" in str(refused.value)


def test_a_calibration_replaces_no_other_file(tmp_path, driver):
    path = tmp_path / "me.json"
    path.write_text('{"mine": 1}')
    with pytest.raises(UserError, match="expected a new file, or an older one of this kind to replace"):
        Calibration(driver[0]).write(path, (640, 360))
    assert path.read_text() == '{"mine": 1}'
