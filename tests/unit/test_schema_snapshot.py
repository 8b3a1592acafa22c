"""The schema as text: what is committed is what is served, and what clients were given once stays theirs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from graphql import (
    DangerousChangeType,
    GraphQLSchema,
    build_schema,
    find_breaking_changes,
    find_dangerous_changes,
    introspection_from_schema,
    validate_schema,
)

from tidemill.schema.schema import SCHEMA_FILE, graphene_schema, schema

COMMAND = "python -m tidemill.schema.schema"
GIVEN = Path(__file__).with_name("schema_0_1.graphql")
"""The schema of version 0.1. It is not written anew when the schema grows."""
ADDITIONS = frozenset(
    {
        DangerousChangeType.VALUE_ADDED_TO_ENUM,
        DangerousChangeType.TYPE_ADDED_TO_UNION,
        DangerousChangeType.OPTIONAL_INPUT_FIELD_ADDED,
        DangerousChangeType.OPTIONAL_ARG_ADDED,
        DangerousChangeType.IMPLEMENTED_INTERFACE_ADDED,
    }
)


def test_the_committed_text_is_the_schema() -> None:
    """`schema.graphql` is what graphene prints, so that every change of the schema is read in review."""
    assert f"{graphene_schema()}\n" == SCHEMA_FILE.read_text(), f"write the text anew: {COMMAND}"


def test_what_clients_were_given_stays() -> None:
    """Every type, field, argument and default of version 0.1 is there; only additions are allowed."""
    given, served = build_schema(GIVEN.read_text()), build_schema(str(graphene_schema()))
    assert [change.description for change in find_breaking_changes(given, served)] == []
    dangerous = [change for change in find_dangerous_changes(given, served) if change.type not in ADDITIONS]
    assert [change.description for change in dangerous] == []


def test_the_schema_behind_the_text_is_the_same() -> None:
    """The schema that answers is valid, and introspection tells of it what its text says, to the last default."""
    assert validate_schema(schema()) == []
    served, text = (_told(one) for one in (schema(), build_schema(SCHEMA_FILE.read_text())))
    assert served == text


def _told(of: GraphQLSchema) -> dict[str, Any]:
    """What introspection tells of each type."""
    return {kind["name"]: kind for kind in introspection_from_schema(of)["__schema"]["types"]}


def test_arguments_reach_resolvers_by_their_names_in_the_schema() -> None:
    """Arguments keep their spelling, and those left out have the values that the text gives them, as plain data."""
    text = build_schema(SCHEMA_FILE.read_text())
    for root in ("Queries", "Mutations", "Subscriptions", "Workflow", "TaskProxy"):
        for field_name, field in text.type_map[root].fields.items():  # type: ignore[attr-defined]
            served = schema().type_map[root].fields[field_name].args  # type: ignore[attr-defined]
            for name, argument in field.args.items():
                assert (served[name].out_name or name) == name
                assert served[name].default_value == argument.default_value
                assert type(served[name].default_value) is type(argument.default_value)


def test_a_scheduler_without_requests_does_without_the_schema() -> None:
    """Neither graphene nor the GraphQL library is loaded with the scheduler and its server."""
    program = (
        "import sys, tidemill.flow.scheduler, tidemill.flow.showing, tidemill.network.server\n"
        "print([name for name in ('graphene', 'graphql') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert found.stdout == "[]\n"
