"""What a system calls its cameras and microphones, where FFmpeg can ask it."""

import contextlib


def names(interface: str, kind: str) -> list[str]:
    """The devices of an interface ("dshow", "avfoundation", ...) for "video" or "audio", in its order.

    None if the interface is not there, or cannot tell.
    """
    import av

    with contextlib.suppress(AttributeError, ValueError, OSError, av.FFmpegError):
        return [each.name for each in av.enumerate_input_devices(interface) if kind in each.media_types]
    return []
