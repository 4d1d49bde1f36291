"""The delay line between the microphone and what is played: samples in, later samples out."""

import numpy as np

from face2face.output.delayed_microphone import DelayLine
from face2face.output.sound import RATE
from tests.live.test_delayed_microphone import noise

BLOCK = 960


def read_all(line: DelayLine, sound: np.ndarray, delays: list[float], lead: int = 0) -> np.ndarray:
    """Add and read block by block; each block is read as soon as it is there.

    Args:
        line: The delay line.
        sound: float32 (n,), whose first sample is at second 0.
        delays: Of each block, in seconds.
        lead: Samples that are there earlier than they are read.

    Returns:
        float32 (n,), what was read.
    """
    read = []
    if lead:
        line.add(0.0, sound[None, :lead])
    for place, delay in zip(range(0, len(delays) * BLOCK, BLOCK), delays, strict=True):
        line.add((place + lead) / RATE, sound[None, place + lead : place + lead + BLOCK])
        read.append(line.read(place / RATE - delay, BLOCK)[0])
    return np.concatenate(read)


def test_a_delay_is_kept_to_the_sample():
    sound = noise(2.0)
    read = read_all(DelayLine(1), sound, [0.1] * 90)
    late = round(0.1 * RATE)
    np.testing.assert_array_equal(read[late:], sound[: 90 * BLOCK - late])
    assert not read[:late].any()


def test_small_changes_of_the_delay_are_not_followed_and_large_ones_are_faded_to():
    sound = np.sin(2 * np.pi * 200 * np.arange(4 * RATE) / RATE).astype(np.float32)
    small = read_all(DelayLine(1), sound, [0.1] * 40 + [0.115] * 40)
    np.testing.assert_array_equal(small, read_all(DelayLine(1), sound, [0.1] * 80))
    large = read_all(DelayLine(1), sound, [0.1] * 40 + [0.3025] * 80)
    late = round(0.3025 * RATE)
    np.testing.assert_allclose(large[60 * BLOCK :], sound[60 * BLOCK - late : 120 * BLOCK - late], atol=1e-6)
    steps = np.abs(np.diff(large[10 * BLOCK :]))
    assert steps.max() < 1.2 * 2 * np.pi * 200 / RATE  # no click: a jump would be of up to 1


def test_a_delay_that_cannot_be_reached_is_the_shortest_and_steady():
    sound = noise(2.0)
    read = read_all(DelayLine(1), sound, [0.0] * 80, lead=BLOCK // 2)
    (late,) = {
        int(
            np.argmax(
                [np.dot(read[at : at + BLOCK], sound[at - d : at - d + BLOCK]) for d in range(3 * BLOCK)]
            )
        )
        for at in (10 * BLOCK, 40 * BLOCK, 78 * BLOCK)
    }
    assert 0 < late <= 3 * BLOCK


def test_a_microphone_that_is_lost_ends_in_silence():
    line, sound = DelayLine(1), noise(1.0)
    late = round(0.1 * RATE)
    heard = read_all(line, sound, [0.1] * 50)
    after = [line.read(1.0 + at * BLOCK / RATE - 0.1, BLOCK)[0] for at in range(100)]
    np.testing.assert_array_equal(np.concatenate([heard, *after[:5]])[late:], sound)  # up to its last sample
    assert not np.any(after[8:])


def test_without_samples_there_is_silence():
    assert not DelayLine(2).read(0.0, BLOCK).any()
