"""What the outputs that show the live picture have in common."""

from typing import Protocol

import numpy as np


class Output(Protocol):
    """Shows the newest picture until it is closed: the window, the page, the virtual camera.

    `Recorder` is no such output: it needs each picture's time, and begins and ends while the program runs.
    """

    def write(self, picture: np.ndarray) -> None:
        """Show uint8 (H, W, 3), RGB, in place of the last picture."""

    def close(self) -> None:
        """Free the device, the port or the window."""
