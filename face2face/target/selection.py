"""Which frames of the target's clips become training pairs."""

import bisect
import math
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from face2face import cli
from face2face.face.geometry import RIGID, SimilarityTransform, interocular_distance
from face2face.face.landmarks import Face, LandmarkDetector
from face2face.sources.files import Source

SELECTIONS = ("diverse", "spread", "first")
DEFAULT_SELECTION = "diverse"
"""By `evaluate.py` it gives sharper faces that obey the driver better than as many frames spread evenly."""

CANDIDATES_PER_PAIR = 4
"""`diverse` looks at so many frames for each it takes, if the clip has them."""

# What `diverse` leaves out. Measured on clips with hands before the face: landmarks that are sure of
# themselves disagree by 0.005 to 0.013 of the eyes' distance when the detector's box is moved a little,
# those of a half hidden face by 0.015 to 0.16.
DOUBT = 0.015
DOUBT_RATIO = 2.2
"""Doubtful is above `DOUBT`, and above that many times what the clip's best quarter shows."""
BLUR_RATIO = 0.4
"""Blurred is a face with less detail than that share of what its neighbours in time have."""
NEIGHBOURS = 8
"""Candidates to either side in time. Where enough of them are doubtful, a hand is still before the face."""
DOUBTFUL_NEIGHBOURS = 0.4
OTHER_SCENE = 0.5
"""Correlation of a frame's colours with those of the clip's median frame, below which it is another scene."""

POSE_WEIGHT = 0.3
"""Of head motion against expression, in how different two frames are."""


@dataclass(frozen=True)
class Candidate:
    """A frame with a face.

    doubt: see `LandmarkDetector.doubt`. sharpness: variance of the Laplacian over the face. colours:
    float (N,), the frame's histogram. The three are measured for `diverse` only, else 0 and empty.
    """

    number: int
    face: Face
    doubt: float = 0.0
    sharpness: float = 0.0
    colours: np.ndarray | None = None


@dataclass
class Scan:
    """What was seen of a clip: the frames with a face, in order of time, and how many were searched."""

    candidates: list[Candidate]
    searched: int = 0
    frame_size: tuple[int, int] = (0, 0)


def scan(video: Source, detector: LandmarkDetector, count: int, select: str) -> Scan:
    """Look for the face in as few frames as a selection of `count` needs: ever denser, or from the first on.

    The face is followed: in each frame the one is taken that is nearest to that in the nearest known frame.
    """
    seen = Scan([])
    wanted = count * CANDIDATES_PER_PAIR if select == "diverse" else count
    span = frame_span(video) if select != "first" else range(10**9)
    passes = grids(span, wanted) if select != "first" else [span]
    with cli.progress(min(wanted, len(span)), f"finding faces in {video.name}", "faces") as bar:
        for numbers in passes:
            for frame in video.frames(numbers):
                height, width = frame.picture.shape[:2]
                seen.frame_size = (width, height)
                seen.searched += 1
                face = detector.find(frame.picture, _nearest_face(seen.candidates, frame.number))
                if face is not None:
                    measures = _measure(frame.picture, face, detector) if select == "diverse" else ()
                    candidate = Candidate(frame.number, face, *measures)
                    bisect.insort(seen.candidates, candidate, key=lambda c: c.number)
                    bar.update()
                if select == "first" and len(seen.candidates) == count:
                    return seen
            if len(seen.candidates) >= wanted:
                break
    return seen


def grids(span: range, count: int) -> Iterator[set[int]]:
    """Sets of frame numbers, each spread evenly over the span and disjoint, that together are all of it.

    The first has `count` numbers, each later grid is twice as dense.
    """
    tried: set[int] = set()
    total, density = len(span), min(count, 2 * len(span))
    while len(tried) < total:
        grid = {span[int((i + 0.5) * total / density)] for i in range(density)} - tried
        tried |= grid
        if grid:
            yield grid
        density = min(2 * density, 2 * total)


def frame_span(video: Source) -> range:
    """Numbers of the frames that are used: by the header, or counted where it does not tell."""
    if not video.frame_count:
        numbers = [frame.number for frame in video.frames()]
        return range(min(numbers, default=0), max(numbers, default=-1) + 1)
    count = video.frame_count
    first = math.floor(min(video.start * video.fps, count))  # the smaller one first: a float may be infinite
    return range(first, count if video.end is None else math.ceil(min(video.end * video.fps, count)))


def _nearest_face(candidates: list[Candidate], number: int) -> Face | None:
    """The face of the frame nearest in time to `number`, if one is known yet."""
    at = bisect.bisect(candidates, number, key=lambda c: c.number)
    around = candidates[max(at - 1, 0) : at + 1]
    return min(around, key=lambda c: abs(c.number - number)).face if around else None


