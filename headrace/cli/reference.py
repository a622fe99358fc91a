"""Writes docs/pipeline-file.md from the models, so that it cannot say anything else than they do."""

from __future__ import annotations

from collections.abc import Iterator
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from headrace.config.block import block_of, listed_blocks, named_block_of
from headrace.config.pipeline import Pipeline

_PLAIN = {str: "text", int: "whole number", float: "number", bool: "true or false"}

_HEAD = """\
# The pipeline file

`pipelines/<name>.yaml` says everything about one prediction problem. `headrace init data.csv --target <column>` writes one from
a data file; `headrace validate <name>` checks it. With the first line below, editors complete and check the fields.

Five lines are enough:

```yaml
# yaml-language-server: $schema=schema.json
name: bike
problem: regression
target: cnt
id: instant
time: dteday
```

A mistake is told with its line and with what is allowed, all mistakes at once:

```console
$ headrace validate bike
headrace: pipelines/bike.yaml:2: problem: should be 'binary', 'multiclass' or 'regression', not 'regresion'; what kind of answer is predicted.
```

A file that uses most of what there is:

```yaml
# yaml-language-server: $schema=schema.json
name: churn
problem: binary
target: churned
id: customer                # newer rows replace older ones
time: month
ignore: [account_manager]   # known only afterwards
columns:
  tariff: category          # a number in the files, but a code
split:
  by: time                  # judged on the newest rows
  test_share: 0.25
training:
  estimator: random_forest
  hyperparameters: {n_estimators: 300, min_samples_leaf: 5}
  instance: ml.m5.xlarge
  min_rows: 5000
evaluation:
  metric: average_precision
  min_value: 0.4            # below that, no model is better than the one in service
  min_improvement: 0.01
approval: manual
endpoint:
  kind: realtime
  instance: ml.c6i.large
  instances: 2
monitoring:
  schedule: cron(0 6 * * ? *)
  false_alarms: 1 per year
retraining:
  on: [drift, schedule]
  min_new_rows: 1000
  cooldown_minutes: 1440
on_destroy: retain
notify: ml-team@example.org
```

Here are all the fields. This page is made from the models (`headrace schema --markdown`).
"""


def reference_text() -> str:
    """Return the page: a section per block of the file, a table of its fields in each."""
    sections = [_HEAD, _section("The problem", "", Pipeline)]
    for name, field in Pipeline.model_fields.items():
        if block := block_of(field):
            sections += _sections(name, field.description or "", block)
    return "\n".join(sections)


def _sections(path: str, text: str, model: type[BaseModel]) -> Iterator[str]:
    """Yield the section of a block, and those of the blocks within it."""
    yield _section(f"`{path}`", text, model)
    for name, field in model.model_fields.items():
        if inner := block_of(field):
            yield from _sections(f"{path}.{name}", field.description or "", inner)
        if named := named_block_of(field):
            yield _section(f"`{path}.{name}.<name>`", named.__doc__ or "", named)
        for tag, block in listed_blocks(field).items():
            first = next(iter(block.model_fields))
            title = f"`{path}.{name}`: `{first}: {tag}`" if tag != "own" else f"`{path}.{name}`: your own"
            yield _section(title, block.model_fields[first].description or "", block, without=first)


def _section(title: str, text: str, model: type[BaseModel], *, without: str = "") -> str:
    rows = [
        f"| `{name}` | {_kind(field)} | {_default(field)} | {field.description} |"
        for name, field in model.model_fields.items()
        if name != without and not (block_of(field) and model is Pipeline)
    ]
    head = ["| field | value | default | meaning |", "|---|---|---|---|"]
    return "\n".join([f"## {title}", "", *([text, ""] if text else []), *head, *rows, ""])


def _kind(field: FieldInfo) -> str:
    if listed_blocks(field):
        return "list of the blocks below"
    if block_of(field):
        return "a block, below"
    if named_block_of(field):
        return "blocks by name, below"
    limits = " and ".join(_limits(field))
    return f"{_words(field.annotation)}{', ' + limits if limits else ''}"


def _words(kind: Any) -> str:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in arguments)
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(_words(part) for part in arguments if part is not NoneType))
    if origin is tuple:
        parts = list(map(_words, arguments)) if Ellipsis not in arguments else []
        return " and ".join(parts) or f"list of {_words(arguments[0])}"
    if origin is dict:
        return f"{_words(arguments[1])} by name"
    if hasattr(kind, "__metadata__"):
        return _words(arguments[0])
    return _PLAIN.get(kind, str(kind))


def _limits(field: FieldInfo) -> Iterator[str]:
    for limit in field.metadata:
        for name, sign in (("gt", ">"), ("ge", "≥"), ("lt", "<"), ("le", "≤")):
            value = getattr(limit, name, None)
            if value is not None:
                yield f"{sign} {value}"


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    if value is PydanticUndefined:
        return "**required**"
    if value is None or value in ((), {}):
        return "none"
    return ", ".join(f"`{item}`" for item in (value if isinstance(value, tuple) else (value,)))
