"""Tells every subscriber what changed: topics and their bytes, without ever waiting for a slow one."""

from __future__ import annotations

import zmq

from ..contact.keys import KeyPair

SHUTDOWN_TOPIC = "shutdown"

_HIGH_WATER_MARK = 1000
_LINGER_MILLISECONDS = 1000


class WorkflowPublisher:
    """A publishing socket. A subscriber that falls more than 1000 messages behind loses the newest ones."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], keys: KeyPair) -> None:
        # An XPUB socket publishes as a PUB does, and tells besides that someone has subscribed.
        self.socket = context.socket(zmq.XPUB)
        self.socket.sndhwm = _HIGH_WATER_MARK
        self.socket.linger = _LINGER_MILLISECONDS
        self.socket.curve_server = True
        self.socket.curve_publickey = keys.public
        self.socket.curve_secretkey = keys.secret

    def subscriptions(self) -> int:
        """How many subscriptions have come since this was last asked."""
        new = 0
        while not self.socket.closed:
            try:
                new += self.socket.recv(zmq.NOBLOCK)[:1] == b"\x01"
            except zmq.ZMQError:
                break
        return new

    def publish(self, *messages: tuple[str, bytes]) -> None:
        """Send messages, each a topic and its payload, in order; never blocks.

        Subscribers see each as two frames: the topic in UTF-8, and the payload.
        """
        if self.socket.closed:
            return
        send = self.socket.send
        for topic, payload in messages:
            send(topic.encode(), zmq.SNDMORE | zmq.NOBLOCK)
            send(payload, zmq.NOBLOCK)

    def stop(self, reason: str) -> None:
        """Tell subscribers that this is the end, and why; then close."""
        self.publish((SHUTDOWN_TOPIC, reason.encode("utf-8", "replace")))
        self.socket.close()