def _measure(picture: np.ndarray, face: Face, detector: LandmarkDetector) -> tuple[float, float, np.ndarray]:
    """doubt, sharpness and colours of a frame, uint8 (H, W, 3), BGR."""
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    left, top, right, bottom = np.clip(face.box, 0, [*picture.shape[1::-1]] * 2).astype(int)
    # At one size for all distances, or a near face would count as blurred.
    patch = cv2.resize(grey[top:bottom, left:right], (128, 128), interpolation=cv2.INTER_AREA)
    colours = cv2.calcHist([picture], [0, 1, 2], None, [6, 6, 6], [0, 256] * 3).ravel()
    return detector.doubt(grey, face), float(cv2.Laplacian(patch, cv2.CV_64F).var()), colours


def choose(seen: Scan, count: int, select: str) -> tuple[list[Candidate], dict[str, int]]:
    """Up to `count` of the candidates in order of time, and how many `diverse` left out, by reason."""
    candidates, left_out = seen.candidates, {}
    if select == "diverse":
        candidates, left_out = usable(candidates)
        points = np.array([c.face.points for c in candidates])
        chosen = (
            [candidates[i] for i in sorted(farthest_points(describe(points), count))] if len(points) else []
        )
    elif select == "spread" and len(candidates) > count:
        chosen = [candidates[int((i + 0.5) * len(candidates) / count)] for i in range(count)]
    else:
        chosen = candidates[:count]
    return chosen, left_out


def usable(candidates: list[Candidate]) -> tuple[list[Candidate], dict[str, int]]:
    """The candidates that are sharp, sure and of the main scene, and how many are not, by reason."""
    if not candidates:
        return [], {}
    doubt = np.array([c.doubt for c in candidates])
    sharpness = np.array([c.sharpness for c in candidates])
    colours = np.array([c.colours for c in candidates])
    is_doubtful = doubt > max(DOUBT, DOUBT_RATIO * np.percentile(doubt, 25))
    main_scene = np.median(colours, axis=0)
    likeness = np.array([np.corrcoef(c, main_scene)[0, 1] for c in colours])
    faults = {
        "another scene": likeness < OTHER_SCENE,
        "a doubtful or half hidden face": is_doubtful
        | (around(is_doubtful).mean(axis=1) > DOUBTFUL_NEIGHBOURS),
        "blurred": sharpness < BLUR_RATIO * np.median(around(sharpness), axis=1),
    }
    good = np.ones(len(candidates), bool)
    left_out = {}
    for reason, is_fault in faults.items():
        left_out[reason] = int(np.sum(good & is_fault))
        good &= ~is_fault
    return [c for c, keep in zip(candidates, good, strict=True) if keep], left_out


def around(values: np.ndarray) -> np.ndarray:
    """Each value's neighbours in time and itself, (N, 2 NEIGHBOURS + 1); beyond the ends the last repeats."""
    padded = np.pad(values, NEIGHBOURS, mode="edge")
    return np.lib.stride_tricks.sliding_window_view(padded, 2 * NEIGHBOURS + 1)


def describe(points: np.ndarray) -> np.ndarray:
    """What makes one frame's face different from another's: expression, and head motion a little.

    Args:
        points: float (N, 68, 2), the same face in N frames.
    Returns:
        float (N, 272), in distances of the eyes.
    """
    middle = np.median(points, axis=0)
    unit = float(interocular_distance(middle))
    poses = [SimilarityTransform.estimate(middle, face, RIGID) for face in points]
    expression = (
        np.array([pose.apply_inverse(face) for pose, face in zip(poses, points, strict=True)]) - middle
    )
    motion = np.array([pose.apply(middle) for pose in poses]) - middle
    both = np.concatenate([expression, POSE_WEIGHT * motion], axis=1)
    return both.reshape(len(points), -1) / unit


def farthest_points(descriptions: np.ndarray, count: int) -> list[int]:
    """Indices of up to `count` rows: first the most usual, then each time the farthest from all taken.

    (Gonzalez 1985: covers the set within twice the best radius.)
    """
    if not len(descriptions):
        return []
    taken = [int(np.argmin(np.linalg.norm(descriptions - np.median(descriptions, axis=0), axis=1)))]
    distance = np.linalg.norm(descriptions - descriptions[taken[0]], axis=1)
    while len(taken) < min(count, len(descriptions)):
        taken.append(int(np.argmax(distance)))
        distance = np.minimum(distance, np.linalg.norm(descriptions - descriptions[taken[-1]], axis=1))
        distance[taken] = -1
    return taken
