"""Batches for the networks, from folders of combined pairs."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import tensorflow as tf

from face2face import cli, pictures
from face2face.face.crop import CropBox
from face2face.sources.files import image_paths
from face2face.target.sidecar import Sidecar
from pix2pix import colours, images, networks
from pix2pix.augmentation import jitter, redraw
from pix2pix.options import REDRAW, Options

_PARALLEL_READS = 2
_BATCHES_AHEAD = 4


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
            cli.warn(f"left out: {error.strerror}: {path}")
    if not usable:
        raise cli.UserError(f"expected {what}, got none in {folder}")
    return usable


def read_pair(path: Path, options: Options) -> tuple[np.ndarray, np.ndarray]:
    """Read a pair as (input, target), each uint8 (H, W, 3), RGB, in the order of `which_direction`."""
    picture = pictures.read(path)
    middle = picture.shape[1] // 2
    a, b = picture[:, :middle], picture[:, middle:]
    return (a, b) if options.which_direction == "AtoB" else (b, a)


def read_normalised(path: Path, options: Options) -> tuple[np.ndarray, np.ndarray]:
    """Read a file as (input, target) without jitter, float32 (S, S, C) in [-1, 1]."""
    halves = (pictures.read(path),) if options.lab_colorization else read_pair(path, options)
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


def sample_order(count: int, seed: int, first: int) -> Iterator[tuple[int, int]]:
    """Yield (number of the sample, index of its pair) without end. Each epoch has a random order of its own.

    The pair of a sample depends only on the seed and the sample's number: a training that is resumed gets the
    same pairs as one that was never stopped.

    Args:
        count: Number of pairs.
        seed: The training's seed.
        first: Number of the first sample.
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
    sidecar: Sidecar | None = None,
    worker: tuple[int, int] = (0, 1),
    replicas: int = 1,
) -> tf.data.Dataset:
    """Make endless batches (inputs, targets), float32 (N, S, S, C) each, in [-1, 1].

    Args:
        pairs: Files of pairs, or of pictures to colour.
        options: The options of the training, with `jitter` crop or redraw, not auto.
        first_step: Number of the first batch.
        sidecar: The pairs' sidecar, which `redraw` needs.
        worker: Index and number of the workers that share each batch.
        replicas: Number of devices that share each batch, of all workers together.
    """
    cv2.setNumThreads(1)  # the networks use all cores

    def samples() -> Iterator[tuple[int, int]]:
        number, count = worker
        share = options.batch_size // count
        for sample, index in sample_order(len(pairs), options.seed, first_step * options.batch_size):
            if sample % options.batch_size // share == number:
                yield sample, index

    def load(sample: int, index: int) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng([options.seed, int(sample)])
        if options.lab_colorization:
            picture = pictures.read(pairs[index])
            return normalised_pair(jitter(picture, picture, options, rng), options)
        inputs, targets = read_pair(pairs[index], options)
        if options.jitter == REDRAW:
            from_drawing = options.which_direction == "AtoB"
            entry, photo = sidecar.images[pairs[index].name], targets if from_drawing else inputs
            pair = redraw(entry, photo, options, rng)
            return normalised_pair(pair if from_drawing else pair[::-1], options)
        return normalised_pair(jitter(inputs, targets, options, rng), options)

    def load_tensors(sample: tf.Tensor, index: tf.Tensor) -> list[tf.Tensor]:
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
