"""One run, from its options to its last line: everything is opened, driven and closed again."""

import contextlib
from concurrent.futures import ThreadPoolExecutor

from face2face import cli
from face2face.face.landmarks import LandmarkDetector
from face2face.face.tracking import Tracker
from face2face.generator.generator import Generator, model_name
from face2face.live import loop
from face2face.live.options import DrivingOptions, ModelOptions, RunOptions
from face2face.live.outputs import open_delayed_microphone, open_presenter
from face2face.live.painter import Painter
from face2face.live.stats import Stats
from face2face.sources.base import Source


def drive(options: RunOptions) -> None:
    """Open everything, run the loop, and close everything whatever happens.

    Raises:
        UserError: If the source, a model or an output is of no use.
        Incomplete: At the end, if the source gave less than it should have, or a recording is not whole.
    """
    options.check_files()
    stats = Stats()
    with contextlib.ExitStack() as last:  # if statistics cannot be written, the rest is done and told
        with contextlib.ExitStack() as stack:
            microphone = None
            if options.outputs.delay_microphone is not None:
                microphone = stack.enter_context(open_delayed_microphone(options.outputs, stats))
            source = stack.enter_context(options.source.open())
            painter = stack.enter_context(open_painter(options.models, options.driving, source, stats))
            paths = options.models.generators
            names = [f"{number} {model_name(path)}" for number, path in enumerate(paths, 1)]
            presenter = open_presenter(stack, options.outputs, source, options.source.path, names, painter)
            painter.driver.look_ahead(source)
            stats.start()
            if options.stats_file:
                last.callback(stats.write, options.stats_file)
            try:
                loop.run(source, painter, presenter, options.limit)
            finally:
                stats.stop()
                counts = f"{stats.frames} frames, {stats.frames_with_face} with a face"
                print(f"{counts}, {stats.fps:.1f} frames/s")
                if source.live and stats.latency:
                    print(latency_message(stats, microphone.lateness if microphone else None))
        for path in presenter.written:
            print(f"wrote {path}")
    if missed := [each for each in (source.shortfall, presenter.shortfall) if each]:
        raise cli.Incomplete("; ".join(missed))


def latency_message(stats: Stats, sound_lateness: float | None = None) -> str:
    """What to tell the user of a camera about the age of the pictures.

    Args:
        stats: Whose latency is known.
        sound_lateness: How late the microphone's sound is played, in seconds; None: it is not played.
    """
    latency = stats.summary().latency
    median, high = round(latency.median_ms), round(latency.p95_ms)
    said = f"pictures are shown {median} ms after they were taken, 95 of 100 within {high} ms"
    if sound_lateness is not None:
        return f"{said}; the microphone's sound is played {round(1000 * sound_lateness)} ms late"
    return f"{said}: in calls, delay the microphone by {median} ms (OBS: Sync Offset, or --delay-microphone)"


def open_painter(
    models: ModelOptions, driving: DrivingOptions, source: Source, stats: Stats | None = None
) -> Painter:
    """Load the models, and print what runs them.

    Args:
        source: Where the frames come from. The rate of a live one decides how many faces are generated at a
            time.
        stats: What the painter's times are written to; None: new ones.

    Returns:
        The painter, which the caller has to close.

    Raises:
        UserError: If a model is of no use.
    """
    interval = 1 / source.fps if source.live else None
    with ThreadPoolExecutor(1) as executor:  # the landmark model is unpacked meanwhile
        detector = executor.submit(LandmarkDetector, models.landmark_model)
        generators = [
            Generator(path, models.engine, models.precision, loop.CONCURRENCY, interval)
            for path in models.generators
        ]
        tracker = Tracker(detector.result(), driving.smoothing)
    for path, generator in zip(models.generators, generators, strict=True):
        is_alone = source.live and generator.concurrency == 1
        print(f"{path} runs on {generator.engine}{', one face at a time' if is_alone else ''}")
        if driving.retarget and generator.target.face is None:
            print(f"retargeting is off: {path} does not know its target's face")
    if driving.calibration_file and all(generator.target.face is None for generator in generators):
        print(f"--calibration is not used: {driving.calibration_file}")
    return Painter(tracker, generators, driving, source, stats)
