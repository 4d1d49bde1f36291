"""A virtual camera, which video calls can choose, that shows the generated face."""

import platform

import numpy as np

from face2face.cli import UserError
from face2face.face.crop import fit

WIDTH, HEIGHT = 640, 480
"""Of the camera's picture in pixels: a size that every program accepts."""

DRIVERS = {
    "Linux": "install v4l2loopback (Debian, Ubuntu: `sudo apt install v4l2loopback-dkms`)"
    " and load it: `sudo modprobe v4l2loopback exclusive_caps=1 card_label=face2face`",
    "Darwin": "install OBS (obsproject.com), and start and stop its virtual camera once",
    "Windows": "install OBS (obsproject.com), which brings its virtual camera",
}
"""What each system needs besides the package, by its name."""


class VirtualCamera:
    """A camera that shows what is written to it.

    Attributes:
        device: The name by which the system knows it.
    """

    def __init__(self, device: str | None, fps: float) -> None:
        """Open the device.

        Args:
            device: Its name, such as `/dev/video2`; None: the first one that can be opened.
            fps: Frames per second that it announces.

        Raises:
            UserError: If the driver is not installed, or the device cannot be had.
        """
        import pyvirtualcam

        try:
            self._camera = pyvirtualcam.Camera(WIDTH, HEIGHT, fps, device=device)
        except RuntimeError as error:
            wanted = f"virtual camera {device}" if device else "a virtual camera"
            reason = " ".join(str(error).split())
            hint = DRIVERS.get(platform.system(), "see the documentation of pyvirtualcam")
            raise UserError(f"{wanted} cannot be opened: {hint} ({reason})") from None
        self.device = self._camera.device

    def write(self, picture: np.ndarray) -> None:
        """Show uint8 (H, W, 3), RGB, as large as it fits, centred."""
        self._camera.send(np.ascontiguousarray(fit(picture, WIDTH, HEIGHT)))

    def close(self) -> None:
        """Free the device."""
        self._camera.close()
