"""The text of definitions, in the style that was chosen."""

from __future__ import annotations

from ...flow.suite import nodes, repeating
from ...flow.suite.variables import generated_variables
from ...flow.suite.writer import Style as CoreStyle
from ...flow.suite.writer import write_definition
from .asking import suite_time
from .enums import Style

_STYLES = {
    Style.NOTHING: CoreStyle.DEFS,
    Style.DEFS: CoreStyle.DEFS,
    Style.STATE: CoreStyle.STATE,
    Style.MIGRATE: CoreStyle.MIGRATE,
}


class PrintStyle:
    """What ``str`` prints of definitions and nodes, for the whole process."""

    _style = Style.NOTHING

    @classmethod
    def get_style(cls) -> Style:
        """The style."""
        return cls._style

    @classmethod
    def set_style(cls, style: Style) -> None:
        """Choose a style; ``Style.NOTHING`` is as ``Style.DEFS``."""
        cls._style = style


def text_of(core: nodes.Defs | nodes.Node, style: Style | None = None) -> str:
    """The text of a tree, or of a node with all below it; in `PrintStyle` if none is given."""
    chosen = _STYLES[PrintStyle.get_style() if style is None else style]
    text = write_definition(core, chosen, generated=_generated)
    if isinstance(core, nodes.Suite):
        lines = text.split("\n")
        return "\n".join(lines[1:-2] + lines[-1:]) if chosen is CoreStyle.DEFS else "\n".join(lines[1:])
    return text


def _generated(node: nodes.Node) -> list[tuple[str, str]]:
    return list((generated_variables(node, suite_time) | repeating.variables(node.repeat)).items())
