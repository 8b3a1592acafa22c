"""Ask bash whether the scripts of a job are bash, once for every distinct text."""

from __future__ import annotations

import hashlib
import subprocess
from collections import OrderedDict
from pathlib import Path

from .exceptions import JobSyntaxError
from .script import JobFile

REMEMBERED_TEXTS = 10_000


class SyntaxChecker:
    """Remembers which script texts are fine, so that 10,000 jobs of one task ask bash once.

    Safe to use from several threads: at worst a text is asked about twice.
    """

    def __init__(self, bash: str) -> None:
        self._bash = bash
        self._known: OrderedDict[bytes, None] = OrderedDict()

    def check(self, job_file: JobFile, path: Path) -> None:
        """Raise `JobSyntaxError`, with what bash says (file:line: reason), if the scripts of a file are not
        bash.

        The file must have been written to `path`.
        """
        if not job_file.scripts.strip():
            return
        user_text = job_file.scripts + job_file.head.rpartition("cylc__job__work_sub_directory")[2]
        text = hashlib.blake2b(user_text.encode(errors="surrogateescape"), digest_size=16).digest()
        if text in self._known:
            return
        result = subprocess.run(
            [self._bash, "-n", str(path)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode:
            raise JobSyntaxError(result.stderr.strip() or f"{path}: bash -n says it is not valid")
        self._known[text] = None
        while len(self._known) > REMEMBERED_TEXTS:
            self._known.popitem(last=False)
