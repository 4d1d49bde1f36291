"""The pipeline: stages at the same time, nothing lost from a file, nothing old from a camera, and its end."""

import threading
from collections.abc import Iterator

import pytest

from face2face.live.pipeline import MAX_WAITING, Pipeline

SECONDS = 30
"""That a test waits for another thread before it fails."""


def results(pipeline: Pipeline) -> list:
    return [result for result in pipeline if result is not None]


def running() -> set[str]:
    return {thread.name for thread in threading.enumerate() if thread is not threading.main_thread()}


def test_nothing_of_a_file_is_lost_and_all_comes_in_order():
    with Pipeline(iter(range(500)), (lambda x: x + 1, lambda x: 2 * x)) as pipeline:
        assert results(pipeline) == [2 * (i + 1) for i in range(500)]
    assert pipeline.dropped == 0


def test_the_stages_work_at_the_same_time():
    """The second on one item while the first is on the next: each waits for the other to be at work."""
    both = threading.Barrier(2, timeout=SECONDS)

    def first(i: int) -> int:
        if i > 0:
            both.wait()
        return i

    def second(i: int) -> int:
        if i < 5:
            both.wait()
        return i

    with Pipeline(iter(range(6)), (first, second)) as pipeline:
        assert results(pipeline) == list(range(6))


@pytest.mark.parametrize("concurrency", [1, 2])
@pytest.mark.parametrize("is_live", [False, True])
def test_only_so_many_frames_are_under_way(is_live, concurrency):
    """Of a file they are not even captured; of a camera, one waits that the next replaces."""
    captured, entered, most = 0, 0, 0

    def frames() -> Iterator[int]:
        nonlocal captured
        for i in range(300):
            captured += 1
            yield i

    def first(i: int) -> int:
        nonlocal entered
        entered += 1
        return i

    shown = 0
    with Pipeline(frames(), (first, lambda x: x), is_live, concurrency) as pipeline:
        for result in pipeline:
            if result is not None:
                # Whatever the others do meanwhile: what was begun and is not shown is bounded.
                most = max(most, (entered if is_live else captured) - shown)
                shown += 1
    assert 1 <= most <= MAX_WAITING + concurrency
    assert shown + pipeline.dropped == 300


def test_a_camera_drops_the_oldest_frame():
    """While the first stage is busy with frame 0, frames 1 to 9 come: 9 is next."""
    all_came, taken = threading.Event(), threading.Event()

    def frames() -> Iterator[int]:
        yield 0
        assert taken.wait(SECONDS)
        yield from range(1, 10)
        all_came.set()

    def busy(i: int) -> int:
        if i == 0:
            taken.set()
            assert all_came.wait(SECONDS)
        return i

    with Pipeline(frames(), (busy,), is_live=True) as pipeline:
        assert results(pipeline) == [0, 9]
        assert pipeline.dropped == 8


def test_the_last_stage_is_not_held_up_by_a_silent_source():
    """It gets None again and again, and can serve its window."""
    goes_on = threading.Event()

    def frames() -> Iterator[int]:
        yield 1
        assert goes_on.wait(SECONDS)
        yield 2

    got = []
    with Pipeline(frames(), (lambda x: x,), is_live=True) as pipeline:
        for result in pipeline:
            got.append(result)
            if got.count(None) == 3:
                goes_on.set()
    assert [result for result in got if result is not None] == [1, 2] and got.count(None) >= 3


@pytest.mark.parametrize("place", [0, 1, 2], ids=["capture", "first", "second"])
def test_an_error_comes_after_the_results_before_it_and_ends_all_threads(place):
    def failing(at: int):
        def stage(i: int) -> int:
            if at == place and i == 4:
                raise OSError(f"no disk {i}")
            return i

        return stage

    got = []
    with (
        pytest.raises(OSError, match="no disk 4"),
        Pipeline(map(failing(0), range(100)), (failing(1), failing(2))) as pipeline,
    ):
        for result in pipeline:
            got.append(result)
    assert [result for result in got if result is not None] == [0, 1, 2, 3]
    assert not {name for name in running() if name == "capture" or name.startswith("stage")}


def test_whoever_leaves_early_leaves_no_threads():
    with Pipeline(iter(range(10**9)), (lambda x: x, lambda x: x)) as pipeline:
        for result in pipeline:
            if result == 10:
                break
    assert not {name for name in running() if name == "capture" or name.startswith("stage")}
