"""The rate limit of each key: a bucket of requests that fills up over a minute."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from core.settings import get_settings

_MOST_KEYS: Final = 10_000


class RateLimit:
    """Counts the requests of keys in this process. The limit is the setting `api_rate`, read at every request."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # requests left, at which moment

    def wait_s(self, key_id: str) -> float:
        """Count a request; 0 if it may pass, else the seconds until the next one may."""
        limit = get_settings().api_rate
        if not limit:
            return 0.0
        per_s, now = limit / 60, self._clock()
        left, then = self._buckets.pop(key_id, (float(limit), now))
        left = min(left + (now - then) * per_s, float(limit))
        self._buckets[key_id] = (left - 1 if left >= 1 else left, now)
        while len(self._buckets) > _MOST_KEYS:
            self._buckets.popitem(last=False)
        return 0.0 if left >= 1 else (1 - left) / per_s
