"""What a generated face is judged by, beside the pixels: does it look like a face, whose, and doing what."""

from dataclasses import dataclass

import cv2
import numpy as np

from face2face.evaluation.identity import FaceDescriptor
from face2face.face.geometry import brow_height, eye_aspect_ratio, interocular_distance, mouth_openness
from face2face.face.landmarks import LandmarkDetector

EXPRESSIONS = {"mouth": mouth_openness, "eyes": eye_aspect_ratio, "brows": brow_height}
"""What is compared over time between the driver and the generated face."""

OUTSIDE_MARGIN = 0.35
"""How far beyond the landmarks the face reaches (hair, chin), in distances of the eyes."""


@dataclass(frozen=True)
class Judge:
    """Looks at pictures in model space, uint8 (S, S, 3), RGB, with dlib's eyes."""

    detector: LandmarkDetector
    descriptor: FaceDescriptor

    def landmarks(self, picture: np.ndarray) -> np.ndarray | None:
        """The points of the face in a picture, float (68, 2); None if it shows none."""
        face = self.detector.find(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        return None if face is None else face.points

    def identity(self, picture: np.ndarray, points: np.ndarray, target: np.ndarray) -> float:
        """Distance from the face in a picture to the target's mean descriptor: 0.6 is another person."""
        return float(np.linalg.norm(self.descriptor(picture, points) - target))


def sharpness(picture: np.ndarray) -> float:
    """Variance of the Laplacian (Pech-Pacheco et al., 2000) of uint8 (H, W, 3), RGB."""
    return float(cv2.Laplacian(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.CV_64F).var())


def normalised_mean_error(points: np.ndarray, true: np.ndarray) -> float:
    """Mean distance of 68 points from the true ones, over the distance of the eyes."""
    return float(np.linalg.norm(points - true, axis=-1).mean() / interocular_distance(true))


def outside(points: np.ndarray, size: int) -> np.ndarray:
    """bool (S, S): what of a picture in model space lies outside the face with these points."""
    face = np.zeros((size, size), np.uint8)
    cv2.fillConvexPoly(face, cv2.convexHull(np.round(points).astype(np.int32)), 1)
    reach = max(3, round(OUTSIDE_MARGIN * float(interocular_distance(points))))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    return cv2.dilate(face, kernel) == 0


def flicker(before: np.ndarray, after: np.ndarray, region: np.ndarray) -> float:
    """Mean absolute change from one picture to the next in a region, of 255."""
    change = np.abs(after.astype(np.float32) - before.astype(np.float32)).mean(axis=-1)
    return float(change[region].mean()) if region.any() else 0.0


def jitter(points: np.ndarray) -> float:
    """How much still points shake: root mean square about their mean place, in distances of the eyes.

    Args:
        points: float (N, 68, 2), a face that does not move, in N pictures.
    """
    points = points.astype(np.float64)  # in float32 the mean of equal numbers may differ from them
    return float(np.sqrt(points.var(axis=0).sum(axis=-1).mean()) / interocular_distance(points.mean(axis=0)))


def correlation(driver: np.ndarray, output: np.ndarray) -> float:
    """Pearson's, of a measure over time; 0 where one of them does not change."""
    if len(driver) < 2 or np.std(driver) == 0 or np.std(output) == 0:
        return 0.0
    return float(np.corrcoef(driver, output)[0, 1])
