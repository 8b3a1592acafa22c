"""The schema, made from its text: `schema.graphql` is what it says, `fields` is where values come from."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from graphql import (
    GraphQLError,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
)

from .context import Context
from .fields import RESOLVERS, Resolve
from .leaves import LEAVES, getter
from .mutations import resolver_of

SCHEMA_FILE = Path(__file__).with_name("schema.graphql")

_TEXT_SCALARS = frozenset(
    {
        "BroadcastCyclePoint",
        "CyclePoint",
        "Flow",
        "NamespaceIDGlob",
        "NamespaceName",
        "OutputLabel",
        "PrerequisiteString",
        "TaskID",
        "TimePoint",
        "WorkflowID",
    }
)


@cache
def schema() -> GraphQLSchema:
    """The schema with its resolvers, made once."""
    made = build_schema(SCHEMA_FILE.read_text(), assume_valid=True)
    for name, kind in made.type_map.items():
        if isinstance(kind, GraphQLScalarType) and name in _TEXT_SCALARS:
            kind.parse_value = _text  # type: ignore[method-assign]
        elif isinstance(kind, GraphQLObjectType) and name in (*LEAVES, *RESOLVERS):
            for field_name, field in kind.fields.items():
                resolve = RESOLVERS.get(name, {}).get(field_name)
                field.resolve = _through(resolve) if resolve else _leaf(name, field_name)
        elif isinstance(kind, GraphQLUnionType):
            kind.resolve_type = _type_of_node
        elif isinstance(kind, GraphQLInterfaceType):
            continue
    assert made.mutation_type is not None
    for field_name, field in made.mutation_type.fields.items():
        field.resolve = resolver_of(field_name)
    return made


def _through(resolve: Resolve) -> Any:
    def resolve_field(element: Any, info: GraphQLResolveInfo, **arguments: Any) -> Any:
        context: Context = info.context
        value = resolve(element, context, arguments)
        return context.spend(value) if isinstance(value, list) else value

    return resolve_field


def _leaf(type_name: str, field_name: str) -> Any:
    get = getter(type_name, field_name)

    def resolve_leaf(element: Any, info: GraphQLResolveInfo) -> Any:
        return get(element)

    return resolve_leaf


def _type_of_node(element: Any, info: GraphQLResolveInfo, union: Any) -> str:
    return "TaskProxy" if hasattr(element, "task") else "FamilyProxy"


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise GraphQLError(f"expected text, got {value!r}")
    return str(value)
