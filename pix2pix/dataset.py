"""Folders of combined pairs -> batches for the networks."""

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import tensorflow as tf

from face2face import cli, pictures
from face2face.face.drawing import draw
from face2face.face.geometry import interocular_distance, mirrored
from face2face.sources.files import image_paths
from face2face.target.sidecar import Sidecar
from pix2pix import colours, images, networks
from pix2pix.options import REDRAW, Options

# How far `redraw` moves a face, either way: less than a driver does, whose motion the target's bounds.
REDRAW_SHIFT = 0.02
"""In sides of the picture."""
REDRAW_ZOOM = 0.03
REDRAW_ROLL = np.radians(2.0)
REDRAW_NOISE = 0.004
"""Of each point, in distances of the eyes: what the detector's places differ by from frame to frame."""

_PARALLEL_READS = 2
_BATCHES_AHEAD = 4


def find_pictures(folder: Path, name: str = "--input_dir") -> list[Path]:
    """The images of a folder. One that cannot be read is named and left out.

    Raises:
        UserError: if none is left.
    """
    return _find(folder, "images", lambda picture: None, name)


def find_pairs(folder: Path, aspect_ratio: float = 1.0, name: str = "--input_dir") -> list[Path]:
    """The pairs of a folder. One that cannot be read, or has no two halves, is named and left out.

    Args:
        aspect_ratio: of a half.
        name: of the option that gave the folder.
    Raises:
        UserError: if none is left.
    """
    shape = "twice as wide as high"
    if aspect_ratio != 1:
        shape = f"{2 * aspect_ratio:g} times as wide as high (--aspect_ratio {aspect_ratio:g})"

    def fault(picture: np.ndarray) -> str | None:
        height, width = picture.shape[:2]
        fits = width % 2 == 0 and abs(width - 2 * aspect_ratio * height) <= (aspect_ratio != 1) * 2
        return None if fits else f"a pair, {shape}, got {width}x{height}"

    return _find(folder, "combined pairs (of process.py)", fault, name)


def find(folder: Path, options: Options, name: str = "--input_dir") -> list[Path]:
    """What a training with these options reads: pairs, or pictures to colour."""
    if options.lab_colorization:
        return find_pictures(folder, name)
    return find_pairs(folder, options.aspect_ratio, name)


def _find(
    folder: Path, what: str, fault: Callable[[np.ndarray], str | None], name: str = "--input_dir"
) -> list[Path]:
    """The images of a folder in which `fault` finds nothing to say."""
    usable = []
    for path in image_paths(cli.existing_dir(folder, name)):
        try:
            if complaint := fault(pictures.read(path)):
                raise cli.UserError(f"expected {complaint}: {path}")
            usable.append(path)
        except cli.UserError as error:
            cli.warn(f"left out: {error}")
        except OSError as error:
            cli.warn(f"left out: {error.strerror}: {path}")
    if not usable:
        raise cli.UserError(f"expected {what}, got none in {folder}")
    return usable


def read_pair(path: Path, options: Options) -> tuple[np.ndarray, np.ndarray]:
    """A pair's file -> (input, target), each uint8 (H, W, 3), RGB, as `which_direction` says."""
    a, b = np.split(pictures.read(path), 2, axis=1)
    return (a, b) if options.which_direction == "AtoB" else (b, a)


def read_unit(path: Path, options: Options) -> tuple[np.ndarray, np.ndarray]:
    """A file -> (input, target) as the networks see them without jitter, float32 (S, S, C) in [-1, 1]."""
    halves = (pictures.read(path),) if options.lab_colorization else read_pair(path, options)
    return in_unit([images.squeeze(half, options.image_size) for half in halves], options)


def in_unit(squares, options: Options) -> tuple[np.ndarray, np.ndarray]:
    """A pair, or a picture to colour, uint8 (S, S, 3) each -> (input, target), float32 in [-1, 1]."""
    if options.lab_colorization:
        lightness, colour = colours.split(squares[0])
        return (lightness, colour) if options.which_direction == "AtoB" else (colour, lightness)
    return tuple(images.to_unit(half.astype(np.float32)) for half in squares)


