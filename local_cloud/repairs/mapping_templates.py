"""API Gateway's mapping templates of answers, as far as they choose a status: a part of Velocity's language.

Known are ``#set``, ``#if``, ``#else`` and ``#end``; ``$input.path``, ``$input.json``, ``$input.body`` and variables; numbers,
texts, comparisons, ``&&`` and ``||``; and ``$context.responseOverride.status``. The emulator's own renderer has no conditions.

References
----------
.. [1] API Gateway developer guide, "Mapping template transformations for REST APIs" and "Override your API's request and
   response parameters and status codes".
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from local_cloud.repairs.json_path import PathError, select

_DIRECTIVE = re.compile(r"#(?P<name>set|if|elseif|else|end)\b[ \t]*")
_REFERENCE = re.compile(
    r"\$!?(?:input\.(?P<function>path|json)\('(?P<path>[^']*)'\)|(?P<name>[A-Za-z][\w.]*))"
)
_COMPARISON = re.compile(r"(?P<left>.+?)\s*(?P<sign>==|!=|<=|>=|<|>)\s*(?P<right>.+)", re.DOTALL)
_SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_STATUS = "context.responseOverride.status"


class TemplateError(Exception):
    """The template is wrong, or says something that is not known here."""


@dataclass
class Rendering:
    """A template that is being rendered.

    Parameters
    ----------
    body : str
        What ``$input`` is.
    variables : dict
        What has been set, by name.
    """

    body: str
    variables: dict[str, Any] = field(default_factory=dict)

    def value(self, expression: str) -> Any:
        """Return what an expression means."""
        text = expression.strip()
        if "||" in text:
            return any(self.value(part) for part in text.split("||"))
        if "&&" in text:
            return all(self.value(part) for part in text.split("&&"))
        if compared := _COMPARISON.fullmatch(text):
            return self._compare(compared)
        if reference := _REFERENCE.fullmatch(text):
            return self.refer(reference)
        if text[:1] in "'\"" and text[-1:] == text[:1] and len(text) > 1:
            return text[1:-1]
        if re.fullmatch(r"-?\d+", text):
            return int(text)
        raise TemplateError(f"{text!r} is no expression that is known here")

    def refer(self, reference: re.Match[str]) -> Any:
        """Return what a reference means; None if there is nothing."""
        if reference["function"]:
            found = self._within(reference["path"])
            return json.dumps(found) if reference["function"] == "json" else found
        if reference["name"] == "input.body":
            return self.body
        return self.variables.get(reference["name"])

    def _compare(self, compared: re.Match[str]) -> bool:
        left, right = self.value(compared["left"]), self.value(compared["right"])
        try:
            return _SIGNS[compared["sign"]](left, right)
        except TypeError:  # of different kinds: Velocity compares nothing then
            return False

    def _within(self, path: str) -> Any:
        try:
            return select(path, json.loads(self.body))
        except (ValueError, PathError):
            return None


def render(template: str, body: str) -> tuple[str, int | None]:
    """Return what a template makes of an answer, and the status that it sets, if any.

    Examples
    --------
    >>> render("#if($input.path('$.code') == 4)four#else other#end", '{"code": 5}')
    ('other', None)
    >>> render("#set($context.responseOverride.status = 418)$input.path('$.text')", '{"text": "teapot"}')
    ('teapot', 418)
    """
    rendering = Rendering(body)
    text, rest = _block(template, rendering, active=True)
    if rest:
        raise TemplateError("#end without #if")
    status = rendering.variables.get(_STATUS)
    return text, status if isinstance(status, int) else None


def _block(template: str, rendering: Rendering, *, active: bool) -> tuple[str, str]:
    """Render up to the directive that ends this block; return the text, and the rest from that directive on."""
    text = ""
    while directive := _DIRECTIVE.search(template):
        if active:
            text += _plain(template[: directive.start()], rendering)
        name, rest = directive["name"], template[directive.end() :]
        if name in ("else", "elseif", "end"):
            return text, template[directive.start() :]
        argument, rest = _argument(rest)
        if name == "set":
            template = rest
            if active:
                _set(argument, rendering)
            continue
        chosen, template = _choice(argument, rest, rendering, active=active)
        text += chosen
    return text + (_plain(template, rendering) if active else ""), ""


def _choice(condition: str, rest: str, rendering: Rendering, *, active: bool) -> tuple[str, str]:
    """Render one ``#if`` whose condition is read already; return the text of the branch that is taken, and the rest."""
    chosen, taken = "", False
    holds = active and bool(rendering.value(condition))
    while True:
        text, rest = _block(rest, rendering, active=holds)
        chosen, taken = (text, True) if holds else (chosen, taken)
        directive = _DIRECTIVE.match(rest)
        if directive is None:
            raise TemplateError("#if without #end")
        rest = rest[directive.end() :]
        if directive["name"] == "end":
            return chosen, rest.removeprefix("\n")
        if directive["name"] == "elseif":
            condition, rest = _argument(rest)
            holds = active and not taken and bool(rendering.value(condition))
        else:
            rest, holds = rest.removeprefix("\n"), active and not taken


def _set(argument: str, rendering: Rendering) -> None:
    name, sign, expression = argument.partition("=")
    if not sign or not name.strip().startswith("$"):
        raise TemplateError(f"#set({argument}) sets nothing")
    rendering.variables[name.strip().lstrip("$")] = rendering.value(expression)


def _argument(text: str) -> tuple[str, str]:
    """Split ``(argument)rest``; the end of a line after it belongs to the directive."""
    depth = 0
    for place, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0:
            if place == 0:
                break
            return text[1:place], text[place + 1 :].removeprefix("\n")
    raise TemplateError("a directive without its parentheses")


def _plain(text: str, rendering: Rendering) -> str:
    def written(reference: re.Match[str]) -> str:
        value = rendering.refer(reference)
        if value is None:
            return "" if reference["function"] else reference[0]
        return value if isinstance(value, str) else json.dumps(value)

    return _REFERENCE.sub(written, text)
