"""The limit on open connections to the page, and which one is closed for a new one."""

import contextlib
import socket
import threading
import time
from dataclasses import dataclass

MOST_CONNECTIONS = 64
MOST_OF_ONE_ADDRESS = 32
MOST_STREAMS = 16
MOST_STREAMS_OF_ONE_ADDRESS = 8


@dataclass
class _Connection:
    """An open connection.

    Attributes:
        address: The client's.
        since: `time.monotonic()` when the client's present request, or its answer, began.
        is_stream: Whether it is answered by a stream.
    """

    address: str
    since: float
    is_stream: bool = False


class Connections:
    """The open connections. A new one is always admitted; if there are too many, another one is closed.

    That is the one whose present request or answer began first: its client sends nothing, or sends or reads
    slowly, since an ordinary request takes milliseconds. Streams last, so they are never closed for another
    connection; instead, fewer streams than connections are admitted, so that some are left for requests. The
    limits for one address are below those for all, so that one other machine cannot take all connections.
    On the loopback all clients have one address; there the limit of streams keeps connections for requests.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._places: dict[socket.socket, _Connection] = {}

    def __len__(self) -> int:
        return len(self._places)

    def enter(self, connection: socket.socket, address: str) -> None:
        """Add a connection of a client's address; at the limit, close another one for it."""
        with self._lock:
            own = [each for each, place in self._places.items() if place.address == address]
            if len(own) >= MOST_OF_ONE_ADDRESS:
                self._close_oldest(own)
            elif len(self._places) >= MOST_CONNECTIONS:
                self._close_oldest(list(self._places))
            self._places[connection] = _Connection(address, time.monotonic())

    def _close_oldest(self, connections: list[socket.socket]) -> None:
        candidates = [each for each in connections if not self._places[each].is_stream]
        oldest = min(candidates, key=lambda each: self._places[each].since)
        del self._places[oldest]
        _shut(oldest, socket.SHUT_RDWR)  # its thread reads the end, or fails to write, and closes it

    def step(self, connection: socket.socket) -> None:
        """Note that a request of a connection begins, or its answer."""
        with self._lock:
            if connection in self._places:
                self._places[connection].since = time.monotonic()

    def stream(self, connection: socket.socket) -> bool:
        """Make a connection a stream.

        Returns:
            Whether there are not too many streams already.
        """
        with self._lock:
            place = self._places.get(connection)
            if place is None:  # it has just been closed for another one
                return False
            streams = [each.address for each in self._places.values() if each.is_stream]
            if len(streams) >= MOST_STREAMS or streams.count(place.address) >= MOST_STREAMS_OF_ONE_ADDRESS:
                return False
            place.is_stream = True
            return True

    def leave(self, connection: socket.socket) -> None:
        """Remove a connection, if it is still there."""
        with self._lock:
            self._places.pop(connection, None)

    def end_reading(self) -> None:
        """End the wait for every client's next request; answers that are being sent go on."""
        with self._lock:
            for connection in self._places:
                _shut(connection, socket.SHUT_RD)


def _shut(connection: socket.socket, how: int) -> None:
    with contextlib.suppress(OSError):  # the client has closed it already
        connection.shutdown(how)
