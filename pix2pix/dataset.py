"""Folders of combined pairs: their pictures and landmarks, and what the networks read of them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from face2face import cli, pictures
from face2face.face.crop import CropBox
from face2face.sources.files import image_paths
from face2face.target.pairs import pair
from face2face.target.sidecar import Sidecar, read_sidecar
from face2face.target.target_file import Target
from pix2pix import colours, images
from pix2pix.options import REDRAW, Options


def find_pictures(folder: Path, name: str = "--input_dir") -> list[Path]:
    """Find the images of a folder. Unreadable ones are named in a warning and left out.

    Args:
        folder: The folder.
        name: The option that gave the folder, for messages.

    Raises:
        UserError: If none is left.
    """
    return _find(folder, "images", lambda picture: None, name)


def find_pairs(folder: Path, aspect_ratio: float = 1.0, name: str = "--input_dir") -> list[Path]:
    """Find the pairs of a folder. Images that are unreadable or no pairs are named and left out.

    Args:
        folder: The folder.
        aspect_ratio: Where it is not 1, halves of any shape are squeezed to model space. At 1 they have to be
            square, so that other pictures are not taken for pairs.
        name: The option that gave the folder, for messages.

    Raises:
        UserError: If none is left.
    """

    def fault(picture: np.ndarray) -> str | None:
        height, width = picture.shape[:2]
        if (aspect_ratio != 1 and width > 1) or width == 2 * height:
            return None
        return f"a pair, twice as wide as high (--aspect_ratio squeezes others), got {width}x{height}"

    return _find(folder, "combined pairs (of process.py)", fault, name)


def find(folder: Path, options: Options, name: str = "--input_dir") -> list[Path]:
    """Find what a training with these options reads: pairs, or pictures to colour."""
    if options.lab_colorization:
        return find_pictures(folder, name)
    return find_pairs(folder, options.aspect_ratio, name)


def _find(
    folder: Path, what: str, fault: Callable[[np.ndarray], str | None], name: str = "--input_dir"
) -> list[Path]:
    """Find the images of a folder for which `fault` returns None; it describes what was expected."""
    usable = []
    for path in image_paths(cli.existing_dir(folder, name)):
        try:
            if complaint := fault(pictures.read(path)):
                raise cli.UserError(f"expected {complaint}: {path}")
            usable.append(path)
        except cli.UserError as error:
            cli.warn(f"left out: {error}")
        except OSError as error:
            cli.warn(f"left out: {cli.reason(error)}: {path}")
    if not usable:
        raise cli.UserError(f"expected {what}, got none in {folder}")
    return usable


def read_pair(path: Path, options: Options, to_draw: Sidecar | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Read a pair.

    Args:
        path: The pair's file.
        options: `which_direction` is used.
        to_draw: Landmarks of pairs whose drawing is made of them instead of read.

    Returns:
        (input, target), uint8 (H, W, 3) each, RGB, in the order of `which_direction`.
    """
    picture = pictures.read(path)
    middle = picture.shape[1] // 2
    a, b = picture[:, :middle], picture[:, middle:]
    if to_draw is not None and path.name in to_draw.images:
        _, a, _ = pair(a, to_draw.images[path.name], None, to_draw.drawing)
    return (a, b) if options.which_direction == "AtoB" else (b, a)


def read_normalised(
    path: Path, options: Options, to_draw: Sidecar | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Read a file as (input, target) without jitter, float32 (S, S, C) in [-1, 1]; `to_draw` as above."""
    halves = (pictures.read(path),) if options.lab_colorization else read_pair(path, options, to_draw)
    return normalised_pair([images.squeeze(half, options.image_size) for half in halves], options)


def in_model_space(sidecar: Sidecar, pairs: list[Path], options: Options) -> Sidecar:
    """The landmarks of pairs, in pixels of model space, whatever size the pairs are of.

    Where `aspect_ratio` is not 1, pairs are squeezed to model space; their landmarks are left as they are.

    Args:
        sidecar: Of the pairs' folder.
        pairs: Files of pairs; others in the sidecar are left out.
        options: `image_size` and `aspect_ratio` are used.
    """
    known = sidecar.only(path.name for path in pairs)
    if options.aspect_ratio != 1:
        return known
    heights = {path.name: pictures.size(path)[1] for path in pairs if path.name in known.images}
    entries = {
        name: entry.in_crop_box(CropBox(0, 0, heights[name]), options.image_size)
        for name, entry in known.images.items()
    }
    return replace(known, images=entries)


def landmarks_to_draw(sidecar: Sidecar, target: Target | None, options: Options) -> Sidecar:
    """The landmarks of the pairs whose drawing is made of them in training, instead of read.

    With `redraw` these are all pairs; else those whose drawing has irises that live drawings lack.

    Args:
        sidecar: Of the pairs' folder, in pixels of the pairs.
        target: What was measured on it; None for pairs from elsewhere.
        options: The options of the training, with `jitter` crop or redraw, not auto.
    """
    drawn = sidecar.images if options.jitter == REDRAW else {}
    if _lacks_irises(target, options):
        drawn = drawn | _without_irises(sidecar).images
    return replace(sidecar, images=drawn)


def landmarks_without_irises(folder: Path, target: Target | None, options: Options) -> Sidecar:
    """The landmarks of those pairs of a folder whose drawing has irises that live drawings lack.

    Args:
        folder: The folder of pairs.
        target: The generator's target; None if it is unknown.
        options: The options of the training.

    Raises:
        UserError: If the folder's sidecar is damaged.
    """
    if not _lacks_irises(target, options):
        return Sidecar([])
    return _without_irises(read_sidecar(folder) or Sidecar([]))


def _lacks_irises(target: Target | None, options: Options) -> bool:
    """Whether a generator reads drawings, and live ones have no irises because the gaze is unknown.

    It is then trained and validated without irises, too: open eyes without any would be new to it.
    """
    return options.paints_photos and target is not None and target.gaze is None


def _without_irises(sidecar: Sidecar) -> Sidecar:
    """The images of a sidecar in which irises were looked for, without them."""
    entries = {name: entry for name, entry in sidecar.images.items() if entry.irises is not None}
    return replace(sidecar, images={name: replace(entry, irises=None) for name, entry in entries.items()})


def normalised_pair(squares: Sequence[np.ndarray], options: Options) -> tuple[np.ndarray, np.ndarray]:
    """Convert pictures to the networks' range.

    Args:
        squares: A pair, or a picture to colour, uint8 (S, S, 3) each, RGB.
        options: The options of the training.

    Returns:
        (input, target), float32 (S, S, C) in [-1, 1].
    """
    if options.lab_colorization:
        lightness, colour = colours.split(squares[0])
        return (lightness, colour) if options.which_direction == "AtoB" else (colour, lightness)
    return tuple(images.normalise(half.astype(np.float32)) for half in squares)
