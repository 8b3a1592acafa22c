"""Times as the text people read in logs and in ``log/db``."""

from __future__ import annotations

import calendar
import re
import time as _time


class TimeText:
    """Turns epoch seconds into ``2026-11-22T02:17:18Z``, whole seconds, remembering what it made.

    With `utc` False the machine's time zone is used: ``2026-11-22T03:17:18+01:00``.
    """

    __slots__ = ("_texts", "utc")

    def __init__(self, *, utc: bool = True) -> None:
        self.utc = utc
        self._texts: dict[int, str] = {}

    def __call__(self, time: float) -> str:
        second = int(time // 1)
        text = self._texts.get(second)
        if text is None:
            if len(self._texts) > 4096:
                self._texts.clear()
            text = self._texts[second] = _format(second, self.utc)
        return text


def _format(second: int, utc: bool) -> str:
    moment = _time.gmtime(second) if utc else _time.localtime(second)
    offset_minutes = (moment.tm_gmtoff or 0) // 60
    zone = "Z"
    if offset_minutes:
        hours, minutes = divmod(abs(offset_minutes), 60)
        zone = f"{'+' if offset_minutes > 0 else '-'}{hours:02d}:{minutes:02d}"
    return _time.strftime("%Y-%m-%dT%H:%M:%S", moment) + zone


_TEXT = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:Z|([+-])(\d\d):?(\d\d)?)?$")


def parse_time(text: str | None) -> float | None:
    """Return the epoch seconds that a `TimeText` stands for; None for None or for other text."""
    match = _TEXT.match(text) if text else None
    if match is None:
        return None
    seconds = calendar.timegm((*(int(part) for part in match.groups()[:6]), 0, 0, 0))
    sign, hours, minutes = match.groups()[6:]
    if sign:
        offset_seconds = int(hours) * 3600 + int(minutes or 0) * 60
        seconds -= offset_seconds if sign == "+" else -offset_seconds
    return float(seconds)
