"""Stains, dark specks and squares: filmed faces have hardly any, and made ones are found."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from face2face.evaluation import artefacts, regions
from face2face.evaluation.artefacts import LINES, SQUARES
from face2face.face.crop import CropBox
from face2face.face.landmarks import LandmarkDetector
from face2face.sources.open import open_source

SIZE = 256
CHEEK = 0.5
"""Where the cheek is between the outer corner of an eye and the corner of the mouth."""


@pytest.fixture(scope="module", params=[("WolfgangLanger_Pexels.mp4", 300), ("single_face.mp4", 5)])
def face(request, clips) -> tuple[np.ndarray, np.ndarray]:
    """A filmed face in model space, uint8 (S, S, 3), RGB, and its landmarks, float (68, 2)."""
    clip, number = request.param
    (face,) = faces(clips / clip, {number})
    return face


def faces(clip: Path, numbers: set[int]) -> list[tuple[np.ndarray, np.ndarray]]:
    """The same of some frames of a clip."""
    found, detector = [], LandmarkDetector()
    with open_source(str(clip)) as video:
        for frame in video.frames(numbers):
            points = detector.find(frame.picture).points
            crop_box = CropBox.around(points[None], *frame.picture.shape[1::-1])
            picture = cv2.cvtColor(crop_box.picture(frame.picture, SIZE), cv2.COLOR_BGR2RGB)
            found.append((picture, crop_box.points(points, SIZE)))
    return found


def shifted(picture: np.ndarray, where: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """A colour added to some pixels."""
    return np.clip(picture + where[..., None] * np.array(colour), 0, 255).astype(np.uint8)


def stains(picture: np.ndarray, points: np.ndarray) -> float:
    return artefacts.stains(artefacts.unevenness(picture, points))


def dots(points: np.ndarray) -> np.ndarray:
    """bool (S, S): four specks of 3 pixels on each cheek."""
    where = np.zeros((SIZE, SIZE), np.uint8)
    for eye, corner in ((36, 48), (45, 54)):
        x, y = np.round(points[eye] + CHEEK * (points[corner] - points[eye])).astype(int)
        for dx, dy in ((0, 0), (7, 0), (-7, 0), (0, 7)):
            where[y + dy - 1 : y + dy + 2, x + dx - 1 : x + dx + 2] = 1
    return where == 1


def test_a_filmed_face_has_no_stains(face):
    assert stains(*face) < 0.3


def test_specks_of_another_hue_are_counted_and_darker_ones_are_not(face):
    picture, points = face
    where = dots(points) & regions.skin(points, SIZE)
    assert where.sum() > 40
    share = 100 * where.sum() / regions.skin(points, SIZE).sum()
    before = stains(picture, points)
    assert stains(shifted(picture, where, (-20, 20, 0)), points) == pytest.approx(before + share, rel=0.25)
    assert stains(shifted(picture, where, (-12, -12, -12)), points) < before + 0.1 * share


def test_a_stain_as_large_as_a_brush_stroke_shows_at_its_edge(face):
    picture, points = face
    x, y = np.round(points[36] + CHEEK * (points[48] - points[36])).astype(int)
    stroke = cv2.line(np.zeros((SIZE, SIZE), np.uint8), (int(x), int(y) - 8), (int(x), int(y) + 8), 1, 3)
    stained = shifted(picture, stroke == 1, (20, -20, -10))
    assert stains(stained, points) > stains(picture, points) + 0.3


def test_what_is_no_skin_may_have_any_hue(face):
    picture, points = face
    painted = shifted(picture, ~regions.skin(points, SIZE), (0, 0, 0)).copy()
    noise = np.random.default_rng(0).integers(0, 256, picture.shape, np.uint8)
    far = regions.skin(points, SIZE)
    far = cv2.dilate(far.astype(np.uint8), np.ones((15, 15), np.uint8)) == 0
    painted[far] = noise[far]
    assert stains(painted, points) == pytest.approx(stains(picture, points), abs=0.05)


def test_stains_do_not_depend_on_the_size_of_the_picture(face):
    picture, points = face
    stained = shifted(picture, dots(points), (-20, 20, 0))
    larger = cv2.resize(stained, None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST)
    small, large = stains(stained, points), stains(larger, 2 * points + 0.5)
    assert large == pytest.approx(small, rel=0.25)


def test_without_skin_there_is_no_share_of_it(face):
    assert np.isnan(stains(face[0], np.full((68, 2), 50.0)))


# --- dark specks ----------------------------------------------------------------------------------------

FEW = 0.1
"""Percent of the skin: what a true frame has of what counts as dark."""


@pytest.fixture(scope="module", params=[("WolfgangLanger_Pexels.mp4", 300), ("single_face.mp4", 5)])
def filmed(request, clips) -> list[tuple[np.ndarray, np.ndarray]]:
    """Five true frames of a target."""
    clip, number = request.param
    return faces(clips / clip, set(range(number, number + 5)))


def usual_depth(frames: list[tuple[np.ndarray, np.ndarray]]) -> float:
    return artefacts.usual_depth([artefacts.unevenness(*frame) for frame in frames])


def dark_specks(picture: np.ndarray, points: np.ndarray, depth: float) -> float:
    return artefacts.dark_specks(artefacts.unevenness(picture, points), depth)


def with_dark_dots(picture: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Specks of black on the cheeks, darker than anything else of the skin."""
    painted = picture.copy()
    painted[dots(points)] = 0
    return painted


