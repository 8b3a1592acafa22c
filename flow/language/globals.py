"""The site's and user's ``global.cylc``: where it is, and what of it applies."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct, field

from .items import task_event_items, workflow_event_items
from .preprocess import process
from .sections import parse_sections
from .source import read_source
from .specification import Item, compile_items, fill_defaults, validate
from .values import (
    BOOLEAN,
    INTEGER,
    INTEGER_LIST,
    INTERVAL,
    INTERVAL_LIST,
    SPACELESS_STRING_LIST,
    STRING,
    STRING_LIST,
)

VERSION = "8.5.4"
"""The Cylc version whose directories are searched."""

_EVENT_DEFAULTS: dict[str, Any] = {
    "stall timeout": 3600.0,
    "abort on stall timeout": True,
    "abort on workflow timeout": False,
    "abort on inactivity timeout": False,
    "restart timeout": 300.0,
}


def _with_defaults(items: list[Item], values: Mapping[str, Any]) -> list[Item]:
    return [
        Item(item.path, item.type, values[item.parts[-1]], item.meaning) if item.parts[-1] in values else item
        for item in items
    ]


_PLATFORM = "[platforms][<platform>]"
_SSH = "ssh -oBatchMode=yes -oConnectTimeout=10"

GLOBAL_ITEMS: tuple[Item, ...] = (
    Item("[hub]url", STRING, None, "Address of a hub for the web interface."),
    Item("[scheduler]UTC mode", BOOLEAN, False, "Default of the item of the same name in workflows."),
    Item("[scheduler]process pool size", INTEGER, 4, "Processes the scheduler runs at a time."),
    Item("[scheduler]process pool timeout", INTERVAL, 600.0, "Longest time one of them may run."),
    Item(
        "[scheduler]auto restart delay",
        INTERVAL,
        None,
        "Longest random delay before moving off a condemned host.",
    ),
    Item("[scheduler][run hosts]available", SPACELESS_STRING_LIST, [], "Hosts on which schedulers may start."),
    Item(
        "[scheduler][run hosts]ports",
        INTEGER_LIST,
        list(range(43001, 43102)),
        "Ports schedulers may listen on.",
    ),
    Item("[scheduler][run hosts]condemned", SPACELESS_STRING_LIST, [], "Hosts that schedulers should leave."),
    Item("[scheduler][run hosts]ranking", STRING, None, "Expression that ranks the available hosts."),
    Item("[scheduler][run hosts]process check timeout", INTERVAL, 10.0, "Longest time to look for a scheduler."),
    Item("[scheduler][host self-identification]method", STRING, "name", "How a host names itself."),
    Item(
        "[scheduler][host self-identification]target",
        STRING,
        "google.com",
        "Host used to find the own address.",
    ),
    Item("[scheduler][host self-identification]host", STRING, None, "The name itself, for method `hardwired`."),
    *_with_defaults(workflow_event_items("[scheduler][events]"), _EVENT_DEFAULTS),
    Item("[scheduler][mail]from", STRING, None, "Sender of mail about workflow events."),
    Item("[scheduler][mail]smtp", STRING, None, "Mail server."),
    Item("[scheduler][mail]to", STRING, None, "Receivers of mail about workflow events."),
    Item("[scheduler][mail]footer", STRING, None, "Text below every mail."),
    Item("[scheduler][mail]task event batch interval", INTERVAL, 300.0, "Task events are gathered this long."),
    Item(
        "[scheduler][main loop]plugins",
        STRING_LIST,
        ["health check", "reset bad hosts"],
        "Maintenance activities.",
    ),
    Item(
        "[scheduler][main loop][health check]interval",
        INTERVAL,
        600.0,
        "How often the run directory is checked.",
    ),
    Item(
        "[scheduler][main loop][auto restart]interval",
        INTERVAL,
        600.0,
        "How often condemned hosts are looked up.",
    ),
    Item(
        "[scheduler][main loop][reset bad hosts]interval",
        INTERVAL,
        1800.0,
        "When unreachable hosts are tried anew.",
    ),
    Item("[scheduler][main loop][<plugin>]interval", INTERVAL, None, "How often a maintenance activity runs."),
    Item("[scheduler][logging]rolling archive length", INTEGER, 15, "Old log files that are kept."),
    Item("[scheduler][logging]maximum size in bytes", INTEGER, 1000000, "A log file this large is closed."),
    Item("[install]max depth", INTEGER, 4, "Directory levels below the run directory searched for workflows."),
    Item("[install]source dirs", STRING_LIST, ["~/cylc-src"], "Where `install NAME` looks for workflows."),
    *(
        Item(
            f"[install][symlink dirs][<install target>]{name}",
            STRING,
            None,
            f"Where `{name}` of a run really lives.",
        )
        for name in ("run", "log", "share", "share/cycle", "work")
    ),
    Item(f"{_PLATFORM}[meta]<custom>", STRING, "", "Free text."),
    Item(
        f"{_PLATFORM}hosts",
        SPACELESS_STRING_LIST,
        [],
        "Hosts to submit from; the platform's name if not set.",
    ),
    Item(f"{_PLATFORM}job runner", STRING, "background", "The batch system."),
    Item(f"{_PLATFORM}job runner command template", STRING, None, "Another submit command."),
    Item(f"{_PLATFORM}shell", STRING, "/bin/bash", "The shell of job scripts."),
    Item(f"{_PLATFORM}communication method", STRING, "zmq", "How jobs report: zmq, ssh or poll."),
    Item(f"{_PLATFORM}submission polling intervals", INTERVAL_LIST, [900.0], "When submitted jobs are polled."),
    Item(f"{_PLATFORM}submission retry delays", INTERVAL_LIST, [], "Delays before submitting again."),
    Item(f"{_PLATFORM}execution polling intervals", INTERVAL_LIST, [900.0], "When running jobs are polled."),
    Item(
        f"{_PLATFORM}execution time limit polling intervals",
        INTERVAL_LIST,
        [60.0, 120.0, 420.0],
        "When jobs beyond their time limit are polled.",
    ),
    Item(f"{_PLATFORM}ssh command", STRING, _SSH, "How to run commands on the hosts."),
    Item(f"{_PLATFORM}rsync command", STRING, "rsync", "How to copy to the hosts."),
    Item(f"{_PLATFORM}use login shell", BOOLEAN, True, "Whether remote commands run in a login shell."),
    Item(f"{_PLATFORM}cylc path", STRING, None, "Directory of the `cylc` command on the hosts."),
    Item(f"{_PLATFORM}global init-script", STRING, None, "Shell code at the start of every job."),
    Item(f"{_PLATFORM}copyable environment variables", STRING_LIST, [], "Scheduler variables given to jobs."),
    Item(f"{_PLATFORM}retrieve job logs", BOOLEAN, None, "Whether job logs are copied back."),
    Item(f"{_PLATFORM}retrieve job logs command", STRING, "rsync -a", "How to copy job logs back."),
    Item(f"{_PLATFORM}retrieve job logs max size", STRING, None, "Larger job logs stay where they are."),
    Item(f"{_PLATFORM}retrieve job logs retry delays", INTERVAL_LIST, [], "Delays before copying again."),
    Item(
        f"{_PLATFORM}tail command template",
        STRING,
        "tail -n +1 --follow=name %(filename)s",
        "How to follow a log.",
    ),
    Item(f"{_PLATFORM}err tailer", STRING, None, "How to follow the error output of a running job."),
    Item(f"{_PLATFORM}out tailer", STRING, None, "How to follow the output of a running job."),
    Item(f"{_PLATFORM}err viewer", STRING, None, "How to see the error output of a running job."),
    Item(f"{_PLATFORM}out viewer", STRING, None, "How to see the output of a running job."),
    Item(f"{_PLATFORM}job name length maximum", INTEGER, None, "Longest job name the batch system takes."),
    Item(f"{_PLATFORM}install target", STRING, None, "Name of the file system the hosts share."),
    Item(
        f"{_PLATFORM}clean job submission environment",
        BOOLEAN,
        False,
        "Submit without the scheduler's environment.",
    ),
    Item(f"{_PLATFORM}job submission environment pass-through", STRING_LIST, [], "Variables kept all the same."),
    Item(
        f"{_PLATFORM}job submission executable paths",
        STRING_LIST,
        [],
        "Directories added to PATH for submission.",
    ),
    Item(f"{_PLATFORM}max batch submit size", INTEGER, 100, "Most jobs of one submission."),
    Item(f"{_PLATFORM}ssh forward environment variables", STRING_LIST, [], "Variables passed through ssh."),
    Item(f"{_PLATFORM}[selection]method", STRING, "random", "How a host is picked: random or definition order."),
    Item(f"{_PLATFORM}[directives]<directive>", STRING, "", "Directives of every job."),
    Item("[platform groups][<group>][meta]<custom>", STRING, "", "Free text."),
    Item("[platform groups][<group>]platforms", STRING_LIST, [], "The platforms of the group."),
    Item("[platform groups][<group>][selection]method", STRING, "random", "How a platform is picked."),
    *task_event_items("[task events]"),
)

GLOBAL_SPECIFICATION = compile_items(GLOBAL_ITEMS)
_LOCALHOST = {"hosts": ["localhost"], "selection": {"method": "definition order"}}


class GlobalConfig(Struct, eq=False):
    """The merged global configuration, typed, with defaults; nested by section names as in ``flow.cylc``."""

    items: dict[str, Any] = field(default_factory=lambda: _complete({}))
    files: list[str] = []
    """The files it was read from, in the order read."""

    def section(self, *names: str) -> dict[str, Any]:
        """A section; empty if there is none of that name."""
        found: Any = self.items
        for name in names:
            found = found.get(name) if isinstance(found, dict) else None
        return found if isinstance(found, dict) else {}


def load_global_config(environment: Mapping[str, str]) -> GlobalConfig:
    """Read every ``global.cylc`` that applies, later ones over earlier ones.

    Args:
        environment: The process environment: ``CYLC_CONF_PATH``, ``CYLC_SITE_CONF_PATH`` and ``HOME`` count.

    Raises:
        ConfigError: A file is not valid, with file and line.
    """
    merged: dict[str, Any] = {}
    files: list[str] = []
    for path in global_config_paths(environment):
        if os.path.isfile(path):
            merge(merged, _read(path, environment))
            files.append(path)
    return GlobalConfig(_complete(merged), files)


def global_config_paths(environment: Mapping[str, str]) -> Iterator[str]:
    """The files that are looked for, in reading order (Cylc 8 behaviour)."""
    only = environment.get("CYLC_CONF_PATH")
    if only:
        yield os.path.join(only, "global.cylc")
        return
    site = environment.get("CYLC_SITE_CONF_PATH") or "/etc/cylc"
    user = os.path.join(environment.get("HOME", os.path.expanduser("~")), ".cylc", "flow")
    for directory in (os.path.join(site, "flow"), user):
        for version in _version_directories():
            yield os.path.join(directory, version, "global.cylc")


def _version_directories() -> Iterator[str]:
    """The unversioned directory, then from the least to the most specific version."""
    parts = VERSION.split(".")
    yield ""
    for count in range(1, len(parts) + 1):
        yield ".".join(parts[:count])


def _read(path: str, environment: Mapping[str, str]) -> dict[str, Any]:
    directory = os.path.dirname(path)
    source = process(read_source(path, directory), directory, {}, environment)
    source.origins = [(os.path.join(directory, name), line) for name, line in source.origins]
    return validate(parse_sections(source), GLOBAL_SPECIFICATION)


def merge(into: dict[str, Any], values: Mapping[str, Any]) -> None:
    """Lay values over others, section by section."""
    for name, value in values.items():
        if isinstance(value, dict):
            merge(into.setdefault(name, {}), value)
        else:
            into[name] = value


def _complete(values: dict[str, Any]) -> dict[str, Any]:
    localhost: dict[str, Any] = {}
    merge(localhost, _LOCALHOST)
    platforms: dict[str, Any] = {"localhost": localhost}
    merge(platforms, values.get("platforms", {}))
    return fill_defaults({**values, "platforms": platforms}, GLOBAL_SPECIFICATION)
