"""The thread that waits for the disk, so that the one that answers and the one that runs models need not."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable

log = logging.getLogger("continuo")


class Writer:
    """Does what it is given, one thing after the other, in a thread of its own."""

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="files", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def put(self, call: Callable[[], None]) -> None:
        """Do it once all before it is done."""
        self._calls.put(call)

    def close(self, seconds: float) -> None:
        """End the thread once all is done, or leave it after so many seconds."""
        self._calls.put(None)
        if self._thread.is_alive():
            self._thread.join(seconds)

    def _work(self) -> None:
        while call := self._calls.get():
            try:
                call()
            except Exception:  # whatever becomes of one file, the next is written
                log.exception("the writer of files failed")
