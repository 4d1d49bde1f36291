"""A trained generator on files: the test mode with its report, and the export as a SavedModel."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf

from face2face import cli, files, metrics, pictures
from face2face.face.crop import CropBox
from face2face.face.drawing import draw
from face2face.target import statistics
from pix2pix import checkpoints, colours, dataset, images, networks, options, report
from pix2pix.options import Options

KINDS = ("inputs", "outputs", "targets")
"""Of a report's pictures."""

SAVED_MODEL = "saved_model.pb"
_EXPORTED = re.compile(rf"{options.FILE_NAME}|{SAVED_MODEL}|fingerprint\.pb|variables/variables\.[\w-]+")
"""The files of an export."""


def runner(generator) -> Callable[[np.ndarray], np.ndarray]:
    """A generator as a function of one picture in the networks' range: float32 (S, S, C) -> (S, S, D)."""
    run = tf.function(lambda inputs: generator(inputs, training=False))
    return lambda inputs: run(tf.constant(inputs[None], tf.float32))[0].numpy()


def painter(generator) -> Callable[[np.ndarray], np.ndarray]:
    """A generator as a function of one picture: uint8 (S, S, 3), RGB -> the same."""
    run = runner(generator)
    return lambda drawing: images.from_unit(run(images.to_unit(drawing.astype(np.float32))))


def shown(opts: Options, *arrays: np.ndarray) -> list[np.ndarray]:
    """Inputs, outputs and targets of the networks, (S, S, C) -> what they look like, uint8 (S, S, 3), RGB."""
    if opts.lab_colorization:
        return colours.visible(*arrays)
    return [images.from_unit(array) for array in arrays]


def sample_drawing(model_folder: Path, image_size: int) -> np.ndarray:
    """A drawing to compare models on, uint8 (S, S, 3): the target at rest, or noise if that is unknown."""
    known = statistics.read(model_folder)
    if known is not None and known.face is not None:
        return draw(known.face.neutral, image_size, known.drawing)
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
    """Paint the face of each pair (or single picture) and write a report; returns the path of its page.

    Args:
        which: the checkpoint, as `checkpoints.choose` takes it.
    Raises:
        UserError: before anything is written, if another file is in the way.
    """
    named = images.by_stem(pairs)
    kinds = KINDS[:2] if unpaired else KINDS
    for name in named:
        for file in report.picture_names(name, kinds, filetype).values():
            files.check_replaceable(output_dir / file, report.is_picture)
    files.check_replaceable(output_dir / report.PAGE, report.is_page)
    generator = networks.generator_of(opts)
    print(f"weights of {checkpoints.restore_generator(generator, checkpoint, which)}")
    run = runner(generator)
    rows, measures = [], []
    with cli.progress(len(pairs), "testing", "images") as bar:
        for name, path in named.items():
            painted = _paint(opts, path, run, unpaired)
            said: dict = {}
            if "targets" in painted:
                measures.append(metrics.compare(painted["outputs"], painted["targets"]))
                said = {"measures": str(measures[-1]), "badness": -measures[-1].ssim}
            painted = {kind: images.stretch(p, opts.aspect_ratio) for kind, p in painted.items()}
            rows.append(report.write_row(output_dir, name, painted, filetype, **said))
            bar.update()
    summary = f"mean over {len(rows)} images: {metrics.mean(measures)}" if measures else ""
    page = report.write_page(output_dir, rows, f"{checkpoint.name}: test", summary)
    if summary:
        print(summary)
    return page


def _paint(opts: Options, path: Path, run: Callable, unpaired: bool) -> dict[str, np.ndarray]:
    """A file's pictures by kind, uint8 (S, S, 3): inputs, outputs and, of a pair, targets."""
    if opts.lab_colorization:
        inputs, targets = dataset.read_unit(path, opts)
        return dict(zip(KINDS, shown(opts, inputs, run(inputs), targets), strict=True))
    halves = [pictures.read(path)] if unpaired else dataset.read_pair(path, opts)
    if opts.aspect_ratio == 1:
        halves = [CropBox.centre(*half.shape[1::-1]).picture(half, opts.image_size) for half in halves]
    else:
        halves = [images.squeeze(half, opts.image_size) for half in halves]
    outputs = images.from_unit(run(images.to_unit(halves[0].astype(np.float32))))
    painted = {"inputs": halves[0], "outputs": outputs}
    return painted if unpaired else painted | {"targets": halves[1]}


def export(opts: Options, checkpoint: Path, output_dir: Path, which: str | None = None) -> None:
    """Write the generator as a SavedModel with one signature: PNG in, PNG out, both scalar strings.

    An options.json beside it tells that the folder is an export of this project.

    Raises:
        UserError: if the model does not paint pictures, or, before anything is changed, if another file is in
            the way.
    """
    refuse_colours(opts, checkpoint)
    is_export = options.has_stage(output_dir, options.EXPORTED)

    def is_ours(path: Path) -> bool:
        return is_export and bool(_EXPORTED.fullmatch(path.relative_to(output_dir.resolve()).as_posix()))

    for name in (SAVED_MODEL, options.FILE_NAME):
        files.check_replaceable(output_dir / name, lambda _: is_export)
    trained = networks.generator_of(opts)
    checkpoints.restore_generator(trained, checkpoint, which)
    module = PngGenerator(networks.fold(trained), opts.image_size)
    with files.whole_folder(output_dir, is_ours, last=SAVED_MODEL) as unfinished:
        with checkpoints.writing(output_dir):
            tf.saved_model.save(module, str(unfinished), signatures={"serving_default": module.paint})
        options.write(unfinished, opts, options.EXPORTED)


def refuse_colours(opts: Options, folder: Path) -> None:
    if opts.lab_colorization:
        raise cli.UserError(f"expected a model that paints pictures, got one of --lab_colorization: {folder}")


class PngGenerator(tf.Module):
    """A generator that reads and writes PNG files' bytes."""

    def __init__(self, generator, image_size: int):
        super().__init__()
        self._generator, self._size = generator, image_size

    @tf.function(input_signature=[tf.TensorSpec((), tf.string, name="png")])
    def paint(self, png: tf.Tensor) -> dict[str, tf.Tensor]:
        """A PNG of any size -> {"png": the painted face's PNG}."""
        picture = tf.cast(tf.io.decode_png(png, channels=3), tf.float32)
        picture = tf.image.resize(picture, (self._size, self._size), "area")
        inputs = images.to_unit(picture)
        outputs = self._generator(inputs[None], training=False)[0]
        face = tf.saturate_cast(tf.round((outputs + 1.0) * 127.5), tf.uint8)
        return {"png": tf.io.encode_png(face)}
