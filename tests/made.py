"""Small made inputs that several test files share: faces, pairs, models."""

import contextlib
import hashlib
import io
import itertools
import resource
import signal
import struct
import subprocess
import sys
import time
import zlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from face2face import cli, frozen_graph, loading, pictures
from face2face.face.drawing import draw
from face2face.sources.open import open_source
from face2face.target import sidecar
from face2face.target.target_file import Target
from pix2pix.options import Options

if TYPE_CHECKING:
    import keras

ROOT = Path(__file__).resolve().parents[1]

WIDTH, HEIGHT = 96, 72
"""Of the made photos."""

SMALL = Options(
    image_size=64,
    scale_size=72,
    ngf=4,
    ndf=4,
    seed=1,
    max_steps=4,
    ema=False,
    lr_decay=0,
    precision="float32",
)
"""Options of networks that train in milliseconds a step, whatever the last one is."""


def points(size: int, seed: int = 0) -> np.ndarray:
    """The 68 points of a schematic face, float32, which each seed moves a little and opens its mouth."""
    rng = np.random.default_rng(seed)

    def arc(count: int, centre: tuple, radii: tuple, begin: float, end: float) -> np.ndarray:
        angles = np.radians(np.linspace(begin, end, count))
        return np.array(centre) + np.stack([np.cos(angles), np.sin(angles)], axis=1) * radii

    open_by = rng.uniform(0.02, 0.08)
    face = np.concatenate(
        [
            arc(17, (0.5, 0.45), (0.27, 0.38), 180, 0),  # jaw
            *(arc(5, (x, 0.36), (0.09, 0.05), 200, 340) for x in (0.37, 0.63)),  # brows
            np.stack([np.full(4, 0.5), np.linspace(0.42, 0.54, 4)], axis=1),  # nose
            arc(5, (0.5, 0.54), (0.06, 0.03), 180, 0),
            *(arc(6, (x, 0.42), (0.06, 0.025), 180, 480) for x in (0.37, 0.63)),  # eyes
            arc(12, (0.5, 0.68), (0.11, open_by + 0.03), 180, 510),  # lips
            arc(8, (0.5, 0.68), (0.08, open_by), 180, 495),
        ]
    )
    return ((face + rng.uniform(-0.05, 0.05, 2)) * size).astype(np.float32)


def face(at: np.ndarray, size: int) -> np.ndarray:
    """A coloured picture of the face that stands at these points, uint8 (size, size, 3), RGB."""
    picture = np.zeros((size, size, 3), np.uint8)
    picture[:] = (40, 70, 110)
    for part, colour in (
        (slice(0, 17), (220, 170, 140)),
        (slice(36, 42), (30, 30, 60)),
        (slice(42, 48), (30, 30, 60)),
        (slice(48, 60), (170, 40, 60)),
        (slice(60, 68), (60, 10, 20)),
    ):
        cv2.fillPoly(picture, [np.round(at[part]).astype(np.int32)], colour)
    return picture


def write_pairs(folder: Path, count: int = 4, size: int = SMALL.image_size, seed: int = 0) -> Path:
    """A folder of combined pairs, drawing and face, with their sidecar. seed: Of the first pair's face."""
    folder.mkdir(parents=True, exist_ok=True)
    entries = {}
    for i in range(count):
        at = points(size, seed + i)
        pictures.write(folder / f"{i + 1}.png", np.concatenate([draw(at, size), face(at, size)], axis=1))
        entries[f"{i + 1}.png"] = sidecar.Entry(0, i, at)
    video = sidecar.Video("made.mp4", (size, size), 25.0, (0, 0, size))
    sidecar.Sidecar([video], entries).write(folder)
    return folder


def tree(folder: Path) -> dict[str, str]:
    """All that is in a folder, by path: files by a hash of their content, links by what they point to."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            found[str(path.relative_to(folder))] = f"-> {path.readlink()}"
        else:
            content = path.read_bytes() if path.is_file() else b"a folder"
            found[str(path.relative_to(folder))] = hashlib.sha256(content).hexdigest()
    return found


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    """uint8 (height, width, 3), smooth enough to survive a resize."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (height // 8 + 2, width // 8 + 2, 3), np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def unsettle(network, seed: int = 0) -> None:
    """Give a network's layers the weights and statistics that a long training might have."""
    rng = np.random.default_rng(seed)
    for layer in network.layers:
        if layer.name.endswith("_conv"):
            weights = layer.get_weights()  # kernels, of more than one axis, and a bias
            deviations = [np.sqrt(2 * layer.filters / w.size) if w.ndim > 1 else 0.1 for w in weights]
            layer.set_weights([rng.normal(0, d, w.shape) for d, w in zip(deviations, weights, strict=True)])
        if layer.name.endswith("_norm"):
            bounds = {"gamma": (0.5, 1.5), "beta": (-0.5, 0.5), "mean": (-0.5, 0.5), "variance": (0.2, 2.0)}
            chosen = list(bounds.values())[: len(layer.weights)]  # an instance norm has no moving averages
            layer.set_weights([rng.uniform(*each, layer.gamma.shape) for each in chosen])


