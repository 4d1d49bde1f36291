"""Where a run's pictures go: what the user asks for is opened, and brought together in a `Presenter`."""

import contextlib
from dataclasses import dataclass
from pathlib import Path

from face2face import cli
from face2face.live.painter import PREVIEW_SCALE
from face2face.live.presenter import Presenter
from face2face.output.controls import VIEWS, Controls, State
from face2face.output.page import server
from face2face.output.page.server import Server
from face2face.output.recorder import OpenSound, Recorder
from face2face.output.sound import FileSound, Microphone, has_sound
from face2face.output.virtual_camera import VirtualCamera
from face2face.output.window import Window, has_screen
from face2face.sources.base import Source
from face2face.sources.browser import BrowserSource

DEFAULT_DEVICE = ""
"""Of a microphone or virtual camera: whichever the system takes."""


@dataclass(frozen=True)
class OutputOptions:
    """What the user asks for.

    view: one of `VIEWS`. size: of the window, (width, height) in pixels; None: the pictures'. label: write on
    the face what it is. record: a file or folder. microphone, virtual_camera: a device's name, or
    `DEFAULT_DEVICE`; None: none. serve: the page's port; None: no page.
    """

    view: str = VIEWS[0]
    mirror: bool = False
    label: bool = False
    window: bool = True
    fullscreen: bool = False
    size: tuple[int, int] | None = None
    record: Path | None = None
    record_generated_only: bool = False
    microphone: str | None = None
    virtual_camera: str | None = None
    serve: int | None = None
    serve_host: str = server.DEFAULT_HOST
    serve_token: str | None = None

    def __post_init__(self):
        """Raises: UserError if two of them contradict each other."""
        if not self.window and (self.fullscreen or self.size):
            raise cli.UserError("--fullscreen and --size are of the window: expected no --no-window")
        if self.serve is None and (self.serve_host != server.DEFAULT_HOST or self.serve_token):
            raise cli.UserError("--serve-host and --serve-token are of the page: expected --serve, too")
        if self.serve is not None:
            server.check(self.serve_host, self.serve_token)


def open_presenter(
    stack: contextlib.ExitStack,
    options: OutputOptions,
    source: Source,
    file: Path | None,
    models: list[str],
    side: int,
) -> Presenter:
    """Open what is asked for; the stack closes it.

    Args:
        file: what the source reads, if it is a file: for its sound. models: names, to tell which one paints.
        side: of model space, in pixels.
    Raises:
        UserError: if something cannot be had.
        OSError: if the system refuses.
    """
    controls, state = Controls(), State(options.view, options.mirror, models=models)

    def closing(thing):
        return stack.enter_context(contextlib.closing(thing))

    page = camera = window = None
    if options.serve is not None:
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
    if options.record:
        if options.record.is_file() and options.record.stat().st_size:
            print(f"replacing the earlier recording {options.record}")
        recorder.begin()
    if options.window and not has_screen():
        print("no screen here: going on without a window (as with --no-window)")
    elif options.window:
        height = PREVIEW_SCALE * side
        width, height = options.size or (2 * height, height)
        window = closing(Window(width, height, options.fullscreen))
    return Presenter(
        source, controls, state, recorder, window, page, camera, options.record_generated_only, options.label
    )


def _sound(
    stack: contextlib.ExitStack, options: OutputOptions, source: Source, file: Path | None
) -> OpenSound:
    """What gives each recording its sound: a microphone, which goes on, or the file's own from there."""
    if options.microphone is not None:
        if not source.live:
            raise cli.UserError(f"--microphone is for cameras and streams, got {source.name}")
        microphone = Microphone(options.microphone or None, source.clock)
        stack.enter_context(contextlib.closing(microphone))
        return lambda: contextlib.nullcontext(microphone)
    if file is not None and not source.live and has_sound(file):
        return lambda: contextlib.closing(FileSound(file))
    return contextlib.nullcontext
