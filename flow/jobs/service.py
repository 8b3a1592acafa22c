"""What a run directory needs before its first job: ``job.sh``, the commands jobs call, and the FIFO they
write to."""

from __future__ import annotations

import os
import shlex
import stat
import sys
from pathlib import Path

from .context import WorkflowContext
from .directory import write_file
from .exceptions import JobError

SHIM_NAMES = ("cylc", "tidemill")

# The message client starts without ``site``: that and a short import list are what make it cheap. The package
# is loaded from where it is, whatever its folder is called.
LAUNCHER = """\
# Starts the message client of Tidemill with as few imports as can be. Written at each start of the scheduler.
import sys
from importlib.util import module_from_spec, spec_from_file_location

sys.path[:] = {path!r}
spec = spec_from_file_location("tidemill", {init!r}, submodule_search_locations=[{package!r}])
module = module_from_spec(spec)
sys.modules["tidemill"] = module
spec.loader.exec_module(module)
from tidemill.flow.jobs.message import main

sys.exit(main(sys.argv[1:]))
"""


def install(context: WorkflowContext) -> None:
    """Write the service files of a run; raises `JobError`. Jobs that are still alive go on with the old
    ones."""
    here = Path(__file__).parent
    package = here.parent.parent
    etc = context.service_directory / "etc"
    commands = context.service_directory / "bin"
    launcher = etc / "message.py"
    try:
        for directory in (etc, commands, context.job_root, context.run_directory / "share" / "cycle"):
            directory.mkdir(parents=True, exist_ok=True)
        write_file(etc / "job.sh", (here / "job.sh").read_text())
        path = [os.path.abspath(entry) for entry in sys.path if entry and os.path.abspath(entry) != str(package)]
        write_file(launcher, LAUNCHER.format(path=path, init=str(package / "__init__.py"), package=str(package)))
        shim = (here / "shims" / "cylc.in").read_text()
        shim = shim.replace("@PYTHON@", shlex.quote(sys.executable))
        shim = shim.replace("@LAUNCHER@", shlex.quote(str(launcher)))
        shim = shim.replace("@PROGRAM@", shlex.join(context.program))
        for name in SHIM_NAMES:
            write_file(commands / name, shim, mode=0o755)
        make_fifo(context.fifo)
    except OSError as error:
        text = f"cannot prepare {context.run_directory} for jobs: {error.strerror}: {error.filename}"
        raise JobError(text) from error


def make_fifo(path: Path) -> None:
    """A FIFO that only its owner may use; one that is there is kept, as jobs that are alive write to it."""
    try:
        if stat.S_ISFIFO(path.stat().st_mode):
            return
        path.unlink()
    except FileNotFoundError:
        pass
    os.mkfifo(path, 0o600)
