"""benchmarks/irises.py: two ways to find an iris, compared."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from benchmarks import irises
from face2face.cli import UserError
from face2face.face.irises import gaze_of, irises_of
from face2face.sources.open import open_source
from tests import made


@pytest.fixture(scope="module")
def followed(clips) -> irises.Followed:
    return irises.follow(clips / "single_face.mp4", [irises.NetworkDetector(), irises.GradientDetector()])


@pytest.mark.parametrize("iris", [(40, 28), (28.5, 27), (51, 29.3)])
@pytest.mark.parametrize(("radius", "spot", "most"), [(7, 0, 0.5), (11, 1, 1.5)])
def test_the_centre_of_a_disc_is_found_by_its_gradients(iris, radius, spot, most):
    """Made as an eye is, a dark disc in a white opening: whole; and with a light spot, cut by the lids."""
    width, height = irises.PATCH_SIZE
    opening = np.zeros((height, width), np.uint8)
    cv2.ellipse(opening, (width // 2, height // 2), (irises.EYE_WIDTH // 2, 9), 0, 0, 360, 1, cv2.FILLED)
    eye = np.full((height, width), 220, np.uint8)
    centre = [round(16 * value) for value in iris]  # of OpenCV, in sixteenths
    cv2.circle(eye, centre, 16 * radius, 60, cv2.FILLED, cv2.LINE_AA, 4)
    cv2.circle(eye, np.add(centre, (48, -48)), 16 * spot, 60 + 140 * spot, cv2.FILLED, cv2.LINE_AA, 4)
    grey = cv2.GaussianBlur(np.where(opening > 0, eye, 150), (0, 0), 1).astype(np.float32)
    assert np.abs(irises.centre_by_gradients(grey, opening) - iris).max() < most
    assert np.isnan(irises.centre_by_gradients(np.full_like(grey, 90), opening)).all()


def test_both_ways_find_the_same_irises_in_a_real_face(followed):
    by_network, by_gradients = followed.irises.swapaxes(0, 1)
    apart = np.linalg.norm(by_network - by_gradients, axis=-1) / irises.widths(followed.points)
    assert np.isfinite(apart).mean() > 0.95 and np.nanmedian(apart) < 0.05
    for answers, mirrored, _, _, jitter, milliseconds in irises.judge(followed):
        assert answers > 95 and 0 < mirrored < 0.03 and 0 < jitter < 0.05 and milliseconds > 0
    # He looks straight on: how alike his two eyes move is noise, but both ways see the same small motion.
    ways = np.array([gaze_of(followed.points, found).reshape(-1, 4) for found in (by_network, by_gradients)])
    ways = ways[:, np.isfinite(ways).all(axis=(0, 2))]
    alike = [np.corrcoef(*ways[..., motion])[0, 1] for motion in range(4)]
    assert min(alike) > 0 and np.mean(alike) > 0.2


def test_eyes_that_look_about_do_so_together(clips, tmp_path):
    """By either way: every fourth frame of a woman who looks up, down and aside."""
    with open_source(str(clips / "WolfgangLanger_Pexels.mp4")) as video:
        for number, frame in enumerate(video.frames(range(0, 472, 4)), 1):
            cv2.imwrite(str(tmp_path / f"{number}.png"), frame.picture)
    looking = irises.follow(tmp_path, [irises.NetworkDetector(), irises.GradientDetector()])
    for _, _, across, down, *_ in irises.judge(looking):
        assert across > 0.3 and down > 0.3


def test_figures_are_of_what_they_are_said_to_be_of(followed):
    """A way that trembles has more jitter, one that finds half of the irises half of the answers."""
    moved = replace(followed, mirrored=followed.mirrored + np.array([4, 0]))
    (_, away, *_), _ = irises.judge(moved)
    assert away == pytest.approx(4 / np.median(irises.widths(followed.points)), rel=0.3)
    worse = replace(followed, irises=followed.irises.copy())
    worse.irises[:, 1] += np.random.default_rng(0).normal(0, 3, worse.irises[:, 1].shape)
    worse.irises[: len(worse.irises) // 2, 1] = np.nan
    network, trembling = irises.judge(worse)
    assert trembling[0] == pytest.approx(network[0] / 2, abs=5)  # in one half, more eyes are shut
    assert trembling[4] > 5 * network[4]
    gaze = gaze_of(followed.points, followed.irises[:, 0])
    worse.irises[:, 1] = irises_of(followed.points, np.stack([gaze[:, 0], gaze[:, 0] * (0.3, -0.3)], axis=1))
    assert irises.judge(worse)[1, 2:4] == pytest.approx([1, -1], abs=1e-3)
    worse.irises[:, 1] = np.nan
    with pytest.raises(UserError, match="expected clips with open eyes in successive frames, got one w"):
        irises.judge(worse)


def test_clicked_irises_are_compared_with_those_of_each_way(followed):
    x, y = followed.irises[5, 0, 1].tolist()
    lost = replace(followed, irises=followed.irises.copy())
    lost.irises[6, 1] = np.nan
    clicked = [irises.Clicked("single_face", 5, 1, (x, y)), irises.Clicked("single_face", 6, 0, None)]
    errors = irises.clicked_errors(lost, clicked)
    assert errors[0, 0] == pytest.approx(0, abs=1e-6) and 0 < errors[0, 1] < 0.1
    assert np.isfinite(errors[1, 0]) and np.isnan(errors[1, 1])
    cells = irises.row("clip", "way", np.arange(6.0), errors[:, 1], np.array([True, False])).split(" | ")
    assert cells[-2:] == ["1 of 1", "0 of 1 |"]
    late = [irises.Clicked("single_face", 999, 0, None)]
    with pytest.raises(
        UserError, match="expected the clip single_face that was clicked in, got a shorter one"
    ):
        irises.clicked_errors(followed, late)


def test_the_table_has_a_row_for_each_clip_and_way(clips, capsys):
    assert made.edge(irises.main, "--file", clips / "single_face.mp4") == 0
    table = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    assert [line.split(" | ")[:2] for line in table[2:]] == [
        [f"| {clip}", way] for clip in ("single_face", "all") for way in ("network", "gradients")
    ]
    assert {line.count("|") for line in table} == {len(irises.COLUMNS) + 3}
