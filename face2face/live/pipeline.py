"""Stages that work at the same time, each in a thread of its own, joined by queues of length one.

Whoever waits for the result is the last stage: a window has to be served by the main thread.

Files block: nothing is read before there is room for it, and no frame is lost. A live source never waits: the
oldest frame makes way for the newest, before any work was put into it. Either way only so many frames are
under way at a time, so that a frame is not older on the screen than a little more than its stages took.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

MAX_WAITING = 2
"""Frames that were captured, and are not shown yet, beside those that the slowest stage works on. With that,
by Little's law, a frame waits for two frame times at the most."""

POLL_SECONDS = 0.03
"""How long the last stage waits for a result before it looks after the rest of its duties."""

_JOIN_SECONDS = 5.0
"""A camera that is silent may hold its thread for so long; then the program ends without it."""

_EMPTY, _END = object(), object()


@dataclass(frozen=True)
class _Failure:
    """What went wrong in a stage, in its place behind the frames before."""

    error: BaseException


class Pipeline:
    """Sends items through stages. Iterate over it: it yields each result, or None while there is none.

    dropped: how many items of a live source made way for newer ones.
    """

    def __init__(
        self, items: Iterator, stages: Sequence[Callable], is_live: bool = False, concurrency: int = 1
    ):
        """
        Args:
            items: `next` captures an item.
            stages: each takes what the one before gave, and gives no None.
            concurrency: how many items the slowest stage works on at the same time.
        """
        self.dropped = 0
        self._most = MAX_WAITING + concurrency
        self._items, self._stages, self._is_live = items, stages, is_live
        self._queues = [_EMPTY] * (len(stages) + 1)  # one before each stage, and one for the results
        self._under_way = 0
        self._is_stopped = False
        self._changed = threading.Condition()
        self._threads = [threading.Thread(target=self._capture, name="capture", daemon=True)]
        self._threads += [
            threading.Thread(target=self._work, args=(place,), name=f"stage {place + 1}", daemon=True)
            for place in range(len(stages))
        ]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        """End all threads, whatever they are at."""
        with self._changed:
            self._is_stopped = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(_JOIN_SECONDS)

    def __iter__(self) -> Iterator:
        """Raises: what a stage raised, once all results before it were yielded."""
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
                with self._changed:  # it is shown now
                    self._under_way -= 1
                    self._changed.notify_all()

    def _capture(self) -> None:
        """The first thread: everything that `items` yields, into the first queue."""
        while not self._is_stopped:
            if not self._is_live:
                self._begin_one(self._most)
            try:
                item = next(self._items, _END)
            except BaseException as error:  # it is raised again where the results are awaited
                item = _Failure(error)
            is_last = item is _END or isinstance(item, _Failure)
            self._put(0, item, may_replace=self._is_live and not is_last)
            if is_last:
                return

    def _work(self, place: int) -> None:
        """The thread of a stage."""
        item = None
        while item is not _END and not isinstance(item, _Failure):
            if self._is_live and place == 0:  # one more is in the queue before
                self._begin_one(self._most - 1)
            with self._changed:
                self._changed.wait_for(lambda: self._is_stopped or self._queues[place] is not _EMPTY)
                if self._is_stopped:
                    return
                item = self._take(place)
            if item is not _END and not isinstance(item, _Failure):
                try:
                    item = self._stages[place](item)
                except BaseException as error:
                    item = _Failure(error)
            self._put(place + 1, item)

    def _begin_one(self, limit: int) -> None:
        """Wait until fewer frames than `limit` are under way, and count one more."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_stopped or self._under_way < limit)
            self._under_way += 1

    def _put(self, place: int, item, may_replace: bool = False) -> None:
        with self._changed:
            if may_replace and self._queues[place] is not _EMPTY:
                self.dropped += 1
            elif not may_replace:
                self._changed.wait_for(lambda: self._is_stopped or self._queues[place] is _EMPTY)
            self._queues[place] = item
            self._changed.notify_all()

    def _take(self, place: int):
        item, self._queues[place] = self._queues[place], _EMPTY
        self._changed.notify_all()
        return item