def jitter(
    inputs: np.ndarray, targets: np.ndarray, options: Options, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The same random crop and flip for both halves (paper, section 6.2: scaled to 286, cropped to 256).

    Args:
        inputs, targets: uint8 (H, W, 3); what is not square is squeezed.
    Returns:
        Two uint8 (S, S, 3), S being `image_size`.
    """
    size = options.image_size
    high, wide = (options.scale_size / side for side in inputs.shape[:2])
    left, top = rng.integers(0, options.scale_size - size, endpoint=True, size=2)
    flip = options.flip and rng.random() < 0.5
    # Scale, crop and flip in one interpolation: pixel centres lie on whole numbers.
    matrix = np.array([[wide, 0, (wide - 1) / 2 - left], [0, high, (high - 1) / 2 - top]])
    if flip:
        matrix[0] = -matrix[0] + (0, 0, size - 1)
    return tuple(
        cv2.warpAffine(half, matrix, (size, size), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        for half in (inputs, targets)
    )


def redraw(
    points: np.ndarray, targets: np.ndarray, options: Options, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """What live driving does to a drawing: the face is a little elsewhere, and its points are not exact.

    Args:
        points: float (68, 2), in pixels of the target.
        targets: uint8 (H, H, 3).
    Returns:
        The drawing of the moved points and the moved picture, each uint8 (S, S, 3).
    """
    size = options.image_size
    scale = size / targets.shape[0]
    zoom, roll = rng.uniform(1 - REDRAW_ZOOM, 1 + REDRAW_ZOOM), rng.uniform(-REDRAW_ROLL, REDRAW_ROLL)
    shift = rng.uniform(-REDRAW_SHIFT, REDRAW_SHIFT, 2) * size
    centre = points.mean(axis=0)
    matrix = cv2.getRotationMatrix2D(centre.tolist(), np.degrees(roll), zoom * scale)
    matrix[:, 2] += (centre + 0.5) * scale - 0.5 - centre + shift
    moved = points @ matrix[:, :2].T + matrix[:, 2]
    moved += rng.normal(0, REDRAW_NOISE * float(interocular_distance(moved)), moved.shape)
    if options.flip and rng.random() < 0.5:
        matrix[0] = -matrix[0] + (0, 0, size - 1)
        moved = mirrored(moved, size)
    picture = cv2.warpAffine(
        targets, matrix, (size, size), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return draw(moved, size, options.drawing), picture


def sample_order(count: int, seed: int, first: int) -> Iterator[tuple[int, int]]:
    """(sample's number, index of its pair) for sample `first`, `first` + 1, ... without end.

    Each epoch goes through all pairs in an order of its own. What comes at a place depends on nothing but
    the seed and the place: a training that is resumed sees what it would have seen.
    """
    sample = first
    while True:
        epoch, place = divmod(sample, count)
        order = np.random.default_rng([seed, epoch]).permutation(count)
        for index in order[place:]:
            yield sample, int(index)
            sample += 1


def training_batches(
    pairs: list[Path],
    options: Options,
    first_step: int,
    beside: Sidecar | None = None,
    worker: tuple[int, int] = (0, 1),
    replicas: int = 1,
) -> tf.data.Dataset:
    """Endless (inputs, targets), each float32 (N, S, S, 3) in [-1, 1], from the batch of `first_step` on.

    Args:
        options: with a settled `jitter`.
        beside: the pairs' sidecar, which `redraw` needs.
        worker: number and count of the workers that share each batch.
        replicas: devices in all that share it; a worker's take theirs one after the other.
    """
    cv2.setNumThreads(1)  # the networks use the cores

    def samples():
        number, count = worker
        share = options.batch_size // count
        for sample, index in sample_order(len(pairs), options.seed, first_step * options.batch_size):
            if sample % options.batch_size // share == number:
                yield sample, index

    def load(sample: int, index: int) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng([options.seed, int(sample)])
        if options.lab_colorization:
            picture = pictures.read(pairs[index])
            return in_unit(jitter(picture, picture, options, rng), options)
        inputs, targets = read_pair(pairs[index], options)
        if options.jitter == REDRAW:
            is_painting = options.which_direction == "AtoB"
            points, photo = beside.images[pairs[index].name].points, targets if is_painting else inputs
            pair = redraw(points, photo, options, rng)
            return in_unit(pair if is_painting else pair[::-1], options)
        return in_unit(jitter(inputs, targets, options, rng), options)

    def load_tensors(sample, index):
        halves = tf.numpy_function(load, (sample, index), (tf.float32, tf.float32), stateful=False)
        size = options.image_size
        return [
            tf.ensure_shape(half, (size, size, count))
            for half, count in zip(halves, networks.channels_of(options), strict=True)
        ]

    number = tf.TensorSpec((), tf.int64)
    return (
        tf.data.Dataset.from_generator(samples, output_signature=(number, number))
        .map(
            lambda *sample: tuple(load_tensors(*sample)),
            num_parallel_calls=_PARALLEL_READS,
            deterministic=True,
        )
        .batch(options.batch_size // replicas, drop_remainder=True)
        .prefetch(_BATCHES_AHEAD)
    )
