"""Known drawings: the shapes that a generator was trained on, and how a driven shape is brought near to them.

A generator is sure where it was trained. As in Live Speech Portraits (Lu et al., 2021, arXiv:2109.10595), a
driven shape is compared with its local linear embedding on its nearest training shapes; here as a whole
and part by part, so that a wink or a crooked mouth survives, and only as far as it is unknown.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from face2face.face.geometry import REGIONS
from face2face.face.landmark_check import POINTS
from face2face.sampling import spread_indices
from face2face.target.ranges import saturate
from face2face.target.selection import farthest_points

MAX_SHAPES = 1200
"""Maximum number of shapes that are kept: 220 KB in the frozen graph."""

MIN_SHAPES = 100
"""Fewer training shapes than these tell too little of what is known: none are kept."""

NEIGHBOURS = 20
"""Number of training shapes that a driven shape is embedded on."""

REGULARISATION = 0.02
"""Share of the trace of the neighbours' Gram matrix that is added to its diagonal. Without it twenty
neighbours reconstruct any of the few points of an eye, however unknown it is."""

KNOWN_PERCENTILE = 90
"""Percentile of the training shapes' distances from their embeddings on the others, up to which a shape
counts as known."""

MEASURED = 100
"""Number of training shapes on which that distance is measured."""

SOFTNESS = 0.5
"""A shape's distance from its embedding exceeds what is kept of it by this share at most."""

_STEPS = 127  # of int8, to either side of 0


@dataclass(frozen=True)
class Part:
    """A part of the face, or all of it, that is compared with the training shapes by itself.

    Attributes:
        regions: Keys of `geometry.REGIONS`.
        kept: The distance from its embedding that a driven shape keeps, over what is known.
    """

    regions: tuple[str, ...]
    kept: float

    @cached_property
    def points(self) -> np.ndarray:
        """Which of the 68 points, int (P,)."""
        return np.unique(np.concatenate([np.arange(POINTS)[REGIONS[name].points] for name in self.regions]))


PARTS = (
    Part(tuple(REGIONS), 3.2),
    Part(("left eye",), 5.0),
    Part(("right eye",), 5.0),
    Part(("left brow",), 3.8),
    Part(("right brow",), 3.8),
    Part(("outer lips", "inner lips"), 0.42),
    Part(("jaw", "nose bridge", "lower nose"), 0.8),
)
"""Compared in this order: the whole face first, because known parts can form an unknown face. With four
drivers it was unknown lips, and eyes wide open in a face otherwise at rest, that made the face less like the
target's. Eyes and brows that are brought nearer by themselves follow the driver less, which gains nothing."""


@dataclass(frozen=True)
class TrainingShapes:
    """Shapes of training frames, as differences from the neutral face, rounded to eight bits.

    Attributes:
        steps: float (136,), the unit of each coordinate, in pixels of model space.
        values: int8 (N, 136), in those units.
    """

    steps: np.ndarray
    values: np.ndarray

    @classmethod
    def choose(cls, expressions: np.ndarray) -> "TrainingShapes | None":
        """Choose the most different shapes.

        Args:
            expressions: float (N, 136), differences from the neutral face, pixels.

        Returns:
            `MAX_SHAPES` of them at most; None of fewer than `MIN_SHAPES`.
        """
        if len(expressions) < MIN_SHAPES:
            return None
        chosen = expressions[sorted(farthest_points(expressions, MAX_SHAPES))]
        steps = np.maximum(np.round(np.abs(chosen).max(axis=0) / _STEPS, 5), 1e-5)
        values = np.clip(np.rint(chosen / steps), -_STEPS, _STEPS)
        return cls(steps, values.astype(np.int8))

    @property
    def expressions(self) -> np.ndarray:
        """The differences from the neutral face, float (N, 136), pixels."""
        return self.values * self.steps


class KnownShapes:
    """Brings a shape near to the training shapes."""

    def __init__(self, shapes: np.ndarray) -> None:
        """Measure how far from each other the training shapes are.

        Args:
            shapes: float (N, 68, 2), upright.
        """
        self._count = min(NEIGHBOURS, len(shapes) - 2)
        self._shapes = [shapes[:, part.points].reshape(len(shapes), -1).astype(np.float32) for part in PARTS]
        self._squares = [np.einsum("ij,ij->i", known, known) for known in self._shapes]
        measured = spread_indices(len(shapes), min(len(shapes), MEASURED))
        distances = [
            [
                np.linalg.norm(known[index] - self._embed_without(place, index))
                for place, known in enumerate(self._shapes)
            ]
            for index in measured
        ]
        known_distances = np.percentile(distances, KNOWN_PERCENTILE, axis=0)
        self._kept = [part.kept * known for part, known in zip(PARTS, known_distances, strict=True)]

    def __call__(self, shape: np.ndarray) -> np.ndarray:
        """Bring a shape near to the training shapes.

        Args:
            shape: float (68, 2), upright.

        Returns:
            float (68, 2). Parts whose distance from their embedding is kept are not changed.
        """
        near = shape.copy()
        for place, (part, kept) in enumerate(zip(PARTS, self._kept, strict=True)):
            values = near[part.points].ravel()
            squares = self._square_distances(place, values)
            if squares.min() <= kept**2:
                continue  # known, being so near to one of them; the embedding would take most of the time
            embedding = self._embed(place, values, squares)
            residual = values - embedding
            length = float(np.sqrt(residual @ residual))
            if length > kept:
                margin = max(SOFTNESS * kept, 1e-9)
                residual *= (kept + saturate(length - kept, margin)) / length
                near[part.points] = (embedding + residual).reshape(-1, 2)
        return near

    def _square_distances(self, place: int, values: np.ndarray) -> np.ndarray:
        """Squares of a part's distances from the training shapes, float (N,).

        Args:
            place: Of the part, in `PARTS`.
            values: float (D,), its coordinates.
        """
        values = values.astype(np.float32)
        return self._squares[place] - 2 * (self._shapes[place] @ values) + values @ values

    def _embed_without(self, place: int, index: int) -> np.ndarray:
        """Embed a training shape's part on the others."""
        values = self._shapes[place][index]
        squares = self._square_distances(place, values)
        squares[index] = np.inf
        return self._embed(place, values, squares)

    def _embed(self, place: int, values: np.ndarray, squares: np.ndarray) -> np.ndarray:
        """Local linear embedding (Roweis and Saul, 2000) of a part on its nearest training shapes.

        A shape's weight falls to 0 at the distance of the first shape that is not among the nearest. So the
        embedding does not jump where the driver moves on and one of the nearest is exchanged for another.

        Args:
            place: Of the part, in `PARTS`.
            values: float (D,), its coordinates.
            squares: Of its distances from the training shapes, float (N,).

        Returns:
            float (D,), a weighted mean of the nearest shapes.
        """
        indices = np.argpartition(squares, self._count)[: self._count + 1]
        nearest = self._shapes[place][indices].astype(np.float64)
        differences = nearest - values
        gram = differences @ differences.T
        nearness = 1 - squares[indices] / max(float(squares[indices].max()), 1e-12)
        gram.flat[:: len(gram) + 1] += REGULARISATION * np.trace(gram) / np.maximum(nearness, 1e-6) + 1e-12
        weights = np.linalg.solve(gram, np.ones(len(gram)))
        return weights @ nearest / weights.sum()
