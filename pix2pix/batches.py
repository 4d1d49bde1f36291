"""Endless batches for the networks: the pairs of a folder in random order, changed at random."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import tensorflow as tf

from face2face import pictures
from face2face.target.sidecar import Sidecar
from pix2pix import networks
from pix2pix.augmentation import jitter, redraw
from pix2pix.dataset import normalised_pair, read_pair
from pix2pix.options import REDRAW, Options
from pix2pix.recombination import LabelledFrame, Recombiner, random_sides, recombined

_PARALLEL_READS = 2
_BATCHES_AHEAD = 4


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


class _Loader:
    """Reads the pair of a sample and changes it at random, as the seed and the sample's number determine.

    Args:
        pairs: Files of pairs, or of pictures to colour.
        options: The options of the training, with `jitter` crop or redraw, not auto.
        to_draw: Landmarks of pairs whose drawing is made of them, see `landmarks_to_draw`.
    """

    def __init__(self, pairs: list[Path], options: Options, to_draw: Sidecar | None) -> None:
        self._pairs, self._options, self._to_draw = pairs, options, to_draw
        self._from_drawing = options.which_direction == "AtoB"
        self._recombiner = None
        if options.jitter == REDRAW and options.recombine:
            self._recombiner = Recombiner([to_draw.images[path.name] for path in pairs])

    def __call__(self, sample: int, index: int) -> tuple[np.ndarray, np.ndarray]:
        """The sample of a pair, given its number and the pair's index: float32 (S, S, C) each, in [-1, 1]."""
        options, path = self._options, self._pairs[index]
        rng = np.random.default_rng([options.seed, int(sample)])
        if options.lab_colorization:
            picture = pictures.read(path)
            return normalised_pair(jitter(picture, picture, options, rng), options)
        if options.jitter == REDRAW:
            frame = self._recombined(index, rng)
            redrawn = redraw(frame.entry, frame.picture, options, rng)
            return normalised_pair(redrawn if self._from_drawing else redrawn[::-1], options)
        inputs, targets = read_pair(path, options, self._to_draw)
        return normalised_pair(jitter(inputs, targets, options, rng), options)

    def _recombined(self, index: int, rng: np.random.Generator) -> LabelledFrame:
        """The photo of a pair and its landmarks; of a share of them eyes and brows are another frame's."""
        frame = self._frame(index)
        if self._recombiner is None or rng.random() >= self._options.recombine:
            return frame
        sides = random_sides(rng)
        other = self._recombiner.find(index, sides, rng)
        return frame if other is None else recombined(frame, self._frame(other), sides)

    def _frame(self, index: int) -> LabelledFrame:
        path = self._pairs[index]
        inputs, targets = read_pair(path, self._options)
        return LabelledFrame(self._to_draw.images[path.name], targets if self._from_drawing else inputs)


def training_batches(
    pairs: list[Path],
    options: Options,
    first_step: int,
    to_draw: Sidecar | None = None,
    worker: tuple[int, int] = (0, 1),
    replicas: int = 1,
) -> tf.data.Dataset:
    """Make endless batches (inputs, targets), float32 (N, S, S, C) each, in [-1, 1].

    Args:
        pairs: Files of pairs, or of pictures to colour.
        options: The options of the training, with `jitter` crop or redraw, not auto.
        first_step: Number of the first batch.
        to_draw: Landmarks of pairs whose drawing is made of them, see `landmarks_to_draw`.
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

    load = _Loader(pairs, options, to_draw)

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
