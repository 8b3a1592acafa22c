"""Publishing: what is published is received, by topic, in order, and the last word is why it ended."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from tidemill.contact.keys import SERVER_PUBLIC, create_keys
from tidemill.network.exceptions import ClientError, ClientTimeout, WorkflowStopped
from tidemill.network.subscriber import WorkflowSubscriber


async def publish_until(server, ready: threading.Event) -> None:
    """Publish a first message until the subscriber has it: subscriptions take effect after a while."""
    while not ready.is_set():
        server.publisher.publish(("hello", b""))
        await asyncio.sleep(0.01)


async def test_topics_and_payloads_arrive_in_order(serve) -> None:
    """A blocking subscriber gets what it asked for, as sent, and the reason of the end."""
    server = await serve()
    ready = threading.Event()

    def listen() -> list[tuple[str, bytes]]:
        with WorkflowSubscriber("one", ["hello", "job", "all"]) as subscriber:
            received = []
            for topic, payload in subscriber:
                ready.set()
                if topic != "hello":
                    received.append((topic, payload))
            assert subscriber.receive() is None
            return received

    listening = asyncio.create_task(asyncio.to_thread(listen))
    await publish_until(server, ready)
    server.publisher.publish(("job", b"1"), ("jobs", b"not asked for"), ("all", b"\x00\xff"), ("job", b"2"))
    await server.stop("REQUEST(NOW)")
    assert await listening == [
        ("job", b"1"),
        ("all", b"\x00\xff"),
        ("job", b"2"),
        ("shutdown", b"REQUEST(NOW)"),
    ]


async def test_the_same_for_asyncio(serve) -> None:
    """An asynchronous subscriber to everything gets everything."""
    server = await serve()
    ready = threading.Event()
    received = []

    async def listen() -> None:
        with WorkflowSubscriber("one") as subscriber:
            async for topic, payload in subscriber:
                ready.set()
                if topic != "hello":
                    received.append((topic, payload))

    listening = asyncio.create_task(listen())
    await publish_until(server, ready)
    server.publisher.publish(*[("all", b"%d" % n) for n in range(500)])
    await server.stop("done")
    await listening
    assert received == [*[("all", b"%d" % n) for n in range(500)], ("shutdown", b"done")]


async def test_a_subscriber_that_does_not_read_holds_up_nobody(serve) -> None:
    """Publishing far more than a subscriber takes neither blocks nor fails."""
    server = await serve()
    ready = threading.Event()
    with WorkflowSubscriber("one") as subscriber:
        publishing = asyncio.create_task(publish_until(server, ready))
        assert await asyncio.to_thread(subscriber.receive, 5) == ("hello", b"")
        ready.set()
        await publishing
        began = time.monotonic()
        for _ in range(3000):
            server.publisher.publish(("all", b"x" * 1000))
        assert time.monotonic() - began < 5
        assert await asyncio.to_thread(subscriber.receive, 5) is not None


async def test_an_unknown_key_hears_nothing(serve, tmp_path) -> None:
    """A subscriber with keys of another run is told that authentication failed."""
    server = await serve()
    others = tmp_path / "others"
    create_keys(others)
    with (
        WorkflowSubscriber("one", srv_public_key_loc=others / SERVER_PUBLIC) as subscriber,
        pytest.raises(ClientError, match="Authentication failed"),
    ):
        await asyncio.to_thread(subscriber.receive, 5)
    assert server.publisher is not None


async def test_nothing_published_and_nothing_running(serve) -> None:
    """Silence is a timeout; a workflow that is not running is said to be stopped."""
    await serve()
    with WorkflowSubscriber("one") as subscriber, pytest.raises(ClientTimeout, match="Nothing was published"):
        await asyncio.to_thread(subscriber.receive, 0.1)
    with pytest.raises(WorkflowStopped):
        WorkflowSubscriber("two")
