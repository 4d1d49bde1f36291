#!/usr/bin/env python3
"""Two ways to find an iris, compared: the network that the project uses, and the gradients around its centre.

Prints a Markdown table. Lengths are in distances of the eye's corners: how far the iris is from that of the
mirrored frame, and from the point clicked by hand (data/irises.json, by the clip's name); `jitter` is the
second difference of the gaze over time, in the calmer half of the frames. Both eyes look the same way as a
rule, so their gazes should correlate, across and down.
"""

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path

if not __package__:  # run as a script: its own folder is first on the path, not the project's
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import cv2
import numpy as np

from benchmarks import machine
from face2face import cli, records
from face2face.face import geometry
from face2face.face.eyes import EyeDetector
from face2face.face.irises import gaze_of
from face2face.face.landmarks import LandmarkDetector
from face2face.face.similarity import SimilarityTransform
from face2face.face.winks import visible_irises
from face2face.sources.open import open_source

CLICKED = Path(__file__).with_name("data") / "irises.json"

COLUMNS = (
    *("answers (%)", "mirrored", "left and right, across", "down", "jitter", "ms an eye", "clicked"),
    *("worst tenth", "found", "in shut eyes"),
)
EYES = (geometry.LEFT_EYE, geometry.RIGHT_EYE)

EYE_WIDTH = 50
"""Pixels between the eye's corners in the patch that is searched by gradients."""
PATCH_SIZE = (80, 56)
"""Width and height of that patch, pixels. The corners are level in its middle."""
MARGIN = 3
"""Gradients are read in the eye's opening and so many pixels around it: an iris reaches under the lids."""
STRONG = 0.3
"""A gradient is strong if it is above the mean by so many standard deviations."""
SMOOTHING = 5.0
"""Standard deviation in pixels of the smoothing before the centre's darkness is read."""


class NetworkDetector:
    """Finds irises by the network that the scripts use."""

    def __init__(self) -> None:
        self._eyes = EyeDetector()

    def find(self, frame: np.ndarray, points: np.ndarray) -> np.ndarray:
        """The irises, float (2, 2), in pixels of the frame; NaN where there is none, or it is doubtful.

        Args:
            frame: uint8 (H, W, 3), BGR.
            points: float (68, 2), the landmarks, in pixels of the frame; NaN: no face.
        """
        return visible_irises(self._eyes.find(frame, points))


class GradientDetector:
    """Finds irises by Timm and Barth, Accurate eye centre localisation by means of gradients (VISAPP 2011).

    The gradients at an iris's edge point away from its centre, and the centre is dark.
    """

    def find(self, frame: np.ndarray, points: np.ndarray) -> np.ndarray:
        """As `NetworkDetector.find`, but no iris is doubtful."""
        found = np.full((2, 2), np.nan, np.float32)
        for eye, openness in enumerate(geometry.EYE_ASPECT_RATIOS):
            if openness(points) >= geometry.SHUT_EYE_ASPECT_RATIO:
                found[eye] = self._find_one(frame, points.astype(np.float64), eye)
        return found

    def _find_one(self, frame: np.ndarray, points: np.ndarray, eye: int) -> np.ndarray:
        middle = (np.array(PATCH_SIZE) - 1) / 2
        level = middle + np.array([[-EYE_WIDTH / 2, 0], [EYE_WIDTH / 2, 0]])
        corners = points[list(geometry.EYE_CORNERS[eye])]
        from_patch = SimilarityTransform.estimate(level, corners, slice(None))
        matrix = np.column_stack([from_patch.matrix, from_patch.shift])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        patch = cv2.warpAffine(frame, matrix, PATCH_SIZE, flags=flags, borderMode=cv2.BORDER_REPLICATE)
        outline = from_patch.apply_inverse(points[EYES[eye]])
        opening = np.zeros(PATCH_SIZE[::-1], np.uint8)
        cv2.fillPoly(opening, [np.round(outline).astype(np.int32)], 1)
        grey = cv2.cvtColor(patch, cv2.COLOR_BGR2GRAY).astype(np.float32)
        return from_patch.apply(centre_by_gradients(grey, opening))


