"""What can go wrong in playing a workflow."""

from __future__ import annotations

from ..exceptions import TidemillError


class PlayError(TidemillError):
    """The workflow could not be played."""


class SchedulerAlive(PlayError):
    """A scheduler of this workflow is running already."""


class CommandFailed(TidemillError):
    """A command could not be carried out."""


class NothingDone(CommandFailed):
    """A command made sense, but when it was its turn there was nothing it could do."""

    kind = "idle"
    """What a client is told beside the message."""


class CommandUndecided(CommandFailed):
    """The scheduler stops before it has looked at the command: it may be sent again, to the next."""


class PreviewFailed(TidemillError):
    """What a command would do could not be worked out."""


class AccessDenied(TidemillError):
    """The user may not do that."""
