"""An upright face: eyes level, interocular distance 1, centred between the eyes. Its sizes and gaps."""

import numpy as np

from face2face.face.geometry import (
    BROWS,
    CHIN,
    EYELIDS,
    EYES,
    JAW,
    LANDMARKS,
    LEFT_EYE,
    LIPS,
    MOUTH_CORNERS,
    NOSE_BASE,
    RIGHT_EYE,
    eye_to_eye,
)
from face2face.face.similarity import SimilarityTransform


def from_upright(points: np.ndarray) -> SimilarityTransform:
    """The transform to a face, float (68, 2), from its upright one: eyes level, distance 1, centred."""
    along = eye_to_eye(points)
    matrix = np.array([[along[0], -along[1]], [along[1], along[0]]])
    return SimilarityTransform(matrix, (points[LEFT_EYE].mean(axis=0) + points[RIGHT_EYE].mean(axis=0)) / 2)


def proportions(face: np.ndarray) -> np.ndarray:
    """Width and height of each point's region in an upright face, the units of its motion: float (68, 2)."""

    def width(region: slice) -> float:
        return np.ptp(face[region, 0])

    eye_height = lid_gaps(face).mean()
    lower_face = face[CHIN, 1] - face[NOSE_BASE, 1]
    sizes = np.ones((LANDMARKS, 2))
    sizes[JAW] = width(JAW), lower_face
    sizes[BROWS] = width(BROWS), height(face, BROWS)
    sizes[EYES] = 1.0, eye_height
    sizes[LIPS] = width(LIPS), lower_face
    return np.maximum(sizes, 1e-3)


def gap(face: np.ndarray, upper: int, lower: int) -> float:
    """Vertical distance from an upper to a lower point of a face, float (68, 2); 0 where they are crossed."""
    return max(float(face[lower, 1] - face[upper, 1]), 0.0)


def lid_gaps(faces: np.ndarray) -> np.ndarray:
    """`gap` of each of `EYELIDS` in one or more faces: float (..., 68, 2) -> float (..., 4)."""
    uppers, lowers = np.array(EYELIDS).T
    return np.maximum(faces[..., lowers, 1] - faces[..., uppers, 1], 0.0)


def mouth_width(faces: np.ndarray) -> np.ndarray:
    """Distance across between the mouth's corners, 0 where crossed: float (..., 68, 2) -> float (...)."""
    left, right = MOUTH_CORNERS
    return np.maximum(faces[..., right, 0] - faces[..., left, 0], 0.0)


def mouth_slant(faces: np.ndarray) -> np.ndarray:
    """How much higher the mouth's left corner is than its right one, above the line of the eyes.

    Unlike `geometry.mouth_slant` it is defined for any points: training shapes may come from anybody.

    Args:
        faces: float (..., 68, 2), whose eyes are about level and at a distance of about 1.

    Returns:
        float (...).
    """
    left, right = MOUTH_CORNERS
    eyes = eye_to_eye(faces)
    mouth = faces[..., right, :] - faces[..., left, :]
    return eyes[..., 0] * mouth[..., 1] - eyes[..., 1] * mouth[..., 0]


def height(faces: np.ndarray, region: slice) -> np.ndarray:
    """How far the points of a region are above those of the eyes: float (..., 68, 2) -> float (...)."""
    return faces[..., EYES, 1].mean(axis=-1) - faces[..., region, 1].mean(axis=-1)


def set_gap(
    face: np.ndarray, upper: int, lower: int, gap: float, followers: dict[int, tuple[int, ...]]
) -> None:
    """Set the vertical distance of two points about their middle, in place.

    Args:
        face: float (68, 2), upright; changed in place.
        upper: The upper point.
        lower: The lower point.
        gap: Their new distance.
        followers: For a point, the points that are shifted with it.
    """
    middle = (face[upper, 1] + face[lower, 1]) / 2
    for point, to in ((upper, middle - gap / 2), (lower, middle + gap / 2)):
        by = to - face[point, 1]
        for moved in (point, *followers.get(point, ())):
            face[moved, 1] += by
