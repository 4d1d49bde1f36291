"""A trained generator on files: the test mode with its report, and the export as a SavedModel."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf

from face2face import cli, target
from face2face.framing import Window
from face2face.landmarks import draw
from pix2pix import checkpoints, dataset, images, metrics, networks, report
from pix2pix.options import Options


def painter(generator) -> Callable[[np.ndarray], np.ndarray]:
    """A generator as a function of one picture: uint8 (S, S, 3), RGB -> the same."""
    run = tf.function(lambda inputs: generator(inputs, training=False))

    def paint(drawing: np.ndarray) -> np.ndarray:
        return images.from_unit(run(tf.constant(images.to_unit(drawing[None].astype(np.float32))))[0])

    return paint


def sample_drawing(model_folder: Path, image_size: int) -> np.ndarray:
    """A drawing to compare models on, uint8 (S, S, 3): the target at rest, or noise if that is unknown."""
    known = target.read(model_folder)
    if known is not None and known.face is not None:
        return draw(known.face.neutral, image_size, known.drawing)
    return np.random.default_rng(0).integers(0, 256, (image_size, image_size, 3), np.uint8)


def test(
    opts: Options, pairs: list[Path], checkpoint: Path, output_dir: Path, filetype: str, unpaired: bool
) -> Path:
    """Paint the face of each pair (or single picture) and write a report; returns the path of its page."""
    generator = networks.generator(opts.image_size, opts.ngf)
    checkpoints.restore_generator(generator, checkpoint)
    paint = painter(generator)
    rows, measures = [], []
    with cli.progress(len(pairs), "testing", "images") as bar:
        for path in pairs:
            halves = [images.read(path)] if unpaired else dataset.read_pair(path, opts)
            halves = [Window.centre(*half.shape[1::-1]).picture(half, opts.image_size) for half in halves]
            pictures = {"inputs": halves[0], "outputs": paint(halves[0])}
            if not unpaired:
                pictures["targets"] = halves[1]
            said: dict = {}
            if not unpaired:
                measures.append(metrics.compare(pictures["outputs"], pictures["targets"]))
                said = {"measures": str(measures[-1]), "badness": -measures[-1].ssim}
            rows.append(report.write_row(output_dir, path.stem, pictures, filetype, **said))
            bar.update()
    summary = f"mean over {len(rows)} images: {metrics.mean(measures)}" if measures else ""
    page = report.write_page(output_dir, rows, f"{checkpoint.name}: test", summary)
    if summary:
        print(summary)
    return page


def export(opts: Options, checkpoint: Path, output_dir: Path) -> None:
    """Write the generator as a SavedModel with one signature: PNG in, PNG out, both scalar strings.

    Raises: UserError if the folder holds something else than an older export, which would be lost.
    """
    if output_dir.is_dir() and any(output_dir.iterdir()) and not (output_dir / "saved_model.pb").is_file():
        raise cli.UserError(f"expected a new --output_dir, got one with other files: {output_dir}")
    trained = networks.generator(opts.image_size, opts.ngf)
    checkpoints.restore_generator(trained, checkpoint)
    module = PngGenerator(networks.fold(trained), opts.image_size)
    with cli.whole_output(output_dir) as unfinished:
        tf.saved_model.save(module, str(unfinished), signatures={"serving_default": module.paint})


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