def centre_by_gradients(grey: np.ndarray, opening: np.ndarray) -> np.ndarray:
    """The point of an eye's opening from which the gradients around it point away, or to which they point.

    Args:
        grey: float32 (H, W), 0 to 255.
        opening: uint8 (H, W), 1 in the opening, else 0.

    Returns:
        float (2,), x, y, pixels, sub-pixel; NaN if the picture has no gradients.
    """
    down, across = np.gradient(grey)
    strength = np.hypot(across, down)
    near = cv2.dilate(opening, np.ones((2 * MARGIN + 1, 2 * MARGIN + 1))) > 0
    strong = near & (strength > strength[near].mean() + STRONG * strength[near].std())
    if not strong.any():  # a picture of one colour
        return np.full(2, np.nan)
    pixels = np.argwhere(strong)[:, ::-1].astype(np.float32)
    gradients = np.stack([across[strong], down[strong]], axis=-1) / strength[strong][:, None]
    candidates = np.argwhere(opening)[:, ::-1].astype(np.float32)
    # The squared cosine of (pixel - candidate) and gradient, without an array of all displacements.
    along = np.sum(pixels * gradients, axis=1) - candidates @ gradients.T
    squares = np.sum(candidates**2, axis=1)[:, None] + np.sum(pixels**2, axis=1) - 2 * candidates @ pixels.T
    darkness = 255 - cv2.GaussianBlur(grey, (0, 0), SMOOTHING)[opening > 0]
    scores = np.full(grey.shape, np.nan)
    scores[opening > 0] = darkness * np.mean(along**2 / np.maximum(squares, 1), axis=1)
    row, column = np.unravel_index(np.nanargmax(scores), scores.shape)
    return np.array([column + _vertex(scores[row], column), row + _vertex(scores[:, column], row)])


def _vertex(values: np.ndarray, top: int) -> float:
    """How far the vertex of the parabola through a maximum and its neighbours is from it; 0 without them."""
    before, at, after = (values[i] if 0 <= i < len(values) else np.nan for i in (top - 1, top, top + 1))
    bend = before - 2 * at + after
    return float((before - after) / (2 * bend)) if bend < 0 else 0.0


@dataclass
class Clicked:
    """What was seen in an enlarged picture of an eye: 0 is the left one. No iris: the eye is shut."""

    clip: str
    frame: int
    eye: int
    iris: tuple[float, float] | None


@dataclass
class Followed:
    """What was found in a clip's frames, arrays. NaN where there is no face, or a way finds no iris."""

    points: np.ndarray  # (frames, 68, 2)
    changes: np.ndarray  # (frames, 2): how much each eye's picture differs from the frame before, grey levels
    irises: np.ndarray  # (frames, ways, 2, 2)
    mirrored: np.ndarray  # the same in the mirrored frames, where the face is found anew; mirrored back
    seconds: np.ndarray  # (frames, ways): of the processor, for an open eye


def follow(clip: Path, ways: list[NetworkDetector | GradientDetector]) -> Followed:
    landmarks, last, before, kept = LandmarkDetector(), [None, None], None, []
    with open_source(str(clip)) as video, cli.progress(video.frame_count, clip.stem, "frames") as bar:
        for frame in video.frames():
            pictures = [frame.picture, np.ascontiguousarray(frame.picture[:, ::-1])]
            faces = [landmarks.find(*pair) for pair in zip(pictures, last, strict=True)]
            last = [face or old for face, old in zip(faces, last, strict=True)]
            here, there = (np.full((68, 2), np.nan) if face is None else face.points for face in faces)
            irises, seconds = [], []
            for way in ways:
                began = time.process_time()
                irises.append(way.find(pictures[0], here))
                seconds.append((time.process_time() - began) / (is_open(here).sum() or np.nan))
            found = np.array([way.find(pictures[1], there) for way in ways])
            mirrored = geometry.mirrored_irises(found, frame.picture.shape[1])
            grey = cv2.cvtColor(frame.picture, cv2.COLOR_BGR2GRAY).astype(np.float32)
            changes = [_change(before, grey, here[eye]) for eye in EYES]
            kept.append((here, changes, irises, mirrored, seconds))
            before = grey
            bar.update()
    return Followed(*(np.array(each) for each in zip(*kept, strict=True)))


def is_open(points: np.ndarray) -> np.ndarray:
    """Whether each eye is open by its landmarks: (..., 68, 2) -> bool (..., 2)."""
    ratios = [aspect_ratio(points) for aspect_ratio in geometry.EYE_ASPECT_RATIOS]
    return np.stack(ratios, axis=-1) >= geometry.SHUT_EYE_ASPECT_RATIO


def _change(before: np.ndarray | None, grey: np.ndarray, eye: np.ndarray) -> float:
    """Mean absolute difference of the picture in an eye's bounding box; NaN without a frame before."""
    if before is None or np.isnan(eye).any():
        return np.nan
    low = np.maximum(np.floor(eye.min(axis=0)), 0).astype(int)
    high = np.maximum(np.ceil(eye.max(axis=0)), 0).astype(int)
    box = np.s_[low[1] : high[1] + 1, low[0] : high[0] + 1]
    return float(np.abs(grey[box] - before[box]).mean()) if grey[box].size else np.nan


