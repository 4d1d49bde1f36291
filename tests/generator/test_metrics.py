import subprocess
import sys

import numpy as np
import pytest

from face2face import metrics
from face2face.metrics import Measures
from tests import made


def test_identical_pictures():
    picture = made.noise(64, 64)
    measured = metrics.compare(picture, picture)
    assert measured.l1 == 0
    assert measured.ssim == pytest.approx(1)
    assert measured.psnr == float("inf")


def test_a_known_difference():
    """All pixels 10 levels apart: L1 10, PSNR 20 log10(255 / 10)."""
    picture = made.noise(64, 64) // 2
    measured = metrics.compare(picture + np.uint8(10), picture)
    assert measured.l1 == pytest.approx(10)
    assert measured.psnr == pytest.approx(20 * np.log10(25.5), abs=1e-3)


def test_the_sign_of_a_difference_does_not_matter():
    dark, light = np.full((32, 32, 3), 10, np.uint8), np.full((32, 32, 3), 250, np.uint8)
    assert metrics.compare(dark, light).l1 == metrics.compare(light, dark).l1 == pytest.approx(240)


def test_ssim_falls_with_lost_structure():
    picture, other = made.noise(64, 64, seed=1), made.noise(64, 64, seed=2)
    nearly = np.clip(picture.astype(int) + np.random.default_rng(0).integers(-9, 10, picture.shape), 0, 255)
    assert metrics.compare(picture, other).ssim < 0.5
    assert 0.8 < metrics.compare(nearly.astype(np.uint8), picture).ssim < 1


def test_mean():
    assert metrics.mean([Measures(1, 20, 0.5), Measures(3, 30, 1.0)]) == Measures(2, 25, 0.75)


def test_measures_are_said_with_their_units():
    assert str(Measures(2.345, 25.678, 0.98765)) == "L1 2.35 of 255, PSNR 25.68 dB, SSIM 0.9877"


def test_regions_are_compared_each_by_itself():
    true = made.noise(64, 64) // 2
    painted = true.copy()
    painted[20:30, 20:30] += np.uint8(30)
    changed, same, none = np.zeros((3, 64, 64), bool)
    changed[20:30, 20:30], same[40:60, 40:60] = True, True
    inside, outside, empty = metrics.compare_regions(painted, true, [changed, same, none])
    assert inside.l1 == pytest.approx(30)
    assert inside.psnr == pytest.approx(20 * np.log10(255 / 30), abs=1e-3)
    assert inside.ssim < 0.95
    assert outside.l1 == 0 and outside.ssim == pytest.approx(1)
    assert np.isnan([empty.l1, empty.psnr, empty.ssim]).all()


def test_nothing_of_tensorflows_own_notes_is_shown(monkeypatch):
    """It says much about GPUs that are not there. evaluate.py first meets it here."""
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)  # which tests before this one may have set
    code = (
        "import numpy as np; from face2face import metrics; "
        "picture = np.zeros((32, 32, 3), np.uint8); print(metrics.compare(picture, picture).ssim)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=made.ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "1.0\n", "")
