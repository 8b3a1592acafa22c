"""How requests share a thread with the work they ask about."""

from __future__ import annotations

import pytest

from tidemill.network.allowance import LONGEST_PAUSE_SECONDS, SHARE, Allowance


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_without_other_work_there_is_no_pause() -> None:
    """In an idle scheduler one slice follows the other."""
    clock = Clock()
    allowance = Allowance(clock)
    for _ in range(10):
        assert allowance.begin(is_at_work=False) == 0
        clock.now += 0.002
        allowance.end()


def test_with_other_work_requests_get_their_share_of_the_time() -> None:
    """While there is other work, slices of 2 ms take 15 % of the time."""
    clock = Clock()
    allowance = Allowance(clock)
    served = 0
    while clock.now < 102.0:
        pause = allowance.begin(is_at_work=True)
        clock.now += pause or 0.002
        if not pause:
            served += 1
            allowance.end()
    assert served * 0.002 / 2.0 == pytest.approx(SHARE, rel=0.05)


def test_a_pause_ends_with_the_other_work_and_is_never_long() -> None:
    """A request that took a second is followed by a short pause, and by none once the work is done."""
    clock = Clock()
    allowance = Allowance(clock)
    assert allowance.begin(is_at_work=True) == 0
    clock.now += 1.0
    allowance.end()
    assert allowance.begin(is_at_work=True) == pytest.approx(LONGEST_PAUSE_SECONDS)
    assert allowance.begin(is_at_work=False) == 0
