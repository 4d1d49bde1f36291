"""How steady a painted video is: warping error by optical flow, and a head that pumps or swims by itself."""

from collections.abc import Sequence

import cv2
import numpy as np

from face2face.face.geometry import interocular_distance

_STABLE = [*range(27, 31), 36, 39, 42, 45]
"""The points that no expression moves: the bridge of the nose and the corners of the eyes."""


def warping_error(before: np.ndarray, after: np.ndarray) -> float:
    """Mean absolute change from one picture to the next where motion is undone (Lai et al., 2018).

    The flow is DIS optical flow (Kroeger et al., 2016). Pixels count that are not occluded by the
    forward-backward check of Ruder et al. (2016), which Lai et al. use.

    Args:
        before: uint8 (S, S, 3), RGB.
        after: Likewise.

    Returns:
        In [0, 255]; NaN if every pixel is occluded.
    """
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    grey_before, grey_after = (cv2.cvtColor(each, cv2.COLOR_RGB2GRAY) for each in (before, after))
    backward = flow.calc(grey_after, grey_before, None)
    forward = flow.calc(grey_before, grey_after, None)
    rows, columns = np.indices(grey_after.shape, dtype=np.float32)
    x, y = columns + backward[..., 0], rows + backward[..., 1]
    forward = cv2.remap(forward, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    warped = cv2.remap(before, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    lengths = (forward**2).sum(axis=-1) + (backward**2).sum(axis=-1)
    visible = ((forward + backward) ** 2).sum(axis=-1) <= 0.01 * lengths + 0.5
    visible &= (x >= 0) & (y >= 0) & (x <= after.shape[1] - 1) & (y <= after.shape[0] - 1)
    change = cv2.absdiff(after, warped).mean(axis=-1)
    return float(change[visible].mean()) if visible.any() else float("nan")


def own_motion(cause: Sequence[np.ndarray], painted: Sequence[np.ndarray]) -> dict[str, float]:
    """How much a painted head changes scale and place where neither a cause nor time explains it.

    The logarithm of the scale is regressed on that of the cause and on time, each coordinate of the centre on
    the centre of the cause and on time. What is left over is the head's own.

    Args:
        cause: float (68, 2) each, the landmarks of the driver or of the drawing in successive frames. The
            driver's are not all of the drawing's motion: that of the head is bounded.
        painted: float (68, 2) each, the painted face's landmarks in the same frames.

    Returns:
        "pumping": standard deviation of the scale, in percent; "swim": root mean square distance of the
        centre, in percent of the interocular distance. NaN if there are fewer than ten frames.
    """
    if len(cause) < 10:
        return {"pumping": float("nan"), "swim": float("nan")}
    (scale, centre), (own_scale, own_centre) = (_pose(np.array(each)) for each in (cause, painted))
    interocular = np.mean([float(interocular_distance(points)) for points in painted])
    pumping = _unexplained(own_scale[:, None], scale[:, None]).std()
    swim = np.sqrt((_unexplained(own_centre, centre) ** 2).sum(axis=1).mean()) / interocular
    return {"pumping": 100 * float(pumping), "swim": 100 * float(swim)}


def _pose(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Logarithm of the scale, float (N,), and centre, float (N, 2), of faces, float (N, 68, 2)."""
    rigid = points[:, _STABLE].astype(np.float64)
    centre = rigid.mean(axis=1)
    return np.log(((rigid - centre[:, None]) ** 2).sum(axis=(1, 2))) / 2, centre


def _unexplained(series: np.ndarray, causes: np.ndarray) -> np.ndarray:
    """What is left of series, float (N, K), after linear regression on causes, float (N, M), and time."""
    causes = causes - causes.mean(axis=0)
    known = np.column_stack([np.ones(len(series)), np.linspace(-1, 1, len(series)), causes])
    return series - known @ np.linalg.lstsq(known, series, rcond=None)[0]
