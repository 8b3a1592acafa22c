"""Whom to ask, as whom, and for how long: what ecFlow's client takes from the environment, and options before that."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import define, evolve, field

from .exceptions import ArgumentError

DEFAULT_HOST = "localhost"
DEFAULT_PORT = 3141
SHORTEST_TIMEOUT_SECONDS, LONGEST_TIMEOUT_SECONDS = 60, 86_400


@define(kw_only=True)
class Settings:
    """How to reach a server, and what a job knows of itself."""

    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    host_source: str = "default"
    port_source: str = "default"
    user: str = ""
    password: str = ""
    connect_timeout_seconds: int = 0
    """0: each command's own."""
    host_file: Path | None = None
    host_file_for_all: bool = False
    """Whether users' commands go to other hosts too, not only those of jobs."""
    path: str = ""
    job_password: str = ""
    process_id: str = ""
    try_number: int = 1
    timeout_seconds: int = LONGEST_TIMEOUT_SECONDS
    zombie_timeout_seconds: int = 43_200
    is_denied: bool = False
    """Give up, rather than wait, when the server cannot be reached or takes the job for a zombie."""
    is_off: bool = False
    """NO_ECF: contact nobody."""
    environment: Mapping[str, str] = field(factory=dict, repr=False)

    @property
    def where(self) -> str:
        """``host:port``."""
        return f"{self.host}:{self.port}"

    def with_options(self, options: Mapping[str, str]) -> Settings:
        """These, but for what ``--host``, ``--port``, ``--user``, ``--password`` and ``--rid`` say."""
        changed: dict[str, Any] = {}
        if "host" in options:
            changed |= {"host": options["host"], "host_source": "--host"}
        if "port" in options:
            changed |= {"port": port_number(options["port"]), "port_source": "--port"}
        if "rid" in options:
            changed["process_id"] = options["rid"]
        for name in ("user", "password"):
            if name in options:
                changed[name] = options[name]
        return evolve(self, **changed)


def settings_of(environment: Mapping[str, str] | None = None) -> Settings:
    """What the environment says; raises `ArgumentError` for a port that is no number."""
    given = os.environ if environment is None else environment
    settings = Settings(environment=given)
    for name in ("ECF_HOST", "ECF_NODE"):
        if given.get(name):
            settings.host, settings.host_source = given[name], name
            break
    if given.get("ECF_PORT"):
        settings.port, settings.port_source = port_number(given["ECF_PORT"], "ECF_PORT"), "ECF_PORT"
    settings.user = given.get("ECF_USER", "")
    settings.connect_timeout_seconds = _number(given, "ECF_CONNECT_TIMEOUT", 0)
    if given.get("ECF_HOSTFILE"):
        settings.host_file = Path(given["ECF_HOSTFILE"])
    settings.host_file_for_all = given.get("ECF_HOSTFILE_POLICY") == "all"
    settings.path = given.get("ECF_NAME", "")
    settings.job_password = given.get("ECF_PASS", "")
    settings.process_id = given.get("ECF_RID", "")
    settings.try_number = _number(given, "ECF_TRYNO", 1)
    settings.timeout_seconds = clamped(_number(given, "ECF_TIMEOUT", settings.timeout_seconds))
    settings.zombie_timeout_seconds = clamped(_number(given, "ECF_ZOMBIE_TIMEOUT", settings.zombie_timeout_seconds))
    settings.is_denied = "ECF_DENIED" in given
    settings.is_off = "NO_ECF" in given
    return settings


def port_number(text: str, source: str = "") -> int:
    """A port from text; raises `ArgumentError` in ecFlow's words."""
    try:
        return int(text)
    except ValueError:
        place = f" of {source}" if source else ""
        raise ArgumentError(
            f"ClientOptions::parse: The specified port({text}){place} must be convertible to an integer"
        ) from None


def other_hosts(path: Path, port: int) -> list[tuple[str, int]]:
    """The servers that ECF_HOSTFILE lists, ``host[:port]`` on each line; raises `ArgumentError`.

    Arguments:
        path: the file.
        port: for lines that name none.
    """
    found = []
    try:
        lines = path.read_text().splitlines()
    except OSError as error:
        raise ArgumentError(f"ECF_HOSTFILE {path} cannot be read: {error.strerror}") from error
    for line in lines:
        host, _, number = line.partition("#")[0].strip().partition(":")
        if host:
            found.append((host, port_number(number, str(path)) if number else port))
    return found


def _number(given: Mapping[str, str], name: str, default: int) -> int:
    text = given.get(name, "")
    return int(text) if text.strip().lstrip("+").isdecimal() else default


def clamped(seconds: int) -> int:
    """A timeout of jobs within its bounds."""
    return min(max(seconds, SHORTEST_TIMEOUT_SECONDS), LONGEST_TIMEOUT_SECONDS)
