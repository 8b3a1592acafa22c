"""The schema: put together of its roots, with resolvers from the tables that queries are also compiled from.

``python -m tidemill.schema.schema`` writes it to `schema.graphql`, the text that people and clients read.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import graphene
from graphql import GraphQLEnumType, GraphQLObjectType, GraphQLResolveInfo, GraphQLSchema

from .context import Context
from .fields import RESOLVERS, Resolve
from .leaves import LEAVES, getter
from .mutations import resolver_of
from .mutations_schema import Mutations
from .queries import Queries
from .subscriptions_schema import Subscriptions

SCHEMA_FILE = Path(__file__).with_name("schema.graphql")


@cache
def graphene_schema() -> Any:
    """The schema as graphene has it, made once; its text is that of `schema.graphql`."""
    # Names are written as clients write them, here as in the tables of leaves and fields.
    return graphene.Schema(query=Queries, mutation=Mutations, subscription=Subscriptions, auto_camelcase=False)


@cache
def schema() -> GraphQLSchema:
    """The schema with its resolvers, made once."""
    made: GraphQLSchema = graphene_schema().graphql_schema
    for name, kind in made.type_map.items():
        if isinstance(kind, GraphQLObjectType) and name in (*LEAVES, *RESOLVERS):
            for field_name, field in kind.fields.items():
                resolve = RESOLVERS.get(name, {}).get(field_name)
                field.resolve = _through(resolve) if resolve else _leaf(name, field_name)
        elif isinstance(kind, GraphQLEnumType) and not name.startswith("__"):
            for value_name, value in kind.values.items():
                value.value = value_name  # commands and pictures hold plain text
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


if __name__ == "__main__":
    SCHEMA_FILE.write_text(f"{graphene_schema()}\n")
