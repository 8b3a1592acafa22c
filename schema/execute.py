"""Answers a GraphQL request: the one door to this room."""

from __future__ import annotations

import contextlib
import inspect
from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec
from attrs import define
from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    get_operation_ast,
    parse,
    validate,
)
from graphql import (
    execute as graphql_execute,
)
from graphql.execution.values import get_variable_values

from .context import AT_ONCE, Context, Resolvers
from .exceptions import AnswerTooLarge, QueryError
from .projection import Projection, compile_query
from .schema import schema
from .strip import Plan, strip, strip_plan

if TYPE_CHECKING:
    from ..flow.picture.picture import Picture

QUERIES_KEPT = 256
"""How many queries stay parsed, validated and compiled."""
MOST_TOKENS = 20_000
"""A longer query is refused before it costs anything."""
MOST_FIELDS = 1_000
"""A query that asks for more fields, fragments written out wherever they are spread, is refused."""
SHORT_TEXT = 500
"""Characters of a query that is parsed and validated within a few milliseconds."""


@define
class PreparedQuery:
    """A query that was parsed and found valid."""

    document: DocumentNode
    operation: OperationDefinitionNode
    projection: Projection | None
    may_strip: bool
    is_light: bool
    """Asks only how the workflow is named, reached and doing: what it takes no look at instances to answer."""
    is_heavy: bool = False
    """Its last answer was too large to be given at once."""


_prepared: OrderedDict[str, PreparedQuery] = OrderedDict()