def generator(image_size: int, ngf: int, *settings: object, **named: object) -> "keras.Model":
    """A new generator; the settings are those of `networks.u_net`."""
    from pix2pix import networks

    return networks.u_net(networks.encoder_filters(image_size, ngf), *settings, **named)


def short_clip(clip: Path, count: int, path: Path) -> Path:
    """The first frames of a clip."""
    with open_source(str(clip)) as video:
        frames = [frame.picture for frame in itertools.islice(video.frames(), count)]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 25, frames[0].shape[1::-1])
    for frame in frames:
        writer.write(frame)
    writer.release()
    return path


def training_folder(folder: Path, opts: Options = SMALL, with_target: bool = True) -> Path:
    """A training folder as the trainer leaves it after a step, but with a generator of random weights."""
    loading.load_tensorflow()  # without what Keras would draw plots with
    import tensorflow as tf

    from pix2pix import options
    from pix2pix.checkpoints import Checkpoints
    from pix2pix.trainer import Trainer

    folder.mkdir(parents=True)
    trainer = Trainer(opts)
    picture = tf.zeros((opts.batch_size, opts.image_size, opts.image_size, 3))
    Trainer.train_step.python_function(trainer, picture, picture)  # without seconds of tracing
    unsettle(trainer.generator)
    Checkpoints(folder, **trainer.objects()).save(1)
    options.write(folder, replace(opts, seed=opts.seed or 0), options.TRAINING)
    if with_target:
        pairs = write_pairs(folder.with_name(f"{folder.name}-pairs"), 8, opts.image_size)
        Target.measure(sidecar.read_sidecar(pairs), opts.image_size).write(folder)
    return folder


def repeating_model(path: Path, size: int, target: Target | None = None) -> Path:
    """A frozen graph that answers with its drawing, and knows no target, as those of the original, or one."""
    import tensorflow as tf

    with tf.Graph().as_default() as graph:
        image = tf.compat.v1.placeholder(tf.uint8, (size, 2 * size, 3), "image_tensor")
        tf.identity(image[None, :, :size], name="generate_output/output")
        if target is not None:
            tf.constant(target.to_json(), name=frozen_graph.operation(frozen_graph.TARGET_TENSOR))
    path.write_bytes(graph.as_graph_def().SerializeToString())
    return path


def edge(main, *arguments) -> int:
    """Run a script's `main` in this process, as its own process would, and return the exit code."""
    before = {number: signal.getsignal(number) for number in cli.ENDING_SIGNALS}  # which `cli.run` changes
    try:
        cli.run(lambda: main([str(argument) for argument in arguments]))
    except SystemExit as ended:
        return ended.code
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run_here(main, *arguments) -> subprocess.CompletedProcess:
    """Run a script's `main` as `edge` does, for a fixture of many tests, that has no `capsys`."""
    with (
        contextlib.redirect_stdout(io.StringIO()) as said,
        contextlib.redirect_stderr(io.StringIO()) as errors,
    ):
        code = edge(main, *arguments)
    return subprocess.CompletedProcess(list(arguments), code, said.getvalue(), errors.getvalue())


def start(command: list, **options) -> subprocess.Popen:
    """Start a process that Ctrl-C ends, though this one may have been told to ignore it.

    A shell lets its background jobs ignore SIGINT, and their children inherit that; a test's child heeds it.
    """
    heed = None if sys.platform == "win32" else lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
    return subprocess.Popen(command, preexec_fn=heed, **options)


def run_script(
    script, *arguments, cwd: Path = ROOT, max_file: int | None = None
) -> subprocess.CompletedProcess:
    """Run a script as a user does. max_file: bytes that a file may have; more fails, as on a full disk."""
    command = [sys.executable, str(script), *(str(argument) for argument in arguments)]

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (max_file, resource.RLIM_INFINITY))

    return subprocess.run(
        command,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=300,
        preexec_fn=limit if max_file is not None else None,
    )


def claimed_png(width: int, height: int) -> bytes:
    """A PNG file of a few bytes whose header says that it is as large."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def lasting_source(clips: Path) -> list:
    """Arguments of run_webcam.py: a driver of 16 s, however fast the machine is."""
    return ["--source", clips / "WolfgangLanger_Pexels.mp4", "--pace"]


def until(what, seconds: float = 60):
    """The first true answer, asked for again and again."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := what():
            return answer
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s: {what}")
