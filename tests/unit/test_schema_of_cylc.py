"""The schema against that of Cylc 8.5.4: every query, argument, type, scalar, enum and mutation, with its type."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    Undefined,
    build_schema,
)

from tidemill.schema.schema import SCHEMA_FILE

CYLC = Path(__file__).with_name("schema_cylc_8_5.graphql")
PAGE = Path(__file__).parents[2] / "docs" / "graphql.md"
OUR_OWN = {"Queries.why", "Workflow.containsHeld", "Workflow.containsRetry", "Job.estimatedFinishTime"}
"""What is here and not there; each is on the page."""


def told(schema: GraphQLSchema) -> dict[str, str]:
    """Everything clients may write, by where it stands, with its type and default as text."""
    return dict(_told(schema))


def _told(schema: GraphQLSchema) -> Iterator[tuple[str, str]]:
    roots = (schema.query_type, schema.mutation_type, schema.subscription_type)
    yield "schema", " ".join(root.name if root else "none" for root in roots)
    for name, kind in schema.type_map.items():
        if name.startswith("__"):
            continue
        yield name, type(kind).__name__
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            for interface in kind.interfaces:
                yield f"{name} implements {interface.name}", ""
            for field_name, field in kind.fields.items():
                yield f"{name}.{field_name}", str(field.type)
                for argument_name, argument in field.args.items():
                    yield f"{name}.{field_name}({argument_name})", _input(argument)
        elif isinstance(kind, GraphQLInputObjectType):
            for field_name, given in kind.fields.items():
                yield f"{name}.{field_name}", _input(given)
        elif isinstance(kind, GraphQLEnumType):
            for value in kind.values:
                yield f"{name}.{value}", "value"
        elif isinstance(kind, GraphQLUnionType):
            for member in kind.types:
                yield f"{name}.{member.name}", "member"


def _input(given: Any) -> str:
    default = given.default_value
    # A default of null and none at all are the same to whoever leaves the argument out.
    return f"{given.type}" if default in (None, Undefined) else f"{given.type} = {default!r}"


def schemas() -> tuple[dict[str, str], dict[str, str]]:
    """Cylc's and ours."""
    return told(build_schema(CYLC.read_text())), told(build_schema(SCHEMA_FILE.read_text()))


def test_nothing_that_clients_of_cylc_write_is_missing_or_of_another_type() -> None:
    """Whatever a client made for Cylc 8.5.4 may ask for is here, takes the same arguments and answers the same type."""
    theirs, ours = schemas()
    missing = sorted(theirs.keys() - ours.keys())
    assert missing == []
    different = {where: (theirs[where], ours[where]) for where in theirs if theirs[where] != ours[where]}
    assert different == {}


def test_what_is_our_own_is_little_and_on_the_page() -> None:
    """What goes beyond Cylc 8.5.4 is listed here and told in the page about GraphQL."""
    theirs, ours = schemas()
    page = PAGE.read_text()
    added = {where for where in ours.keys() - theirs.keys() if "(" not in where}
    assert added == OUR_OWN
    for where in added:
        assert f"`{where.partition('.')[2]}" in page
