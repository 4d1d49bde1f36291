"""A trained generator applied to files: test mode with its report, and export as a SavedModel."""

import re
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from face2face import cli, files, metrics, pictures
from face2face.face.crop import CropBox
from face2face.target import target_file
from face2face.target.sidecar import Sidecar
from pix2pix import checkpoints, colours, dataset, folding, images, model_folder, networks, options, report
from pix2pix.options import Options

KINDS = ("inputs", "outputs", "targets")
"""Kinds of a report's pictures."""

JPEG_QUALITY = 80
"""Of exported generators, as in the original trainer."""

SAVED_MODEL = "saved_model.pb"
_EXPORTED = re.compile(rf"{options.FILE_NAME}|{SAVED_MODEL}|fingerprint\.pb|variables/variables\.[\w-]+")
"""The files of an export."""


def predictor(generator: keras.Model, training: bool = False) -> Callable[[np.ndarray], np.ndarray]:
    """A generator as a function of one picture, float32 (S, S, C) in [-1, 1] -> (S, S, D).

    Args:
        generator: The generator.
        training: Whether it works as in training, with dropout, as the program of 2017 did in testing.
    """
    run = tf.function(lambda inputs: generator(inputs, training=training), autograph=False)
    return lambda inputs: run(tf.constant(inputs[None], tf.float32))[0].numpy()


def uint8_predictor(generator: keras.Model, training: bool = False) -> Callable[[np.ndarray], np.ndarray]:
    """`predictor` as a function of one drawing, uint8 (S, S, 3), RGB -> a face of the same shape."""
    run = predictor(generator, training)
    return lambda drawing: images.denormalise(run(images.normalise(drawing.astype(np.float32))))


def to_pictures(opts: Options, *arrays: np.ndarray) -> list[np.ndarray]:
    """Convert inputs, outputs and targets, float32 (S, S, C) in [-1, 1], to uint8 (S, S, 3), RGB."""
    if opts.lab_colorization:
        return colours.visible(*arrays)
    return [images.denormalise(array) for array in arrays]


def sample_drawing(model_folder: Path, image_size: int) -> np.ndarray:
    """A drawing to compare models on, uint8 (S, S, 3): the target's neutral face; noise if it is unknown."""
    known = target_file.read_target(model_folder, image_size)
    if known is not None and known.face is not None:
        return known.draw(known.face.neutral)
    return np.random.default_rng(0).integers(0, 256, (image_size, image_size, 3), np.uint8)


def test(
    opts: Options,
    pairs: list[Path],
    checkpoint: Path,
    output_dir: Path,
    filetype: str,
    unpaired: bool,
    which: str | None = None,
) -> Path:
    """Generate the face of each pair (or drawing) and write a report.

    Args:
        opts: The options of the training.
        pairs: Files of pairs; of drawings if `unpaired`.
        checkpoint: The training folder.
        output_dir: Where the report goes.
        filetype: Format of its pictures, png or jpeg.
        unpaired: Whether the files are drawings without a target.
        which: As in `checkpoints.weights_folder`.

    Returns:
        The path of the report's page.

    Raises:
        UserError: Before anything is written, if a file that is not ours is in the way.
    """
    named = images.by_stem(pairs)
    kinds = KINDS[:2] if unpaired else KINDS
    for name in named:
        for file in report.picture_names(name, kinds, filetype).values():
            files.check_replaceable(output_dir / file, report.is_picture)
    files.check_replaceable(output_dir / report.PAGE, report.is_page)
    generator = networks.generator_of(opts)
    print(f"weights of {model_folder.restore_generator(generator, checkpoint, which)}")
    run = predictor(generator)
    known = target_file.read_target(checkpoint, opts.image_size)
    to_draw = None if unpaired else dataset.landmarks_without_irises(pairs[0].parent, known, opts)
    rows, measures = [], []
    with cli.progress(len(pairs), "testing", "images") as bar:
        for name, path in named.items():
            generated = _generate(opts, path, run, unpaired, to_draw)
            row: dict = {}
            if "targets" in generated:
                measures.append(metrics.compare(generated["outputs"], generated["targets"]))
                row = {"measures": str(measures[-1]), "badness": -measures[-1].ssim}
            generated = {kind: images.stretch(p, opts.aspect_ratio) for kind, p in generated.items()}
            rows.append(report.write_row(output_dir, name, generated, filetype, **row))
            bar.update()
    summary = f"mean over {len(rows)} images: {metrics.mean(measures)}" if measures else ""
    page = report.write_page(output_dir, rows, f"{checkpoint.name}: test", summary)
    if summary:
        print(summary)
    return page


