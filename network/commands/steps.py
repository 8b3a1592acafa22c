"""What a client does, as steps that ask and wait: written once, carried out by a thread or by an event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Generator
from typing import Any, NamedTuple, TypeVar

from ..client import Buffer

Value = TypeVar("Value")


class Ask(NamedTuple):
    """Send a request and go on with its answer, or the error it raises."""

    command: str
    arguments: dict[str, Any]
    seconds: float
    meta: dict[str, Any] | None = None
    attachment: Buffer | None = None


class Pause(NamedTuple):
    """Go on some time later."""

    seconds: float


Steps = Generator[Ask | Pause, Any, Value]


def carry_out(steps: Steps[Value], ask: Callable[[Ask], Any]) -> Value:
    """Carry out steps in this thread."""
    try:
        step = next(steps)
        while True:
            if isinstance(step, Pause):
                time.sleep(step.seconds)
                step = steps.send(None)
                continue
            try:
                answer = ask(step)
            except Exception as error:
                step = steps.throw(error)
            else:
                step = steps.send(answer)
    except StopIteration as stop:
        value: Value = stop.value
        return value
    finally:
        steps.close()


async def carry_out_asynchronously(steps: Steps[Value], ask: Callable[[Ask], Awaitable[Any]]) -> Value:
    """Carry out steps in the running event loop."""
    try:
        step = next(steps)
        while True:
            if isinstance(step, Pause):
                await asyncio.sleep(step.seconds)
                step = steps.send(None)
                continue
            try:
                answer = await ask(step)
            except Exception as error:
                step = steps.throw(error)
            else:
                step = steps.send(answer)
    except StopIteration as stop:
        value: Value = stop.value
        return value
    finally:
        steps.close()
