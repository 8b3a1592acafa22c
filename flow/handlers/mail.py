"""Mail about events: who gets it, what it says, many task events in one, and handing it to the site's server."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from ..engine.events import JobKey
from .exceptions import MailError
from .facts import RunFacts, filled

DEFAULT_SERVER = "localhost:25"
DEFAULT_SENDER = "notifications"
TALK_SECONDS = 30.0
"""How long the server may take over one answer."""


class Mail(Struct, frozen=True):
    """One mail."""

    sender: str
    receivers: str
    """Addresses with commas between."""
    subject: str
    body: str


class TaskNote(Struct, frozen=True):
    """One task event that somebody gets mail of."""

    key: JobKey
    event: str
    numbered_event: str
    """The event as records of handlers name it: ``warning-2``."""
    message: str


def addresses(run: RunFacts, *sections: Mapping[str, Any]) -> tuple[str, str]:
    """Sender and receivers: from the first section that has them, else the run's owner is told."""
    found = {
        name: next((str(section[name]) for section in sections if section.get(name)), "") for name in ("from", "to")
    }
    return found["from"] or f"{DEFAULT_SENDER}@{run.host}", found["to"] or run.owner


def task_mail(run: RunFacts, sender: str, receivers: str, notes: list[TaskNote], footer: str) -> Mail:
    """A mail about task events, in the order they took place."""
    if len(notes) == 1:
        about = f"{job_text(notes[0].key)} {notes[0].event}"
    else:
        about = f"{len(notes)} task events"
    lines = []
    for note in notes:
        lines += [f"job: {job_text(note.key)}", f"event: {note.event}", f"message: {note.message}", ""]
    return Mail(sender, receivers, f"[{about}] {run.workflow}", _body([*lines, ""], run, footer))


def run_mail(run: RunFacts, sender: str, receivers: str, event: str, message: str, footer: str) -> Mail:
    """A mail about a workflow event."""
    lines = [f"event: {event}"] + ([f"message: {message}"] if message else [])
    return Mail(sender, receivers, f"[workflow {event}] {run.workflow}", _body(lines, run, footer))


def job_text(key: JobKey) -> str:
    """A job as mails name it; a task that has had none goes without the number."""
    return str(key) if key.submit_number else f"{key.cycle}/{key.task}"


def _body(lines: Iterable[str], run: RunFacts, footer: str) -> str:
    facts = {"workflow": run.workflow, "host": run.host, "port": str(run.port), "owner": run.owner}
    lines = [*lines, *(f"{name}: {value}" for name, value in facts.items())]
    if footer:
        lines.append(filled(footer, {**facts, "suite": run.workflow}))
    return "\n".join(lines) + "\n"


def send(mail: Mail, server: str) -> None:
    """Hand a mail to a server and wait for its word.

    Arguments:
        mail: what to send.
        server: ``HOST`` or ``HOST:PORT``.

    Raises:
        MailError: it was not taken, wholly or by some receiver.
    """
    # Most runs send no mail: the libraries are loaded by those that do.
    import smtplib
    from email.message import EmailMessage
    from email.utils import formatdate, make_msgid

    message = EmailMessage()
    receivers = [address.strip() for address in mail.receivers.split(",") if address.strip()]
    try:
        message["From"], message["To"], message["Subject"] = mail.sender, ", ".join(receivers), mail.subject
        message["Date"], message["Message-ID"] = formatdate(), make_msgid(domain="localhost")
        message.set_content(mail.body)
        host, _, port = server.rpartition(":") if ":" in server else (server, "", "25")
        with smtplib.SMTP(host, int(port), timeout=TALK_SECONDS) as connection:
            refused = connection.send_message(message, mail.sender, receivers)
    except (OSError, smtplib.SMTPException, ValueError) as error:
        raise MailError(f"{server} did not take mail to {mail.receivers}: {_reason(error)}") from error
    if refused:
        raise MailError(f"{server} took it, but not for {', '.join(refused)}")


def _reason(error: Exception) -> str:
    import smtplib

    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        return f"{error.smtp_code} {said.decode(errors='replace') if isinstance(said, bytes) else said}"
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "; ".join(
            f"{who}: {code} {text.decode(errors='replace')}" for who, (code, text) in error.recipients.items()
        )
    return str(error) or type(error).__name__


class MailWork:
    """The sending of one mail, as work for the pool."""

    def __init__(self, mail: Mail, server: str) -> None:
        self.mail = mail
        self.server = server
        self.error = ""
        """Why it was not sent."""

    def run(self) -> None:
        """Send it."""
        try:
            send(self.mail, self.server)
        except MailError as error:
            self.error = str(error)
        except Exception as error:  # an address that cannot be written, say: a mail is not worth a crash
            self.error = f"{type(error).__name__}: {error}"

    def stop(self, reason: str) -> None:
        """A conversation with a server ends by its own time limit."""

    def done(self) -> None:
        """Nothing to tell by default."""