def judge(clip: Followed) -> np.ndarray:
    """The first six of `COLUMNS`, (ways, 6). After the answers, eyes count in which all ways find an iris."""
    width, gaze = widths(clip.points)[:, None], gaze_of(clip.points[:, None], clip.irises)
    found = np.isfinite(clip.irises).all(axis=-1)  # (frames, ways, 2)
    away = np.linalg.norm(clip.irises - clip.mirrored, axis=-1) / width
    in_mirrored = np.isfinite(away).all(axis=1)
    bend = np.linalg.norm(gaze[:-2] - 2 * gaze[1:-1] + gaze[2:], axis=-1)
    bends, change = np.isfinite(bend).all(axis=1), clip.changes[1:-1] + clip.changes[2:]
    both_eyes = found.all(axis=(1, 2))
    if not bends.any() or both_eyes.sum() < 2:
        raise cli.UserError("expected clips with open eyes in successive frames, got one without")
    still = bends & (change <= np.nanmedian(change[bends]))
    return np.array(
        [
            [
                100 * found[:, way][is_open(clip.points)].mean(),
                np.median(away[:, way][in_mirrored]),
                *(np.corrcoef(gaze[both_eyes, way, :, axis], rowvar=False)[0, 1] for axis in (0, 1)),
                bend[:, way][still].mean(),
                1000 * np.nanmean(clip.seconds[:, way]),
            ]
            for way in range(found.shape[1])
        ]
    )


def widths(points: np.ndarray) -> np.ndarray:
    """Distances of the eyes' corners, (frames, 68, 2) -> (frames, 2)."""
    corners = points[:, np.array(geometry.EYE_CORNERS)]
    return np.linalg.norm(corners[:, :, 1] - corners[:, :, 0], axis=-1)


def clicked_errors(clip: Followed, clicked: list[Clicked]) -> np.ndarray:
    """How far each clicked iris is from the ways' ones, (clicked, ways), eye widths; NaN: none was found.

    Where no iris was clicked, the value only tells whether one was found.
    """
    width = widths(clip.points)
    if clicked and max(c.frame for c in clicked) >= len(width):
        raise cli.UserError(f"expected the clip {clicked[0].clip} that was clicked in, got a shorter one")
    errors = [
        np.linalg.norm(clip.irises[c.frame, :, c.eye] - (c.iris or (0, 0)), axis=-1) / width[c.frame, c.eye]
        for c in clicked
    ]
    return np.reshape(errors, (len(clicked), clip.irises.shape[1]))


def row(clip: str, way: str, figures: np.ndarray, errors: np.ndarray, has_iris: np.ndarray) -> str:
    found = np.isfinite(errors)
    known = errors[found & has_iris]
    tenths = np.percentile(known, [50, 90]) if len(known) else [np.nan, np.nan]
    cells = [clip, way, *(f"{value:.3g}" for value in [*figures, *tenths])]
    cells += [f"{found[which].sum()} of {which.sum()}" for which in (has_iris, ~has_iris)]
    return "| " + " | ".join(cells) + " |"


def compare(clips: list[Path]) -> None:
    every_eye = records.read(CLICKED, list[Clicked], "points clicked by hand")
    ways, load = {"network": NetworkDetector(), "gradients": GradientDetector()}, machine.load()
    results = {}
    for path in clips:
        clip, eyes = follow(path, list(ways.values())), [c for c in every_eye if c.clip == path.stem]
        has_iris = np.array([c.iris is not None for c in eyes], bool)
        results[path.stem] = judge(clip), clicked_errors(clip, eyes), has_iris
    figures, errors, has_iris = zip(*results.values(), strict=True)
    results["all"] = np.mean(figures, axis=0), np.concatenate(errors), np.concatenate(has_iris)
    print("| clip | way | " + " | ".join(COLUMNS) + " |\n| --- | --- |" + " ---: |" * len(COLUMNS))
    for clip, (figures, errors, has_iris) in results.items():
        for number, way in enumerate(ways):
            print(row(clip, way, figures[number], errors[:, number], has_iris))
    print(f"\n{machine.describe()}, load before {load:.1f}")


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = cli.ArgumentParser(description=__doc__)
    parser.add_argument("--file", type=Path, nargs="+", required=True, help="clips of faces")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    compare([cli.existing_file(path, "a clip") for path in parse_args(argv).file])


if __name__ == "__main__":
    cli.run(main)
