"""Synthesises the stacks of a deployment as checkers want them: with what is acknowledged beside, not in the way."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import aws_cdk as cdk
from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct

from headrace.config.pipeline import Pipeline
from infra.code_bundle import REPO
from infra.pipeline_app import add_stacks
from security.checks.findings import Acknowledgement
from security.templates import Templates

_TEMPLATE = ".template.json"


@dataclass(frozen=True)
class Synthesis:
    """Stacks, what was written of them, and what they acknowledge.

    Parameters
    ----------
    app : App
        The tree of constructs.
    folder : Path
        Templates, and the report of the CDK's own validation.
    acknowledgements : list of Acknowledgement
        Of all constructs.
    pipeline : Pipeline, optional
        What the stacks are of.
    """

    app: cdk.App
    folder: Path
    acknowledgements: list[Acknowledgement] = field(default_factory=list)
    pipeline: Pipeline | None = None

    @cached_property
    def files(self) -> dict[str, Path]:
        """The templates' files by their stacks."""
        return {file.name.removesuffix(_TEMPLATE): file for file in sorted(self.folder.glob(f"*{_TEMPLATE}"))}

    @cached_property
    def templates(self) -> Templates:
        """All templates."""
        return Templates({stack: json.loads(file.read_text()) for stack, file in self.files.items()})

    @cached_property
    def paths(self) -> dict[tuple[str, str], str]:
        """The constructs' paths by stack and logical id."""
        return {
            (stack, entry["data"]): path.removeprefix("/")
            for stack in self.files
            for path, entries in json.loads((self.folder / f"{stack}.metadata.json").read_text()).items()
            for entry in entries
            if entry["type"] == "aws:cdk:logicalId"
        }


def synthesise(fields: Mapping[str, Any], folder: Path) -> Synthesis:
    """Synthesise the stacks of the pipeline with these fields into `folder`."""
    app, pipeline = new_app(folder), Pipeline.model_validate(fields)
    with _acknowledged_beside() as acknowledgements:
        add_stacks(app, pipeline)
        app.synth()
    return Synthesis(app, folder, acknowledgements, pipeline)


def new_app(folder: Path, **more: Any) -> cdk.App:
    """Return an app with the project's context, and `more`, that writes to `folder`."""
    context = json.loads((REPO / "cdk.json").read_text())["context"]
    return cdk.App(context={**context, **more}, outdir=str(folder))


class _Beside:
    """Takes what a construct acknowledges, and hides nothing from the checkers."""

    def __init__(self, construct: IConstruct, taken: list[Acknowledgement]) -> None:
        self._construct, self._taken = construct, taken

    def acknowledge(self, *rules: Acknowledgment) -> None:
        path = self._construct.node.path
        self._taken += [Acknowledgement(path, rule.id, rule.reason or "") for rule in rules]


@contextmanager
def _acknowledged_beside() -> Iterator[list[Acknowledgement]]:
    """Collect all acknowledgements: cdk-nag leaves out what is acknowledged, and so would not tell whether it is found."""
    taken: list[Acknowledgement] = []
    of = Validations.of
    Validations.of = staticmethod(lambda construct: _Beside(construct, taken))  # type: ignore[assignment, method-assign]
    try:
        yield taken
    finally:
        Validations.of = of  # type: ignore[method-assign]
