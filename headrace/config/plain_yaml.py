"""YAML as pipeline files have it: nothing that only machines write, and no word that means something else."""

from __future__ import annotations

import re
from typing import Any

import yaml

_DEEPEST = 20


class PlainLoader(yaml.SafeLoader):
    """YAML without surprises: numbers are decimal, `no` and dates are words, nothing stands for something else."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Refuse aliases and deep nesting, with which a small file becomes a huge or an endless one."""
        events: Any = self  # the stubs leave the parser's methods untyped
        event = events.peek_event()
        where: Any = event.start_mark
        if isinstance(event, yaml.AliasEvent):
            problem = f"write out what `*{event.anchor}` stands for"
            raise yaml.composer.ComposerError(None, None, problem, where)
        self.depth += 1
        if self.depth > _DEEPEST:
            raise yaml.composer.ComposerError(None, None, "nested too deeply", where)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


_TAG = "tag:yaml.org,2002:"
_LITERALS = (  # YAML 1.2's; of PyYAML's own, which are YAML 1.1's, only null and the merge key stay
    (f"{_TAG}bool", "true|false", "tf"),
    (f"{_TAG}int", "[-+]?(?:0|[1-9][0-9]*)", "-+0123456789"),
    (
        f"{_TAG}float",
        r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?",
        "-+.0123456789",
    ),
)
PlainLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag in (f"{_TAG}null", f"{_TAG}merge")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _tag, _pattern, _first in _LITERALS:
    PlainLoader.add_implicit_resolver(_tag, re.compile(f"^(?:{_pattern})$"), list(_first))