def test_a_true_face_has_hardly_any_dark_specks_and_made_ones_are_counted(filmed):
    depth = usual_depth(filmed)
    for picture, points in filmed:
        before, skin = dark_specks(picture, points, depth), regions.skin(points, SIZE)
        assert before < 3 * FEW
        share = 100 * (dots(points) & skin).sum() / skin.sum()
        after = dark_specks(with_dark_dots(picture, points), points, depth)
        assert share > 5 * FEW and after == pytest.approx(before + share, rel=0.1)


def test_what_the_targets_skin_has_in_its_true_frames_is_not_counted(filmed):
    """Moles: as dark as the specks above, but there in each true frame."""
    spotted = [(with_dark_dots(*frame), frame[1]) for frame in filmed]
    counted = [dark_specks(*frame, usual_depth(filmed)) for frame in spotted]
    assert min(counted) > 5 * FEW
    known = [dark_specks(*frame, usual_depth(spotted)) for frame in spotted]
    assert np.median(known) <= FEW and max(known) < 2 * FEW


def test_a_hand_before_the_face_in_a_few_frames_does_not_count_as_its_skin(filmed):
    noise = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), np.uint8)
    covered = [(noise, points) for _, points in filmed[:2]]
    near = sorted(usual_depth([frame]) for frame in filmed)
    assert near[0] <= usual_depth(filmed[2:] + covered) <= near[-1]


def test_skin_that_is_less_light_on_the_whole_has_no_specks(filmed):
    depth = usual_depth(filmed)
    for picture, points in filmed:
        dimmed = np.rint(0.8 * picture).astype(np.uint8)
        assert dark_specks(dimmed, points, depth) <= dark_specks(picture, points, depth)


def test_without_skin_nothing_is_known_of_its_specks(face):
    nowhere = face[0], np.full((68, 2), 50.0)
    assert np.isnan(usual_depth([nowhere]))
    assert np.isnan(dark_specks(*nowhere, 10.0)) and np.isnan(dark_specks(*face, float("nan")))


# --- squares --------------------------------------------------------------------------------------------


def grid(period: int, depth: float) -> np.ndarray:
    """float (S, S, 1): darker by `depth` in the first row and column of each square."""
    first = np.arange(SIZE) % period == 0
    return -depth * (first[:, None] | first)[..., None].astype(float)


def strengths(picture: np.ndarray) -> tuple[float, float]:
    power = artefacts.spectrum(np.clip(np.rint(picture), 0, 255).astype(np.uint8))
    return artefacts.strength(power, LINES), artefacts.strength(power, SQUARES)


def test_a_filmed_picture_has_no_rhythm_however_sharp_it_is(face):
    for picture in (face[0], cv2.GaussianBlur(face[0], (0, 0), 1.5)):
        lines, squares = strengths(picture)
        assert lines < 2 and squares < 1.4
    assert strengths(np.full((SIZE, SIZE, 3), 90, np.uint8)) == pytest.approx((1, 1))


@pytest.mark.parametrize("period", [2, 4, 8])
def test_a_faint_grid_is_found_at_its_period(period, face):
    before, after = strengths(face[0]), strengths(face[0] + grid(period, 4))
    if period in LINES:
        assert after[0] > 3 * before[0]
        assert after[1] == pytest.approx(before[1], rel=0.1)
    else:
        assert after[1] > 1.4 * before[1]


def test_a_coarse_grid_is_found(face):
    before, after = strengths(face[0]), strengths(face[0] + grid(16, 12))
    assert after[1] > 1.3 * before[1]


def test_squares_do_not_hide_in_a_blurred_picture(face):
    blurred = cv2.GaussianBlur(face[0], (0, 0), 1.5)
    sharp, soft = strengths(face[0] + grid(8, 4)), strengths(blurred + grid(8, 4))
    assert soft[1] >= sharp[1]


def test_a_grid_that_is_not_of_the_up_sampling_is_no_matter(face):
    before, after = strengths(face[0]), strengths(face[0] + grid(7, 4))
    assert after == pytest.approx(before, rel=0.35)