async def execute(
    picture: Picture,
    request_string: str,
    variables: Mapping[str, Any] | None = None,
    *,
    resolvers: Resolvers | None = None,
    meta: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Answer a query or carry out a mutation.

    Args:
        picture: What the run looks like.
        request_string: One operation in GraphQL.
        variables: Values of its variables.
        resolvers: Carries out the commands behind mutations; without it they are refused.
        meta: What came with the request.

    Returns:
        The ``data`` of the execution: JSON values only.

    Raises:
        QueryError: It is no valid request, or a field cannot be answered; the message has every error there is.
    """
    query = prepare(request_string)
    values = _values_of(query, variables)
    context = Context(picture, resolvers, meta)
    if query.projection is not None:
        return _projected(query.projection, query, context, values)
    if not query.is_light and query.operation.operation is OperationType.QUERY:
        picture.catch_up()
    return _stripped(query, await execute_generally(query, context, variables), values)


def answer_at_once(
    picture: Picture, request_string: str, variables: Mapping[str, Any] | None = None
) -> dict[str, Any] | None:
    """The ``data`` of a query that was compiled and whose answer is small, some 15 ms of work at most; None for a
    request that takes `execute` or `answer_in_full`, or `prepare` first.

    Raises:
        QueryError: As for `execute`.
    """
    query = _prepared.get(request_string)
    if query is None:
        if len(request_string) > SHORT_TEXT:
            return None
        query = prepare(request_string)
    if query.projection is None or query.is_heavy:
        return None
    try:
        return _projected(query.projection, query, Context(picture, limits=AT_ONCE), _values_of(query, variables))
    except AnswerTooLarge:
        query.is_heavy = True
        return None


def answer_in_full(
    picture: Picture,
    request_string: str,
    variables: Mapping[str, Any] | None = None,
    *,
    resolvers: Resolvers | None = None,
    meta: Mapping[str, Any] | None = None,
) -> bytes:
    """The ``data`` of any query as JSON, however long it takes up to `MOST_SECONDS`: for a copy of the process.

    Raises:
        QueryError: As for `execute`; the request is a mutation.
    """
    query = prepare(request_string)
    if query.operation.operation is not OperationType.QUERY:
        raise QueryError("Only queries are answered in a copy")
    values = _values_of(query, variables)
    context = Context(picture, resolvers, meta)
    if query.projection is not None:
        data = query.projection(context, values)
    else:
        result = graphql_execute(schema(), query.document, context_value=context, variable_values=dict(variables or {}))
        assert isinstance(result, ExecutionResult)
        data = _data_of(result)
    return msgspec.json.encode(_stripped(query, data, values))


def _values_of(query: PreparedQuery, variables: Mapping[str, Any] | None) -> dict[str, Any]:
    """The values of a request's variables."""
    if query.operation.operation is OperationType.SUBSCRIPTION:
        raise QueryError("Subscriptions are not served here: subscribe to what the scheduler publishes")
    values = get_variable_values(schema(), query.operation.variable_definitions or (), dict(variables or {}))
    if isinstance(values, list):
        raise _refused(values)
    return values


def _projected(
    projection: Projection, query: PreparedQuery, context: Context, values: dict[str, Any]
) -> dict[str, Any]:
    if not query.is_light:
        context.picture.catch_up()
    return _stripped(query, projection(context, values), values)


def _stripped(query: PreparedQuery, data: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    if query.may_strip:
        plan: Plan | None = strip_plan(query.document, query.operation, values)
        if plan is not None:
            return strip(data, plan)
    return data


def operation_of(request_string: str) -> str:
    """``query``, ``mutation`` or ``subscription``: what a request wants to do.

    Raises:
        QueryError: It is no valid request.
    """
    return str(prepare(request_string).operation.operation.value)


def root_fields(request_string: str) -> dict[str, str]:
    """The fields a request asks for at the top, by the key each has in the answer.

    Raises:
        QueryError: It is no valid request.
    """
    query = prepare(request_string)
    fragments = {
        one.name.value: one.selection_set
        for one in query.document.definitions
        if isinstance(one, FragmentDefinitionNode)
    }
    found: dict[str, str] = {}
    selections: list[SelectionSetNode] = [query.operation.selection_set]
    while selections:
        for node in selections.pop().selections:
            if isinstance(node, FieldNode):
                found[node.alias.value if node.alias else node.name.value] = node.name.value
            elif isinstance(node, FragmentSpreadNode):
                selections.append(fragments[node.name.value])
            elif isinstance(node, InlineFragmentNode):
                selections.append(node.selection_set)
    return found


async def execute_generally(
    query: PreparedQuery, context: Context, variables: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The data of a request by way of the general executor, which can answer all of them."""
    result = graphql_execute(schema(), query.document, context_value=context, variable_values=dict(variables or {}))
    if inspect.isawaitable(result):
        result = await result
    assert isinstance(result, ExecutionResult)
    return _data_of(result)


def _data_of(result: ExecutionResult) -> dict[str, Any]:
    if result.errors:
        raise _refused(result.errors)
    return result.data or {}


def prepare(text: str) -> PreparedQuery:
    """Parse, validate and compile a request, or remember that it was done; raises `QueryError`."""
    query = _prepared.get(text)
    if query is not None:
        with contextlib.suppress(KeyError):  # long ones are prepared in a thread
            _prepared.move_to_end(text)
        return query
    try:
        document = parse(text, max_tokens=MOST_TOKENS)
    except GraphQLError as error:
        raise _refused([error]) from None
    if _fields_of(document) > MOST_FIELDS:
        raise QueryError(f"The query asks for more than {MOST_FIELDS} fields: ask for them in several")
    errors = validate(schema(), document)
    if errors:
        raise _refused(errors)
    operation = get_operation_ast(document)
    if operation is None:
        raise QueryError("The request must hold exactly one operation: a query or a mutation")
    projection = compile_query(schema(), document, operation)
    query = _prepared[text] = PreparedQuery(document, operation, projection, "stripNull" in text, _is_light(operation))
    while len(_prepared) > QUERIES_KEPT:
        _prepared.popitem(last=False)
    return query


def _fields_of(document: DocumentNode) -> int:
    """How many fields the largest part of a document asks for, fragments written out wherever they are spread."""
    fragments = {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}
    known: dict[str, int] = {}

    def count(selections: SelectionSetNode | None) -> int:
        total = 0
        for node in () if selections is None else selections.selections:
            if isinstance(node, FragmentSpreadNode):
                name = node.name.value
                if name not in known and name in fragments:
                    # Nothing until it is known, as in one that spreads itself, which validation refuses.
                    known[name] = 0
                    known[name] = count(fragments[name].selection_set)
                total += 1 + known.get(name, 0)
            elif isinstance(node, FieldNode | InlineFragmentNode):
                total += 1 + count(node.selection_set)
        return total

    return max((count(getattr(one, "selection_set", None)) for one in document.definitions), default=0)


_LIGHT_FIELDS = frozenset(
    {"id", "name", "status", "statusMsg", "host", "port", "pubPort", "owner", "apiVersion", "cylcVersion", "runMode"}
)


def _is_light(operation: OperationDefinitionNode) -> bool:
    def names(selections: SelectionSetNode | None) -> list[str]:
        nodes = () if selections is None else selections.selections
        return [node.name.value if isinstance(node, FieldNode) else "..." for node in nodes]

    return all(
        isinstance(node, FieldNode)
        and node.name.value == "workflows"
        and _LIGHT_FIELDS.issuperset(names(node.selection_set))
        for node in operation.selection_set.selections
    )


def _refused(errors: list[GraphQLError]) -> QueryError:
    """One clear message: each error with where it is in the query."""
    lines = []
    for error in errors:
        place = ""
        if error.locations:
            location = error.locations[0]
            place = f" (line {location.line}, column {location.column})"
        lines.append(f"{error.message}{place}")
    return QueryError("\n".join(dict.fromkeys(lines)))
