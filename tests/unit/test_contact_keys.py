"""Keys on disk: their names, modes and lives."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
import zmq
import zmq.auth

from tidemill.contact.exceptions import KeyFileError
from tidemill.contact.keys import (
    add_client_key,
    create_keys,
    read_client_keys,
    read_key_pair,
    read_public_key,
    remove_keys,
)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_names_and_modes(tmp_path: Path) -> None:
    """The key files are those a Cylc client looks for, readable by the owner only, whatever the umask."""
    old = os.umask(0)
    try:
        pair = create_keys(tmp_path / "s")
    finally:
        os.umask(old)
    directory = tmp_path / "s"
    assert sorted(os.listdir(directory)) == [
        "client.key_secret",
        "client_public_keys",
        "server.key",
        "server.key_secret",
    ]
    assert os.listdir(directory / "client_public_keys") == ["client_localhost.key"]
    for name in (
        "server.key",
        "server.key_secret",
        "client.key_secret",
        "client_public_keys/client_localhost.key",
    ):
        assert mode(directory / name) == 0o600
    assert mode(directory / "client_public_keys") == 0o755
    assert read_key_pair(directory / "server.key_secret") == pair
    assert read_public_key(directory / "server.key") == pair.public


def test_zeromq_tools_read_them(tmp_path: Path) -> None:
    """The files are certificates as ZeroMQ's own tools know them."""
    pair = create_keys(tmp_path)
    assert zmq.auth.load_certificate(tmp_path / "server.key_secret") == tuple(pair)
    assert zmq.auth.load_certificate(tmp_path / "server.key") == (pair.public, None)
    public, secret = zmq.auth.load_certificate(tmp_path / "client.key_secret")
    assert secret is not None
    assert zmq.curve_public(secret) == public
    assert public in zmq.auth.load_certificates(tmp_path / "client_public_keys")


def test_keys_of_zeromq_tools_are_read(tmp_path: Path) -> None:
    """Certificates made by ZeroMQ's own tools are as good, without a role for control."""
    public_file, secret_file = zmq.auth.create_certificates(tmp_path, "client_other")
    assert read_key_pair(secret_file).public == read_public_key(public_file)
    (tmp_path / "client_public_keys").mkdir()
    os.rename(public_file, tmp_path / "client_public_keys/client_other.key")
    keys, problems = read_client_keys(tmp_path)
    assert [(key.name, key.role) for key in keys.values()] == [("other", "control")]
    assert problems == []


def test_each_run_has_its_own(tmp_path: Path) -> None:
    """A new run makes new keys, and forgets clients let in before; at the end none are left."""
    first = create_keys(tmp_path)
    add_client_key(tmp_path, "host", first.public)
    second = create_keys(tmp_path)
    assert first.public != second.public
    assert [key.name for key in read_client_keys(tmp_path)[0].values()] == ["localhost"]
    remove_keys(tmp_path)
    remove_keys(tmp_path)
    assert os.listdir(tmp_path) == []
    assert read_client_keys(tmp_path) == ({}, [])


def test_roles(tmp_path: Path) -> None:
    """A client's key file says what it may do; a role nobody knows lets nobody in."""
    create_keys(tmp_path)
    public, _ = zmq.curve_keypair()
    path = add_client_key(tmp_path, "visitor", public, role="read")
    assert mode(path) == 0o600
    assert read_client_keys(tmp_path)[0][public].role == "read"
    path.write_text(path.read_text().replace('"read"', '"reed"'))
    keys, problems = read_client_keys(tmp_path)
    assert public not in keys
    assert "'reed' is not a role" in problems[0]
    with pytest.raises(KeyFileError, match="not a role"):
        add_client_key(tmp_path, "x", public, role="all")
    with pytest.raises(KeyFileError, match="cannot name"):
        add_client_key(tmp_path, "../x", public)
    with pytest.raises(KeyFileError, match="40 characters"):
        add_client_key(tmp_path, "x", b"short")


def test_files_that_are_no_keys(tmp_path: Path) -> None:
    """A missing, binary or empty key file is an error with its path."""
    absent, binary, empty = tmp_path / "absent", tmp_path / "binary", tmp_path / "empty"
    binary.write_bytes(b"\xff\xfe")
    empty.write_text("curve\n")
    for path in (absent, binary, empty):
        with pytest.raises(KeyFileError, match=str(path)):
            read_public_key(path)
    public_only = tmp_path / "server.key"
    create_keys(tmp_path)
    with pytest.raises(KeyFileError, match="no secret-key"):
        read_key_pair(public_only)