def _generate(
    opts: Options, path: Path, run: Callable, unpaired: bool, to_draw: Sidecar | None
) -> dict[str, np.ndarray]:
    """Pictures of a file by kind, uint8 (S, S, 3), RGB: inputs, outputs and, of a pair, targets."""
    if opts.lab_colorization:
        inputs, targets = dataset.read_normalised(path, opts)
        return dict(zip(KINDS, to_pictures(opts, inputs, run(inputs), targets), strict=True))
    halves = [pictures.read(path)] if unpaired else dataset.read_pair(path, opts, to_draw)
    if opts.aspect_ratio == 1:
        halves = [CropBox.centre(*half.shape[1::-1]).picture(half, opts.image_size) for half in halves]
    else:
        halves = [images.squeeze(half, opts.image_size) for half in halves]
    outputs = images.denormalise(run(images.normalise(halves[0].astype(np.float32))))
    found = {"inputs": halves[0], "outputs": outputs}
    return found if unpaired else found | {"targets": halves[1]}


def export(
    opts: Options, checkpoint: Path, output_dir: Path, which: str | None = None, filetype: str = "png"
) -> None:
    """Write the generator as a SavedModel with one signature: PNG in, PNG or JPEG out, scalar strings.

    The folder's options.json marks it as an export of this project.

    Args:
        opts: The options of the training.
        checkpoint: The training folder.
        output_dir: Where the export goes.
        which: As in `checkpoints.weights_folder`.
        filetype: Format of the faces, png or jpeg.

    Raises:
        UserError: If the model does not generate pictures, or, before anything is changed, if a file that is
            not ours is in the way.
    """
    check_paints_pictures(opts, checkpoint)
    is_export = options.has_stage(output_dir, options.EXPORTED)

    def is_ours(path: Path) -> bool:
        return is_export and bool(_EXPORTED.fullmatch(path.relative_to(output_dir.resolve()).as_posix()))

    for name in (SAVED_MODEL, options.FILE_NAME):
        files.check_replaceable(output_dir / name, lambda _: is_export)
    trained = networks.generator_of(opts)
    model_folder.restore_generator(trained, checkpoint, which)
    module = FileGenerator(folding.fold(trained), opts.image_size, filetype)
    with files.whole_folder(output_dir, is_ours, SAVED_MODEL, _EXPORTED) as unfinished:
        with checkpoints.report_write_errors(output_dir):
            tf.saved_model.save(module, str(unfinished), signatures={"serving_default": module.generate})
        options.write(unfinished, opts, options.EXPORTED)


def check_paints_pictures(opts: Options, folder: Path) -> None:
    """Raise `UserError` if a model generates colours (`--lab_colorization`) instead of pictures."""
    if opts.lab_colorization:
        raise cli.UserError(
            f"expected a model that generates pictures, got one of --lab_colorization: {folder}"
        )


class FileGenerator(tf.Module):
    """A generator from the bytes of a PNG file to those of another, or of a JPEG file."""

    def __init__(self, generator: keras.Model, image_size: int, filetype: str = "png") -> None:
        super().__init__()
        self._generator, self._size, self._filetype = generator, image_size, filetype

    @tf.function(input_signature=[tf.TensorSpec((), tf.string, name="png")], autograph=False)
    def generate(self, png: tf.Tensor) -> dict[str, tf.Tensor]:
        """Generate a face.

        Args:
            png: A PNG of any size, as a scalar string. What is not square is squeezed.

        Returns:
            {"png" or "jpeg": the face's file, as a scalar string}.
        """
        picture = tf.cast(tf.io.decode_png(png, channels=3), tf.float32)
        picture = tf.image.resize(picture, (self._size, self._size), "area")
        inputs = images.normalise(picture)
        outputs = self._generator(inputs[None], training=False)[0]
        face = tf.saturate_cast(tf.round(images.to_levels(outputs)), tf.uint8)
        if self._filetype == "png":
            return {"png": tf.io.encode_png(face)}
        return {"jpeg": tf.io.encode_jpeg(face, quality=JPEG_QUALITY)}
