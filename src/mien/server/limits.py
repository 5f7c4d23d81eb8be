"""How often somebody may ask."""

from __future__ import annotations

import ipaddress
import threading
import time
from collections.abc import Callable

__all__ = ["Rate", "network"]

_MOST = 10_000


class Rate:
    """Requests at a steady rate, and some at once, for each of many holders.

    A token bucket, kept as the time at which it will be full again (the generic cell rate algorithm, ITU-T I.371): one
    number a holder, and nothing that has to run beside requests.

    Args:
        a_minute: Requests a minute; 0 for no limit.
        burst: Requests at once.
        clock: Seconds.
    """

    def __init__(self, a_minute: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._a_minute = a_minute
        self._burst = burst
        self._clock = clock
        self._full: dict[str, float] = {}
        self._lock = threading.Lock()

    def taken(self, holder: str, own: float | None = None) -> float:
        """Count a request; returns 0, or after how many seconds it may be sent again: then it does not count.

        Args:
            holder: Whose it is.
            own: Requests a minute of this holder's own, and never more of them at once than in a minute; None for as
                many as everybody's.
        """
        a_minute, burst = (self._a_minute, self._burst) if own is None else (own, min(self._burst, own))
        if a_minute <= 0:
            return 0.0
        seconds = 60 / a_minute
        room = seconds * (burst - 1)
        with self._lock:
            now = self._clock()
            full = max(now, self._full.get(holder, now))
            # A hair's breadth: who waited as long as they were told must not wait again for a rounding error.
            if full - now > room + 1e-6:
                return full - now - room
            self._full[holder] = full + seconds
            if len(self._full) > _MOST:
                self._forget(now)
        return 0.0

    def _forget(self, now: float) -> None:
        """Forget who has waited long enough, and then those who are nearest to it: memory has an end."""
        left = sorted((full, holder) for holder, full in self._full.items() if full > now)
        self._full = {holder: full for full, holder in left[-_MOST // 2 :]}


def network(address: str | None) -> str:
    """Whose an address is: of IPv6 the /64, of which everybody has as many addresses as they like."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return address or ""
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is None:
        return str(ipaddress.IPv6Network((parsed, 64), strict=False))
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)
