"""Selection of the frames of the target's clips that become training pairs."""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from face2face import cli
from face2face.face.detected_face import Face
from face2face.face.geometry import interocular_distance
from face2face.face.landmarks import LandmarkDetector
from face2face.face.similarity import align
from face2face.sampling import spread_indices
from face2face.sources.base import Source
from face2face.target.target_track import TargetTrack

SELECTIONS = ("diverse", "spread", "first")
DEFAULT_SELECTION = "diverse"
"""By `evaluate.py` it gives sharper faces that follow the driver better than as many evenly spread frames."""

CANDIDATES_PER_PAIR = 4
"""Frames that `diverse` examines for each that it selects, if the clip has as many."""

# Limits beyond which `diverse` rejects a frame. `LandmarkDetector.doubt`, measured on clips with hands before
# the face, is 0.005 to 0.013 for a visible face, and 0.015 to 0.16 for a half hidden one.
DOUBT = 0.015
DOUBT_RATIO = 2.2
"""A face is doubtful above `DOUBT` and above this multiple of the clip's 25th percentile."""
BLUR_RATIO = 0.4
"""A face is blurred if its sharpness is below this share of the median of its neighbours in time."""
NEIGHBOURS = 8
"""Number of neighbours to either side, in candidates."""
DOUBTFUL_NEIGHBOURS = 0.4
"""If more than this share of its neighbours is doubtful, a face is rejected: a hand is probably before it."""
OTHER_SCENE = 0.5
"""Below this correlation of its colours with the clip's median colours, a frame is from another scene."""

POSE_WEIGHT = 0.3
"""Weight of head motion against expression in the distance of two frames."""


@dataclass(frozen=True)
class Candidate:
    """A frame with a face. The last three attributes are measured for `diverse` only.

    Attributes:
        number: The frame's number.
        face: As it was detected.
        doubt: See `LandmarkDetector.doubt`.
        sharpness: Variance of the Laplacian over the face, scaled to a fixed size.
        colours: float (216,), the frame's histogram.
    """

    number: int
    face: Face
    doubt: float = 0.0
    sharpness: float = 0.0
    colours: np.ndarray | None = None


@dataclass
class Scan:
    """The result of a search for faces in a clip.

    Attributes:
        candidates: The frames with a face, in order of time.
        searched: Number of frames that were searched.
        frame_size: Width and height of the frames, pixels.
    """

    candidates: list[Candidate]
    searched: int = 0
    frame_size: tuple[int, int] = (0, 0)


def scan(video: Source, detector: LandmarkDetector, count: int, select: str) -> Scan:
    """Detect the target in as few frames as a selection needs: on ever denser grids, or from the first on.

    Args:
        video: Where the frames come from. For all but "first" it has to be readable again.
        detector: Detects the faces.
        count: Number of frames that will be selected.
        select: One of `SELECTIONS`.

    Raises:
        UserError: If the frames cannot be read.
    """
    result = Scan([])
    wanted = count * CANDIDATES_PER_PAIR if select == "diverse" else count
    if select == "first":
        passes, total = [None], wanted  # all frames, until there are enough
    else:
        span = video.span()
        passes, total = grids(span, wanted), min(wanted, len(span))
    track, candidates = TargetTrack(detector), {}
    with cli.progress(total, f"finding faces in {video.name}", "faces") as bar:
        for numbers in passes:
            for frame in video.frames(numbers):
                height, width = frame.picture.shape[:2]
                result.frame_size = (width, height)
                result.searched += 1
                face = track.find(frame)
                if face is not None:
                    measures = _measure(frame.picture, face, detector) if select == "diverse" else ()
                    candidates[frame.number] = Candidate(frame.number, face, *measures)
                bar.update(len(track.numbers) - bar.n)
                if select == "first" and len(track.numbers) == count:
                    break
            result.candidates = [candidates[number] for number in track.numbers]
            if len(result.candidates) >= wanted:
                break
    return result


def grids(span: range, count: int) -> Iterator[set[int]]:
    """Evenly spread, disjoint sets of frame numbers that together cover the span.

    The first has `count` numbers; each further grid is twice as dense.
    """
    tried: set[int] = set()
    total, density = len(span), min(count, 2 * len(span))
    while len(tried) < total:
        grid = {span[index] for index in spread_indices(total, density)} - tried
        tried |= grid
        if grid:
            yield grid
        density = min(2 * density, 2 * total)


def _measure(picture: np.ndarray, face: Face, detector: LandmarkDetector) -> tuple[float, float, np.ndarray]:
    """Doubt, sharpness and colours (see `Candidate`) of a frame, uint8 (H, W, 3), BGR."""
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    left, top, right, bottom = np.clip(face.box, 0, [*picture.shape[1::-1]] * 2).astype(int)
    # One size for all faces, because a large face has less detail per pixel.
    patch = cv2.resize(grey[top:bottom, left:right], (128, 128), interpolation=cv2.INTER_AREA)
    colours = cv2.calcHist([picture], [0, 1, 2], None, [6, 6, 6], [0, 256] * 3).ravel()
    return detector.doubt(grey, face), float(cv2.Laplacian(patch, cv2.CV_64F).var()), colours


def choose(scanned: Scan, count: int, select: str) -> tuple[list[Candidate], dict[str, int]]:
    """Select frames for training.

    Args:
        scanned: What `scan` returned.
        count: Number of frames to select, at most.
        select: One of `SELECTIONS`.

    Returns:
        The selected candidates in order of time, and how many candidates `diverse` rejected, by reason.
    """
    candidates, left_out = scanned.candidates, {}
    if select == "diverse":
        candidates, left_out = usable(candidates)
        points = np.array([c.face.points for c in candidates])
        chosen = (
            [candidates[i] for i in sorted(farthest_points(describe(points), count))] if len(points) else []
        )
    elif select == "spread" and len(candidates) > count:
        chosen = [candidates[index] for index in spread_indices(len(candidates), count)]
    else:
        chosen = candidates[:count]
    return chosen, left_out


def usable(candidates: list[Candidate]) -> tuple[list[Candidate], dict[str, int]]:
    """The candidates that are sharp, certain and of the main scene, and how many are not, by reason."""
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
    """The neighbours of each value, and the value itself; beyond the ends, end values are repeated.

    Args:
        values: bool or float (N,), in order of time.

    Returns:
        The same type, (N, 2 * NEIGHBOURS + 1).
    """
    padded = np.pad(values, NEIGHBOURS, mode="edge")
    return np.lib.stride_tricks.sliding_window_view(padded, 2 * NEIGHBOURS + 1)


def describe(points: np.ndarray) -> np.ndarray:
    """Describe each face by its expression and, with `POSE_WEIGHT`, its head motion.

    Args:
        points: float (N, 68, 2), the same face in N frames.

    Returns:
        float (N, 272), in interocular distances.
    """
    median = np.median(points, axis=0)
    aligned, transforms = align(points, median)
    motion = np.array([transform.apply(median) for transform in transforms]) - median
    both = np.concatenate([aligned - median, POSE_WEIGHT * motion], axis=1)
    return both.reshape(len(points), -1) / float(interocular_distance(median))


def farthest_points(descriptions: np.ndarray, count: int) -> list[int]:
    """Farthest-point sampling (Gonzalez, 1985): it covers the set within twice the smallest possible radius.

    Args:
        descriptions: float (N, D).
        count: Number of rows to select, at most.

    Returns:
        Row indices: first the row nearest to the median, then each time the row farthest from all selected.
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
