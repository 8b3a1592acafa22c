"""Who may do what with a suite server: its white list and password files (ecFlow behaviour).

All this comes on top of the keys: who has none is not let in at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from attrs import define, field

from .exceptions import AccessDenied


@define
class WhiteList:
    """Users that may read, and those that may write too; with none of either, everybody may do everything."""

    writers: dict[str, tuple[str, ...]] = field(factory=dict)
    """Paths below which a user may write; none for everywhere."""
    readers: dict[str, tuple[str, ...]] = field(factory=dict)

    def check(self, user: str, name: str, paths: Sequence[str], *, is_change: bool) -> None:
        """Let a user's command pass, or raise `AccessDenied`.

        Arguments:
            user: who asks.
            name: the command.
            paths: the nodes it is about; none for the server.
            is_change: whether it changes anything.
        """
        if not self.writers and not self.readers:
            return
        allowed = _allowed(self.writers, user, paths)
        if not is_change:
            allowed = allowed or _allowed(self.readers, user, paths)
        if not allowed:
            need = "write" if is_change else "read"
            about = f" of {', '.join(paths)}" if paths else ""
            raise AccessDenied(
                f"[ authentication failed ] User {user} has no {need} access for --{name}{about}: "
                "not authorised. See the server's white list (ECF_LISTS)"
            )


def read_white_list(path: Path) -> WhiteList:
    """Read a white list; one that is not there, or is empty, lets everybody do everything.

    Raises:
        AccessDenied: a line makes no sense; the message says which.
    """
    found = WhiteList()
    try:
        lines = path.read_text().splitlines()
    except FileNotFoundError:
        return found
    except OSError as error:
        raise AccessDenied(f"{path} cannot be read: {error.strerror}") from error
    has_version = False
    for number, line in enumerate(lines, 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        if not has_version:
            if not words[0][0].isdigit():
                raise AccessDenied(f"{path}:{number}: the first line must be the version, such as 4.4.14, not '{line}'")
            has_version = True
            continue
        user = words[0]
        paths = tuple(place for word in words[1:] for place in word.split(",") if place)
        table = found.readers if user.startswith("-") else found.writers
        table[user.removeprefix("-")] = paths
    return found


@define
class Passwords:
    """The passwords of users, by name; with none, nobody needs one."""

    by_user: dict[str, str] = field(factory=dict)

    def check(self, user: str, password: str) -> None:
        """Let a user pass, or raise `AccessDenied`."""
        if self.by_user and self.by_user.get(user) != password:
            raise AccessDenied(f"[ authentication failed ] User {user}: wrong or missing password: not authorised")


def read_passwords(path: Path, host: str, port: int) -> Passwords:
    """Read a password file: a line with the version, then ``user host port password``.

    Raises:
        AccessDenied: a line makes no sense.
    """
    found = Passwords()
    try:
        lines = path.read_text().splitlines()
    except FileNotFoundError:
        return found
    except OSError as error:
        raise AccessDenied(f"{path} cannot be read: {error.strerror}") from error
    for number, line in enumerate(lines, 1):
        words = line.partition("#")[0].split()
        if not words or (len(words) == 1 and words[0][0].isdigit()):
            continue
        if len(words) != 4:
            raise AccessDenied(f"{path}:{number}: expected 'user host port password', not '{line}'")
        if words[1] == host and words[2] == str(port):
            found.by_user[words[0]] = words[3]
    return found


def _allowed(table: dict[str, tuple[str, ...]], user: str, paths: Sequence[str]) -> bool:
    for name in (user, "*"):
        below = table.get(name)
        if below is None:
            continue
        if not below or (paths and all(_is_below(path, below) for path in paths)):
            return True
    return False


def _is_below(path: str, places: tuple[str, ...]) -> bool:
    return any(path == place or path.startswith(f"{place}/") for place in places)
