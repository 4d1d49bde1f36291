"""Measures of a generated face beyond L1 and SSIM: landmarks, identity, sharpness, steadiness, expression."""

from dataclasses import dataclass

import cv2
import numpy as np

from face2face.evaluation.identity import FaceDescriptor
from face2face.face.geometry import brow_height, eye_aspect_ratio, interocular_distance, mouth_openness
from face2face.face.landmarks import LandmarkDetector

EXPRESSIONS = {"mouth": mouth_openness, "eyes": eye_aspect_ratio, "brows": brow_height}
"""The measures of expression that are correlated over time between the driver and the generated face."""

OUTSIDE_MARGIN = 0.35
"""How far the face (hair, chin) reaches beyond the landmarks, in interocular distances."""


@dataclass(frozen=True)
class Judge:
    """Judges pictures in model space, uint8 (S, S, 3), RGB, by dlib's networks.

    Attributes:
        detector: finds the landmarks.
        descriptor: describes whose face it is.
    """

    detector: LandmarkDetector
    descriptor: FaceDescriptor

    def landmarks(self, picture: np.ndarray) -> np.ndarray | None:
        """The landmarks of the face in a picture, float (68, 2); None if no face is detected."""
        face = self.detector.find(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        return None if face is None else face.points

    def identity(self, picture: np.ndarray, points: np.ndarray, target: np.ndarray) -> float:
        """Distance of a face's descriptor from the target's.

        Args:
            picture: uint8 (S, S, 3), RGB.
            points: float (68, 2), the face's landmarks in it.
            target: mean descriptor of the target's true frames, float (128,).

        Returns:
            The Euclidean distance; from `identity.ANOTHER_PERSON` on it is another person.
        """
        return float(np.linalg.norm(self.descriptor(picture, points) - target))


def sharpness(picture: np.ndarray) -> float:
    """Variance of the Laplacian (Pech-Pacheco et al., 2000) of a picture, uint8 (H, W, 3), RGB."""
    return float(cv2.Laplacian(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.CV_64F).var())


def normalised_mean_error(points: np.ndarray, true: np.ndarray) -> float:
    """NME: mean distance of 68 landmarks, float (68, 2), from the true ones, in interocular distances."""
    return float(np.linalg.norm(points - true, axis=-1).mean() / interocular_distance(true))


def outside(points: np.ndarray, size: int) -> np.ndarray:
    """Mask of what lies outside a face in model space.

    Args:
        points: float (68, 2), the face's landmarks.
        size: side of model space, in pixels.

    Returns:
        bool (S, S).
    """
    face = np.zeros((size, size), np.uint8)
    cv2.fillConvexPoly(face, cv2.convexHull(np.round(points).astype(np.int32)), 1)
    reach = max(3, round(OUTSIDE_MARGIN * float(interocular_distance(points))))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    return cv2.dilate(face, kernel) == 0


def flicker(before: np.ndarray, after: np.ndarray, region: np.ndarray) -> float:
    """Mean absolute change from one picture to the next in a region, in [0, 255].

    Args:
        before: uint8 (S, S, 3), RGB.
        after: likewise.
        region: bool (S, S).
    """
    change = np.abs(after.astype(np.float32) - before.astype(np.float32)).mean(axis=-1)
    return float(change[region].mean()) if region.any() else 0.0


def jitter(points: np.ndarray) -> float:
    """Root mean square deviation of still landmarks from their mean, in interocular distances.

    Args:
        points: float (N, 68, 2), a face that does not move, in N pictures.
    """
    points = points.astype(np.float64)  # in float32 the mean of equal numbers may differ from them
    return float(np.sqrt(points.var(axis=0).sum(axis=-1).mean()) / interocular_distance(points.mean(axis=0)))


def correlation(driver: np.ndarray, output: np.ndarray) -> float:
    """Pearson correlation of two series, float (N,); 0 if one of them does not change."""
    if len(driver) < 2 or np.std(driver) == 0 or np.std(output) == 0:
        return 0.0
    return float(np.corrcoef(driver, output)[0, 1])
