"""Opens the outputs that the user asks for, and brings them together in a `Presenter`."""

import contextlib
from pathlib import Path
from typing import TypeVar

from face2face.live.options import OutputOptions
from face2face.live.painter import PREVIEW_SCALE, Painter
from face2face.live.presenter import Presenter
from face2face.live.stats import Stats
from face2face.output.base import Output
from face2face.output.controls import Controls, State
from face2face.output.delayed_microphone import DelayedMicrophone
from face2face.output.microphone import Microphone
from face2face.output.recorder import OpenSound, Recorder
from face2face.output.sound import FileSound, has_sound
from face2face.output.virtual_camera import VirtualCamera
from face2face.output.window import Window, has_screen
from face2face.sources.base import Source
from face2face.sources.browser import BrowserSource
from face2face.sources.paced import PacedSource

_Output = TypeVar("_Output", bound=Output)


def open_presenter(
    stack: contextlib.ExitStack,
    options: OutputOptions,
    source: Source,
    file: Path | None,
    models: list[str],
    painter: Painter,
) -> Presenter:
    """Open what the options ask for; the stack closes it.

    Args:
        file: What the source reads, if it is a file: its sound is recorded.
        models: The generators' names, to tell which one is in use.
        painter: What the user's commands go to.

    Raises:
        UserError: If an output cannot be opened.
        OSError: If the system refuses.
    """
    controls = Controls()
    state = State(options.first_view, options.mirror, models=models, **painter.driver.gains)

    def closing(output: _Output) -> _Output:
        return stack.enter_context(contextlib.closing(output))

    page = camera = window = None
    if options.serve is not None:
        from face2face.output.page.server import Server  # its libraries take a tenth of a second

        browser = source if isinstance(source, BrowserSource) else None
        page = closing(
            Server(controls, state, options.serve, options.serve_host, options.serve_token, browser)
        )
        print(f"the page: {page.address}", flush=True)
    if options.virtual_camera is not None:
        camera = closing(VirtualCamera(options.virtual_camera or None, source.fps))
        print(f"the virtual camera: {camera.device}", flush=True)
    recorder = Recorder(source.fps, _sound(stack, options, source, file), options.record)
    stack.callback(recorder.end)
    if options.window and not has_screen():
        print("no screen here: going on without a window (as with --no-window)")
    elif options.window:
        height = PREVIEW_SCALE * painter.size
        width, height = options.size or (2 * height, height)
        window = closing(Window(width, height, options.fullscreen))
    if options.record:  # once nothing else can fail, so that no empty file is left
        if options.record.is_file() and options.record.stat().st_size:
            print(f"replacing the earlier recording {options.record}")
        recorder.begin()
    return Presenter(
        source,
        painter,
        controls,
        state,
        recorder,
        window=window,
        page=page,
        camera=camera,
        records_generated_only=options.records_generated_only,
        is_labelled=options.label,
    )


def _sound(
    stack: contextlib.ExitStack, options: OutputOptions, source: Source, file: Path | None
) -> OpenSound:
    """What gives each recording its sound: a microphone, which stays open, or the file's own sound."""
    if options.microphone is not None:
        microphone = Microphone(options.microphone or None, source.clock)
        stack.enter_context(contextlib.closing(microphone))
        return lambda: contextlib.nullcontext(microphone)
    has_file_times = not source.live or isinstance(source, PacedSource)
    if file is not None and has_file_times and has_sound(file):
        return lambda: contextlib.closing(FileSound(file))
    return contextlib.nullcontext


def open_delayed_microphone(options: OutputOptions, stats: Stats) -> contextlib.closing[DelayedMicrophone]:
    """Play the microphone's sound as late as the pictures are.

    Args:
        options: Whose `delay_microphone` is not None.
        stats: Tell how late the pictures are.

    Raises:
        UserError: If a device cannot be opened.
    """
    delayed = DelayedMicrophone(
        options.delay_microphone, options.microphone or None, lambda: stats.typical_latency
    )
    return contextlib.closing(delayed)
