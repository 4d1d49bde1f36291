"""Measures of a generated face beyond L1 and SSIM: landmarks, identity, sharpness, steadiness."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from face2face.evaluation.identity import Descriptor
from face2face.face.eyes import EyeDetector
from face2face.face.geometry import interocular_distance
from face2face.face.irises import gaze_of
from face2face.face.landmarks import LandmarkDetector
from face2face.face.winks import visible_irises, with_wink

Identity = dict[str, np.ndarray]
"""Whose face it is: a descriptor, float (128,), by the key of each network."""


def mean_identity(faces: Sequence[Identity]) -> Identity:
    """The mean of the descriptors of several faces of a person."""
    return {key: np.mean([face[key] for face in faces], axis=0) for key in faces[0]}


@dataclass(frozen=True)
class Judge:
    """Judges pictures in model space, uint8 (S, S, 3), RGB, by networks.

    Attributes:
        detector: Finds the landmarks.
        descriptors: Describe whose face it is.
        eye_detector: Sees winks and irises; None: the gaze is not judged.
    """

    detector: LandmarkDetector
    descriptors: Sequence[Descriptor]
    eye_detector: EyeDetector | None = field(default_factory=EyeDetector)

    def landmarks(self, picture: np.ndarray) -> np.ndarray | None:
        """The landmarks of the face in a picture, float (68, 2); None if no face is detected."""
        face = self.detector.find(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        return None if face is None else face.points

    def look(self, picture: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Look at the eyes of a face.

        Args:
            picture: uint8 (H, W, 3), RGB.
            points: float (68, 2), the face's landmarks in it.

        Returns:
            The landmarks, float (68, 2), with one eye that is shut by itself, see `winks`. The gaze, float
            (2, 2), see `irises.gaze_of`, NaN where no iris is found; None if the gaze is not judged.
        """
        if self.eye_detector is None:
            return points, None
        eyes = self.eye_detector.find(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), points)
        return with_wink(points, eyes), gaze_of(points, visible_irises(eyes))

    def gaze(self, picture: np.ndarray, points: np.ndarray) -> np.ndarray | None:
        """The gaze of a face, as `look`."""
        return self.look(picture, points)[1]

    def describe(self, picture: np.ndarray, points: np.ndarray) -> Identity:
        """Describe a face.

        Args:
            picture: uint8 (S, S, 3), RGB.
            points: float (68, 2), the face's landmarks in it.
        """
        return {descriptor.key: descriptor(picture, points) for descriptor in self.descriptors}

    def distance(self, face: Identity, target: Identity) -> float:
        """Distance of a face from the target's mean by the first of the networks."""
        first = self.descriptors[0]
        return first.distance(face[first.key], target[first.key])


def sharpness(picture: np.ndarray) -> float:
    """Variance of the Laplacian (Pech-Pacheco et al., 2000) of a picture, uint8 (H, W, 3), RGB."""
    return float(cv2.Laplacian(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.CV_64F).var())


def normalised_mean_error(points: np.ndarray, true: np.ndarray) -> float:
    """NME: mean distance of 68 landmarks, float (68, 2), from the true ones, in interocular distances."""
    return float(np.linalg.norm(points - true, axis=-1).mean() / interocular_distance(true))


def flicker(before: np.ndarray, after: np.ndarray, region: np.ndarray) -> float:
    """Mean absolute change from one picture to the next in a region, in [0, 255].

    Args:
        before: uint8 (S, S, 3), RGB.
        after: Likewise.
        region: bool (S, S).

    Returns:
        NaN for an empty region.
    """
    change = np.abs(after.astype(np.float32) - before.astype(np.float32)).mean(axis=-1)
    return float(change[region].mean()) if region.any() else float("nan")


def jitter(points: np.ndarray) -> float:
    """Root mean square deviation of still landmarks from their mean, in interocular distances.

    Args:
        points: float (N, 68, 2), a face that does not move, in N pictures.
    """
    points = points.astype(np.float64)  # in float32 the mean of equal numbers may differ from them
    return float(np.sqrt(points.var(axis=0).sum(axis=-1).mean()) / interocular_distance(points.mean(axis=0)))
