"""Judges pictures of faces without true pictures beside them: whose face it is, and what no camera films."""

from dataclasses import dataclass, field

import numpy as np

from face2face.evaluation import artefacts, following
from face2face.evaluation.expected_identity import ExpectedIdentity
from face2face.evaluation.measures import Identity, Judge
from face2face.evaluation.results import mean_or_nan


@dataclass(frozen=True)
class TrueFace:
    """What a target's true frames tell of its face.

    Attributes:
        identity: The mean of the frames' identities.
        expected_identity: How far from it the true face is to be expected, by its expression.
        sharpness: The frames' median.
        depth: How much darker than its surroundings its skin gets, see `artefacts.usual_depth`.
    """

    identity: Identity
    expected_identity: ExpectedIdentity
    sharpness: float
    depth: float


@dataclass
class Looks:
    """What is measured on several pictures of a face, filmed or painted.

    Attributes:
        judge: Tells whose face it is.
        faces: The identity in each picture with a face.
        motions: Its expression and the turn of its head there, as in `following.motions`.
        skin: Of each picture, from `artefacts.unevenness`.
        power: Sum of the pictures' spectra, float (TILE, TILE).
    """

    judge: Judge
    faces: list[Identity] = field(default_factory=list)
    motions: list[np.ndarray] = field(default_factory=list)
    skin: list[np.ndarray] = field(default_factory=list)
    power: np.ndarray | None = None

    def add(self, picture: np.ndarray, points: np.ndarray, found: np.ndarray | None) -> None:
        """Measure a picture.

        Args:
            picture: uint8 (S, S, 3), RGB.
            points: float (68, 2), where the face should be.
            found: float (68, 2), where it was found; None if no face was.
        """
        self.skin.append(artefacts.unevenness(picture, points))
        power = artefacts.spectrum(picture)
        self.power = power if self.power is None else self.power + power
        if found is not None:
            self.faces.append(self.judge.describe(picture, found))
            self.motions.append(following.motions(found))

    def distances(self, target: Identity) -> dict[str, list[float]]:
        """Distance of each face from the target's mean, by the key of each network."""
        return {
            descriptor.key: [
                descriptor.distance(face[descriptor.key], target[descriptor.key]) for face in self.faces
            ]
            for descriptor in self.judge.descriptors
        }

    @property
    def stains(self) -> list[float]:
        """Of each picture, in percent; NaN where no skin shows."""
        return [artefacts.stains(skin) for skin in self.skin]

    def dark_specks(self, depth: float) -> list[float]:
        """Of each picture, in percent; NaN where no skin shows.

        Args:
            depth: As `TrueFace.depth`.
        """
        return [artefacts.dark_specks(skin, depth) for skin in self.skin]

    def of_last_skin(self, depth: float) -> str:
        """What to say of the last picture's skin on a page. Argument as in `dark_specks`."""
        skin = self.skin[-1]
        return (
            f"stains {artefacts.stains(skin):.1f} %, dark specks {artefacts.dark_specks(skin, depth):.2f} %"
        )

    def artefacts(self, depth: float) -> dict[str, float]:
        """The figures of stains, dark specks and squares, by their keys in `results.FIGURES`.

        Args:
            depth: As `TrueFace.depth`.

        Returns:
            NaN of no picture.
        """
        return {
            "stains": mean_or_nan(self.stains),
            "dark_specks": mean_or_nan(self.dark_specks(depth)),
            "lines": self._strength(artefacts.LINES),
            "squares": self._strength(artefacts.SQUARES),
        }

    def _strength(self, periods: tuple[int, ...]) -> float:
        return float("nan") if self.power is None else artefacts.strength(self.power, periods)
