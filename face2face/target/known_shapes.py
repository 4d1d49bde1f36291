"""Known drawings: the shapes that a generator was trained on, and how a driven shape is brought near to them.

A generator is sure where it was trained. As in Live Speech Portraits (Lu et al., 2021, arXiv:2109.10595), a
driven shape is compared with its local linear embedding on its nearest training shapes; here as a whole
and part by part, so that a wink or a crooked mouth survives, and only as far as it is unknown.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from face2face.face.geometry import LANDMARKS, REGIONS
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

DISTANCE_SAMPLE = 100
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
        return np.unique(
            np.concatenate([np.arange(LANDMARKS)[REGIONS[name].points] for name in self.regions])
        )


PARTS = (
    Part(tuple(REGIONS), 2.9),
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
        self._known_parts = [_KnownPart(part, shapes) for part in PARTS]

    def __call__(self, shape: np.ndarray) -> np.ndarray:
        """Bring a shape near to the training shapes.

        Args:
            shape: float (68, 2), upright.

        Returns:
            float (68, 2). Parts whose distance from their embedding is kept are not changed.
        """
        near = shape.copy()
        for part, known in zip(PARTS, self._known_parts, strict=True):
            near[part.points] = known.bring_near(near[part.points].ravel()).reshape(-1, 2)
        return near


class _KnownPart:
    """The training shapes of one part of the face. Its coordinates are float (D,), upright."""

    def __init__(self, part: Part, shapes: np.ndarray) -> None:
        """Measure how far from each other they are.

        Args:
            shapes: float (N, 68, 2), upright.
        """
        self._shapes = shapes[:, part.points].reshape(len(shapes), -1).astype(np.float32)
        self._squares = np.einsum("ij,ij->i", self._shapes, self._shapes)
        self._neighbours = min(NEIGHBOURS, len(shapes) - 2)
        sample = spread_indices(len(shapes), min(len(shapes), DISTANCE_SAMPLE))
        distances = [np.linalg.norm(self._shapes[index] - self._embed_without(index)) for index in sample]
        self._kept = part.kept * np.percentile(distances, KNOWN_PERCENTILE)

    def bring_near(self, values: np.ndarray) -> np.ndarray:
        """Bring coordinates near to the training shapes'; they stay where their distance is kept."""
        squares = self._square_distances(values)
        if squares.min() <= self._kept**2:
            return values  # known, being so near to one of them; the embedding would take most of the time
        embedding = self._embed(values, squares)
        residual = values - embedding
        length = float(np.sqrt(residual @ residual))
        if length <= self._kept:
            return values
        margin = max(SOFTNESS * self._kept, 1e-9)
        return embedding + residual * ((self._kept + saturate(length - self._kept, margin)) / length)

    def _square_distances(self, values: np.ndarray) -> np.ndarray:
        """Squares of the distances from the training shapes, float (N,)."""
        values = values.astype(np.float32)
        return self._squares - 2 * (self._shapes @ values) + values @ values

    def _embed_without(self, index: int) -> np.ndarray:
        """Embed a training shape on the others."""
        squares = self._square_distances(self._shapes[index])
        squares[index] = np.inf
        return self._embed(self._shapes[index], squares)

    def _embed(self, values: np.ndarray, squares: np.ndarray) -> np.ndarray:
        """Local linear embedding (Roweis and Saul, 2000) on the nearest training shapes.

        A shape's weight falls to 0 at the distance of the first shape that is not among the nearest. So the
        embedding does not jump where the driver moves on and one of the nearest is exchanged for another.

        Args:
            squares: Of the distances from the training shapes, float (N,).

        Returns:
            float (D,), a weighted mean of the nearest shapes.
        """
        indices = np.argpartition(squares, self._neighbours)[: self._neighbours + 1]
        nearest = self._shapes[indices].astype(np.float64)
        differences = nearest - values
        gram = differences @ differences.T
        nearness = 1 - squares[indices] / max(float(squares[indices].max()), 1e-12)
        gram.flat[:: len(gram) + 1] += REGULARISATION * np.trace(gram) / np.maximum(nearness, 1e-6) + 1e-12
        weights = np.linalg.solve(gram, np.ones(len(gram)))
        return weights @ nearest / weights.sum()
