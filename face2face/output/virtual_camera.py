"""The generated face as a camera that video calls can choose."""

import platform

import numpy as np

from face2face.cli import UserError
from face2face.face.crop import fit

WIDTH, HEIGHT = 640, 480
"""Of the camera's picture: every program that uses cameras takes it."""

DRIVERS = {
    "Linux": "install v4l2loopback (Debian, Ubuntu: `sudo apt install v4l2loopback-dkms`)"
    " and load it: `sudo modprobe v4l2loopback exclusive_caps=1 card_label=face2face`",
    "Darwin": "install OBS (obsproject.com), and start and stop its virtual camera once",
    "Windows": "install OBS (obsproject.com), which brings its virtual camera",
}
"""By system: what is needed beside the package."""


class VirtualCamera:
    """A camera that shows what is written to it. device: the name it is known by."""

    def __init__(self, device: str | None, fps: float):
        """device: a name as in `/dev/video2`, or None for the first that can be had.

        Raises:
            UserError: if the package or the driver is not installed, or the device cannot be had.
        """
        try:
            import pyvirtualcam
        except ImportError:
            raise UserError(
                "a virtual camera needs: pip install -r requirements-virtual-camera.txt"
            ) from None
        try:
            self._camera = pyvirtualcam.Camera(WIDTH, HEIGHT, fps, device=device)
        except RuntimeError as error:
            wanted = f"virtual camera {device}" if device else "a virtual camera"
            reason = " ".join(str(error).split())
            hint = DRIVERS.get(platform.system(), "see the documentation of pyvirtualcam")
            raise UserError(f"{wanted} cannot be opened: {hint} ({reason})") from None
        self.device = self._camera.device

    def write(self, picture: np.ndarray) -> None:
        """Send uint8 (H, W, 3), RGB, in the middle of the camera's picture."""
        self._camera.send(np.ascontiguousarray(fit(picture, WIDTH, HEIGHT)))

    def close(self) -> None:
        self._camera.close()
