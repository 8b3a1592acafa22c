"""Compiles queries to Python: for what clients ask again and again, fifty times faster than a general executor.

A selection of an object becomes one expression that builds its dict; lists become comprehensions. What needs the
general executor (directives, unions, introspection, anything but queries) is not compiled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    is_leaf_type,
)
from graphql.execution.values import get_argument_values

from .context import Context
from .fields import OF_THE_SCHEDULER, RESOLVERS
from .leaves import LEAVES

Projection = Callable[[Context, Mapping[str, Any]], dict[str, Any]]
"""From context and the values of variables to the answer."""


class NotCompilable(Exception):
    """The query needs the general executor."""


def compile_query(
    schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode
) -> Projection | None:
    """A function that answers a valid query; None if the general executor must."""
    if operation.operation is not OperationType.QUERY or operation.directives:
        return None
    assert schema.query_type is not None
    compiler = _Compiler(document)
    try:
        body = compiler.selection(schema.query_type, [operation.selection_set], "e")
    except NotCompilable:
        return None
    return compiler.finish(body, has_variables=bool(operation.variable_definitions))


class _Compiler:
    def __init__(self, document: DocumentNode) -> None:
        self._fragments = {
            one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)
        }
        self._names: dict[str, Any] = {}
        self._calls: list[tuple[GraphQLField, FieldNode]] = []
        self._depth = 0
        self._values = 0
        """How many fields have been written."""

    def finish(self, body: str, *, has_variables: bool) -> Projection:
        """The compiled function."""
        source = f"def project(c, a, e=None):\n    return {body}\n"
        exec(compile(source, "<query>", "exec"), self._names)
        project = self._names["project"]
        calls = self._calls
        if has_variables:

            def with_variables(context: Context, variables: Mapping[str, Any]) -> dict[str, Any]:
                arguments = [get_argument_values(field, node, dict(variables)) for field, node in calls]
                answer: dict[str, Any] = project(context, arguments)
                return answer

            return with_variables
        try:
            fixed = [get_argument_values(field, node, {}) for field, node in calls]
        except GraphQLError:  # pragma: no cover - validation has refused such a query
            raise

        def without_variables(context: Context, variables: Mapping[str, Any]) -> dict[str, Any]:
            answer: dict[str, Any] = project(context, fixed)
            return answer

        return without_variables

    def selection(self, kind: GraphQLObjectType, selections: list[SelectionSetNode], element: str) -> str:
        """An expression for what is selected of an element."""
        fields: dict[str, list[FieldNode]] = {}
        for one in selections:
            self._collect(kind, one, fields)
        items = [f"{key!r}: {self._value(kind, nodes, element)}" for key, nodes in fields.items()]
        return "{" + ", ".join(items) + "}"

    def _collect(
        self, kind: GraphQLObjectType, selections: SelectionSetNode, fields: dict[str, list[FieldNode]]
    ) -> None:
        for node in selections.selections:
            if node.directives:
                raise NotCompilable
            if isinstance(node, FieldNode):
                fields.setdefault(node.alias.value if node.alias else node.name.value, []).append(node)
                continue
            if isinstance(node, FragmentSpreadNode):
                fragment: Any = self._fragments[node.name.value]
            else:
                assert isinstance(node, InlineFragmentNode)
                fragment = node
            if fragment.directives:
                raise NotCompilable
            condition = fragment.type_condition
            if condition is not None and condition.name.value != kind.name:
                raise NotCompilable
            self._collect(kind, fragment.selection_set, fields)

    def _value(self, kind: GraphQLObjectType, nodes: list[FieldNode], element: str) -> str:
        self._values += 1
        name = nodes[0].name.value
        if name == "__typename":
            return repr(kind.name)
        field = kind.fields.get(name)
        if field is None:
            raise NotCompilable
        leaf = LEAVES.get(kind.name, {}).get(name)
        if leaf is not None:
            return _in_terms_of(leaf, element)
        resolve = RESOLVERS.get(kind.name, {}).get(name)
        if resolve is None or (kind.name, name) in OF_THE_SCHEDULER:
            raise NotCompilable
        function = f"r{len(self._names)}"
        self._names[function] = resolve
        call = f"{function}({element}, c, a[{len(self._calls)}])"
        self._calls.append((field, nodes[0]))
        of_type = field.type
        is_list = False
        while isinstance(of_type, (GraphQLList, GraphQLNonNull)):
            is_list |= isinstance(of_type, GraphQLList)
            of_type = of_type.of_type
        if is_leaf_type(of_type):
            return call
        if not isinstance(of_type, GraphQLObjectType):
            raise NotCompilable
        self._depth += 1
        before = self._values
        inner = f"e{self._depth}"
        below = [node.selection_set for node in nodes if node.selection_set is not None]
        body = self.selection(of_type, below, inner)
        self._depth -= 1
        if is_list:
            return f"[{body} for {inner} in c.spend({call}, {self._values - before})]"
        return f"(None if ({inner} := {call}) is None else {body})"


def _in_terms_of(leaf: str, element: str) -> str:
    """A leaf's expression with the element's name for ``e``."""
    if leaf.startswith("e"):
        return element + leaf[1:]
    return leaf.replace("(e.", f"({element}.")
