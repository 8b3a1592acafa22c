"""CURVE keys on disk: made fresh for each run, removed when it stops. Whoever can read them is let in.

The layout is that of Cylc 8, so its clients find theirs: see docs/security.md.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from .exceptions import KeyFileError

SERVER_PUBLIC = "server.key"
SERVER_SECRET = "server.key_secret"
CLIENT_SECRET = "client.key_secret"
CLIENT_PUBLIC_DIRECTORY = "client_public_keys"

KEY_MODE = 0o600
DIRECTORY_MODE = 0o755

ROLE_READ = "read"
ROLE_CONTROL = "control"
ROLES = (ROLE_READ, ROLE_CONTROL)
"""What a client's key lets it do: look only, or everything. A key file that says nothing is for control."""

_KEY_LENGTH = 40


class KeyPair(NamedTuple):
    """A CURVE key pair, each key as 40 characters of Z85."""

    public: bytes
    secret: bytes


class ClientKey(NamedTuple):
    """A client that will be let in."""

    name: str
    """From its file's name: ``client_NAME.key``."""
    public: bytes
    role: str


def create_keys(service_directory: str | os.PathLike[str]) -> KeyPair:
    """Make the keys of a new run, after removing any left there; returns the server's pair.

    Server and client get a pair each, so that who holds the client's secret cannot pass for the server.

    Raises:
        KeyFileError: a file cannot be written.
    """
    import zmq

    directory = Path(service_directory)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        remove_keys(directory)
        clients = directory / CLIENT_PUBLIC_DIRECTORY
        clients.mkdir()
        clients.chmod(DIRECTORY_MODE)
    except OSError as error:
        raise KeyFileError(f"Cannot prepare {directory} for keys: {error.strerror or error}") from error
    server = KeyPair(*zmq.curve_keypair())
    client = KeyPair(*zmq.curve_keypair())
    write_key_file(directory / SERVER_PUBLIC, server.public)
    write_key_file(directory / SERVER_SECRET, server.public, server.secret)
    write_key_file(directory / CLIENT_SECRET, client.public, client.secret)
    add_client_key(directory, "localhost", client.public)
    return server


def add_client_key(
    service_directory: str | os.PathLike[str], name: str, public: bytes, *, role: str = ROLE_CONTROL
) -> Path:
    """Let in a further client: write its public key where the authenticator looks; returns the file.

    Arguments:
        name: a host, platform or person; becomes part of the file's name.
        public: its public key, 40 characters of Z85.
        role: ``read`` or ``control``.

    Raises:
        KeyFileError: the name, key or role is not valid, or the file cannot be written.
    """
    if not name or "/" in name or name.startswith("."):
        raise KeyFileError(f"{name!r} cannot name a client's key: it becomes part of a file name")
    if role not in ROLES:
        raise KeyFileError(f"{role!r} is not a role of a client's key; it is one of {', '.join(ROLES)}")
    path = Path(service_directory) / CLIENT_PUBLIC_DIRECTORY / f"client_{name}.key"
    write_key_file(path, public, metadata={"role": role})
    return path


def remove_keys(service_directory: str | os.PathLike[str]) -> None:
    """Remove every key of a run; those that are not there are no error."""
    import shutil

    directory = Path(service_directory)
    for name in (SERVER_PUBLIC, SERVER_SECRET, CLIENT_SECRET):
        (directory / name).unlink(missing_ok=True)
    shutil.rmtree(directory / CLIENT_PUBLIC_DIRECTORY, ignore_errors=True)


def write_key_file(
    path: str | os.PathLike[str],
    public: bytes,
    secret: bytes | None = None,
    *,
    metadata: dict[str, str] | None = None,
) -> None:
    """Write a certificate in the format of ZeroMQ's tools, readable by its owner only from its first byte on.

    Raises:
        KeyFileError: a key is not 40 characters, or the file cannot be written.
    """
    for key in (public, secret):
        if key is not None and len(key) != _KEY_LENGTH:
            raise KeyFileError(f"Cannot write {path}: a CURVE key is {_KEY_LENGTH} characters of Z85, not {len(key)}")
    kind = "Public" if secret is None else "**Secret**"
    lines = [f"#   ZeroMQ CURVE {kind} Certificate, made by Tidemill"]
    lines.append("#   Keep it as private as the run itself." if secret is not None else "#   The public half.")
    lines.append("metadata")
    lines += [f'    {key} = "{value}"' for key, value in (metadata or {}).items()]
    lines += ["curve", f'    public-key = "{public.decode("ascii")}"']
    if secret is not None:
        lines.append(f'    secret-key = "{secret.decode("ascii")}"')
    temporary = f"{os.fspath(path)}.{os.getpid()}.new"
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, KEY_MODE)
        with open(descriptor, "w", encoding="ascii") as file:
            os.fchmod(descriptor, KEY_MODE)
            file.write("\n".join(lines) + "\n")
        os.replace(temporary, path)
    except OSError as error:
        raise KeyFileError(f"Cannot write the key file {path}: {error.strerror or error}") from error


def read_public_key(path: str | os.PathLike[str]) -> bytes:
    """The public key of a key file, as 40 characters of Z85; raises `KeyFileError`."""
    return _required(path, _read_key_file(path), "public-key")


def read_key_pair(path: str | os.PathLike[str]) -> KeyPair:
    """Both keys of a secret key file; raises `KeyFileError`."""
    fields = _read_key_file(path)
    return KeyPair(_required(path, fields, "public-key"), _required(path, fields, "secret-key"))


def read_client_keys(service_directory: str | os.PathLike[str]) -> tuple[dict[bytes, ClientKey], list[str]]:
    """The clients to be let in, by public key, and a sentence for every file that holds none.

    Arguments:
        service_directory: whose ``client_public_keys`` is read; an absent one lets nobody in.
    """
    directory = Path(service_directory) / CLIENT_PUBLIC_DIRECTORY
    found: dict[bytes, ClientKey] = {}
    problems: list[str] = []
    for path in sorted(directory.glob("*.key")):
        try:
            fields = _read_key_file(path)
            public = _required(path, fields, "public-key")
            role = fields.get("role", ROLE_CONTROL)
            if role not in ROLES:
                raise KeyFileError(f"{path}: {role!r} is not a role; it is one of {', '.join(ROLES)}")
        except KeyFileError as error:
            problems.append(str(error))
            continue
        found[public] = ClientKey(path.stem.removeprefix("client_"), public, role)
    return found, problems


def _read_key_file(path: str | os.PathLike[str]) -> dict[str, str]:
    try:
        text = Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise KeyFileError(f"{path} is not a key file: it is not text") from None
    except OSError as error:
        raise KeyFileError(f"Cannot read the key file {path}: {error.strerror or error}") from error
    fields: dict[str, str] = {}
    for line in text.splitlines():
        stripped = line.strip()
        name, equals, value = stripped.partition("=")
        if equals and not stripped.startswith("#"):
            fields[name.strip()] = value.strip().strip('"').strip("'")
    return fields


def _required(path: str | os.PathLike[str], fields: dict[str, str], name: str) -> bytes:
    key = fields.get(name, "").encode("utf-8")
    if len(key) != _KEY_LENGTH:
        raise KeyFileError(f"{path} is not a key file: it has no {name} of {_KEY_LENGTH} characters")
    return key
