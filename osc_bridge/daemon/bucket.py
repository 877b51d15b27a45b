"""Token buckets: how much a source may ask before it is passed over."""

from __future__ import annotations

from collections import OrderedDict

MAX_SOURCES = 1024  # remembered at once; the one silent longest is forgotten


class Bucket:
    """Lets every source through `rate` times a second, after a silence `burst` times at once."""

    def __init__(self, rate: float, burst: float) -> None:
        self.rate = rate
        self.burst = burst
        self._sources: OrderedDict[object, tuple[float, float]] = OrderedDict()  # tokens left, and when

    def take(self, source: object, now: float) -> bool:
        """Take one token of `source` at `now` seconds; False where none is left."""
        tokens, then = self._sources.get(source, (self.burst, now))
        tokens = min(self.burst, tokens + (now - then) * self.rate)
        self._sources[source] = (tokens - 1 if tokens >= 1 else tokens, now)
        self._sources.move_to_end(source)
        if len(self._sources) > MAX_SOURCES:
            self._sources.popitem(last=False)
        return tokens >= 1
