"""PortAudio, by sounddevice: its import, and messages about devices that cannot be used."""

import contextlib
import ctypes
import ctypes.util
from typing import Any

from face2face import cli, loading
from face2face.cli import UserError

BLOCK_SECONDS = 0.02
"""Length of the blocks in which samples come and go."""

MAX_NUMBER = 2**31 - 1
"""Highest number of a device: PortAudio's integers have 32 bits."""

_INSTALL_PORTAUDIO = (
    "sound devices need the system's library PortAudio: install libportaudio2"
    " (Debian, Ubuntu: `sudo apt install libportaudio2`)"
)

_INSTALL_SOUNDDEVICE = "sound devices need sounddevice: python -m pip install -r requirements.txt"

_ErrorHandler = ctypes.CFUNCTYPE(
    None, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p
)
_IGNORE = _ErrorHandler(lambda *_: None)  # ALSA keeps only its address: it has to live as long as the process


def import_sounddevice() -> Any:
    """Import sounddevice, which loads PortAudio.

    Raises:
        UserError: If sounddevice or PortAudio is not installed.
    """
    try:
        with loading.quiet_stderr():  # ALSA writes its own lines
            import sounddevice
    except ImportError:
        raise UserError(_INSTALL_SOUNDDEVICE) from None
    except OSError:
        raise UserError(_INSTALL_PORTAUDIO) from None
    _quieten_alsa()
    return sounddevice


def _quieten_alsa() -> None:
    """Let ALSA write no lines of its own while devices run: on a busy machine each underrun is one."""
    if name := ctypes.util.find_library("asound"):
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(name).snd_lib_error_set_handler(_IGNORE)


def device_of(name: str | None) -> int | str | None:
    """What sounddevice takes for a device: its number, a part of its name, or None for the default.

    Raises:
        UserError: If no device can have that number.
    """
    if not name or not name.isdecimal():
        return name
    digits = name.lstrip("0") or "0"  # Python converts a limited number of them
    if len(digits) > len(str(MAX_NUMBER)) or int(digits) > MAX_NUMBER:
        raise UserError(f"expected a sound device's number of at most {MAX_NUMBER}, got {cli.shown(name)}")
    return int(digits)


def cannot_open(sounddevice: Any, name: str | None, kind: str, error: Exception) -> UserError:
    """The error of a device that cannot be opened, with the names of those that can be chosen.

    Args:
        sounddevice: The module.
        name: As the user gave it; None: the default.
        kind: "input" or "output".
        error: Why it cannot be opened.
    """
    names = [each["name"] for each in sounddevice.query_devices() if each[f"max_{kind}_channels"]]
    what = {"input": "microphone", "output": "sound output"}[kind]
    if not names:
        return UserError(f"expected a {what}, found none: is one plugged in?")
    reason = cli.shown(" ".join(str(error).split()))
    wanted = f"{what} '{name}'" if name is not None else f"the default {what}"
    return UserError(f"{wanted} cannot be opened ({reason}): expected one of {', '.join(names)}, or a number")
