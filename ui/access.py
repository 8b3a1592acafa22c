"""Who is let in: a token that is good once buys a session, and only pages of the gateway itself may use a session."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from urllib.parse import urlsplit

MOST_SESSIONS = 1000


class Access:
    """Tokens not yet used, and sessions."""

    def __init__(self) -> None:
        self._tokens: set[str] = set()
        self._sessions: dict[str, None] = {}
        self.cookie = "tidemill"

    def new_token(self) -> str:
        """A token, good for one session."""
        token = secrets.token_urlsafe(32)
        self._tokens.add(token)
        return token

    def redeem(self, token: str) -> str | None:
        """The session that a token buys; None if it is unknown or was used."""
        found = _find(token, self._tokens)
        if found is None:
            return None
        self._tokens.discard(found)
        session = secrets.token_urlsafe(32)
        self._sessions[session] = None
        while len(self._sessions) > MOST_SESSIONS:
            del self._sessions[next(iter(self._sessions))]
        return session

    def is_session(self, text: str | None) -> bool:
        """Whether this is a session that was bought."""
        return text is not None and _find(text, self._sessions) is not None

    def lets_in(self, headers: Mapping[str, str], cookies: Mapping[str, str]) -> bool:
        """Whether a request comes with a session, in its cookie or as ``Authorization: Bearer``."""
        return self.is_session(cookies.get(self.cookie)) or self.is_session(bearer(headers))


def _find(text: str, known: set[str] | dict[str, None]) -> str | None:
    # Compared in constant time: how long it takes tells nothing of what would have been right.
    found = None
    for one in known:
        if secrets.compare_digest(one.encode(), text.encode("utf-8", "replace")):
            found = one
    return found


def bearer(headers: Mapping[str, str]) -> str | None:
    """What ``Authorization: Bearer`` carries."""
    scheme, _, value = headers.get("authorization", "").partition(" ")
    return value.strip() if scheme.lower() == "bearer" else None


def is_own_page(headers: Mapping[str, str]) -> bool:
    """Whether a request comes from a page of this server, or from no page at all.

    Browsers send cookies to every port of a host: a page of another server here must not use them.
    """
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host")
