"""Stages that run at the same time, each in a thread of its own, joined by queues of length one.

The thread that iterates over the results is the last stage: on some systems only the main thread may serve
a window.

A file waits: nothing is read before there is room for it, and no frame is lost. A live source never waits:
the newest frame replaces the one that no stage has begun yet. In both cases the number of frames under way
is bounded, so that a frame on the screen is only a little older than the time that its stages took.
"""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from face2face.generator import interruptible

MAX_WAITING = 2
"""Frames that were captured and are not shown yet, in addition to those that the slowest stage works on.
With this bound a frame waits for at most two frame times (Little's law)."""

POLL_SECONDS = 0.03
"""After this time without a result the iteration yields None: its thread has other tasks."""

_JOIN_SECONDS = 5.0
"""How long the end waits for a thread. A silent camera may hold its thread longer; the program ends without
it."""

_EMPTY, _END = object(), object()  # in a queue: there is nothing; nothing more will come


class Stage(Protocol):
    """One step of the pipeline. It takes what the step before returned, and never returns None."""

    def __call__(self, item: Any, /) -> Any:
        """Process an item, and return what the next stage takes."""


@dataclass(frozen=True)
class _Failure:
    """An error of a stage. It queues behind the results that were there before it."""

    error: BaseException


class Pipeline:
    """Sends items through stages. Iterating over it yields each result, and None while there is none.

    A context manager: entering it starts the threads, leaving it ends them.

    Attributes:
        dropped: How many items of a live source were replaced by newer ones.
    """

    def __init__(
        self, items: Iterator[Any], stages: Sequence[Stage], is_live: bool = False, concurrency: int = 1
    ) -> None:
        """Connect the stages; nothing runs yet.

        Args:
            items: Each `next` captures an item.
            is_live: Whether the source goes on while nobody takes its items.
            concurrency: How many items the slowest stage works on at the same time.
        """
        self.dropped = 0
        self._limit = MAX_WAITING + concurrency
        self._items, self._stages, self._is_live = items, stages, is_live
        self._queues = [_EMPTY] * (len(stages) + 1)  # one before each stage, and one for the results
        self._under_way = 0
        self._is_stopped = False
        self._changed = threading.Condition()
        self._threads = [threading.Thread(target=self._capture, name="capture", daemon=True)]
        self._threads += [
            threading.Thread(target=self._work, args=(index,), name=f"stage {index + 1}", daemon=True)
            for index in range(len(stages))
        ]

    def __enter__(self) -> "Pipeline":
        for thread in self._threads:
            interruptible.end_without(thread)  # a signal may come before `__exit__` is sure to be called
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End all threads, whatever they are doing."""
        with self._changed:
            self._is_stopped = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(_JOIN_SECONDS)

    def __iter__(self) -> Iterator[Any]:
        """Yield the results, and None while there is none.

        Raises:
            BaseException: What a stage raised, after all results before it.
        """
        last = len(self._stages)
        while True:
            with self._changed:
                if not self._changed.wait_for(lambda: self._queues[last] is not _EMPTY, POLL_SECONDS):
                    result = None
                else:
                    result = self._take(last)
            if result is _END:
                return
            if isinstance(result, _Failure):
                raise result.error
            yield result
            if result is not None:
                with self._changed:  # the caller has shown it
                    self._under_way -= 1
                    self._changed.notify_all()

    def _capture(self) -> None:
        """The first thread: puts everything that `items` yields into the first queue."""
        while not self._is_stopped:
            if not self._is_live:
                self._begin_one(self._limit)
            try:
                item = next(self._items, _END)
            except BaseException as error:  # it is raised again where the results are awaited
                item = _Failure(error)
            is_last = item is _END or isinstance(item, _Failure)
            self._put(0, item, may_replace=self._is_live and not is_last)
            if is_last:
                return

    def _work(self, index: int) -> None:
        """The thread of a stage: takes from the queue before it, and puts into the one after it."""
        item = None
        while item is not _END and not isinstance(item, _Failure):
            if self._is_live and index == 0:  # one more item waits in the queue before this stage
                self._begin_one(self._limit - 1)
            with self._changed:
                self._changed.wait_for(lambda: self._is_stopped or self._queues[index] is not _EMPTY)
                if self._is_stopped:
                    return
                item = self._take(index)
            if item is not _END and not isinstance(item, _Failure):
                try:
                    item = self._stages[index](item)
                except BaseException as error:
                    item = _Failure(error)
            self._put(index + 1, item)

    def _begin_one(self, limit: int) -> None:
        """Wait until fewer items than `limit` are under way, and count one more."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_stopped or self._under_way < limit)
            self._under_way += 1

    def _put(self, index: int, item: Any, may_replace: bool = False) -> None:
        """Put an item into a queue once there is room, or in place of the one that is there."""
        with self._changed:
            if may_replace and self._queues[index] is not _EMPTY:
                self.dropped += 1
            elif not may_replace:
                self._changed.wait_for(lambda: self._is_stopped or self._queues[index] is _EMPTY)
            self._queues[index] = item
            self._changed.notify_all()

    def _take(self, index: int) -> Any:
        """Take the item out of a queue."""
        item, self._queues[index] = self._queues[index], _EMPTY
        self._changed.notify_all()
        return item
