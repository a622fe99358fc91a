"""What stacks will have deployed: their resources, their state machines, and the calls that these make."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from security.checks.synthesis import Synthesis

_SDK = "aws-sdk:"
_LIKE_CALLS = {
    "AWS::SageMaker::Model": "CreateModel",
    "AWS::SageMaker::EndpointConfig": "CreateEndpointConfig",
}
"""Resources whose properties have the names of the arguments of a call."""


@dataclass(frozen=True)
class Resource:
    """One resource of a template, its references replaced by what they will be.

    Parameters
    ----------
    path : str
        Of the construct.
    kind : str
        CloudFormation's type.
    properties : mapping
        As in the template.
    name : str
        ``<stack>.<logical id>``, as references to it are resolved.
    """

    path: str
    kind: str
    properties: Mapping[str, Any]
    name: str = ""


@dataclass(frozen=True)
class Machine:
    """A state machine with its definition read."""

    path: str
    definition: Mapping[str, Any]

    @property
    def states(self) -> dict[str, Mapping[str, Any]]:
        """All states by name, those of branches and of maps among them."""
        return dict(_states(self.definition))

    @property
    def tasks(self) -> dict[str, Mapping[str, Any]]:
        """The states that call something."""
        return {name: state for name, state in self.states.items() if state["Type"] == "Task"}


def _states(definition: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, state in definition["States"].items():
        yield name, state
        inner = state.get("Branches", [])
        for part in (*inner, *(state[key] for key in ("ItemProcessor", "Iterator") if key in state)):
            yield from _states(part)


@dataclass(frozen=True)
class Call:
    """A call of a service, by a state machine, or what CloudFormation does to make a resource.

    Parameters
    ----------
    path : str
        Of the state machine or of the resource.
    state : str
        Name of the state; empty for a resource.
    service, operation : str
        As botocore names them, e.g. ``sagemaker`` and ``CreateModel``.
    arguments : mapping
        What is passed.
    private : bool
        Whether the pipeline has a network of its own.
    """

    path: str
    state: str
    service: str
    operation: str
    arguments: Mapping[str, Any]
    private: bool = False

    def at(self, *steps: str) -> Any:
        """Return the argument below these names; None where there is none."""
        value: Any = self.arguments
        for step in steps:
            value = value.get(step) if isinstance(value, Mapping) else None
        return value


class Deployed:
    """All stacks of a deployment, as rules want them."""

    def __init__(self, synthesis: Synthesis) -> None:
        self._synthesis = synthesis

    @cached_property
    def resources(self) -> list[Resource]:
        """All resources."""
        templates, paths = self._synthesis.templates, self._synthesis.paths
        kinds = {kind for _, _, kind in templates.resources()}
        return [
            Resource(
                paths.get((stack, logical), f"{stack}/{logical}"), kind, properties, f"{stack}.{logical}"
            )
            for kind in sorted(kinds)
            for stack, logical, properties in templates.of_type(kind)
        ]

    @cached_property
    def machines(self) -> list[Machine]:
        """All state machines."""
        return [
            Machine(resource.path, json.loads(resource.properties["DefinitionString"]))
            for resource in self.resources
            if resource.kind == "AWS::StepFunctions::StateMachine"
        ]

    @cached_property
    def private(self) -> bool:
        """Whether the pipeline has a network of its own."""
        return any(resource.kind == "AWS::EC2::VPC" for resource in self.resources)

    @cached_property
    def calls(self) -> list[Call]:
        """All calls that state machines make, and what makes the resources that rules on calls know."""
        made = [
            Call(machine.path, name, *called(state["Resource"]), state.get("Arguments", {}), self.private)
            for machine in self.machines
            for name, state in machine.tasks.items()
        ]
        resources = [
            Call(one.path, "", "sagemaker", _LIKE_CALLS[one.kind], one.properties, self.private)
            for one in self.resources
            if one.kind in _LIKE_CALLS
        ]
        return made + resources


def called(resource: str) -> tuple[str, str]:
    """Return service and operation that a task's ``Resource`` names.

    Examples
    --------
    >>> called("arn:aws:states:::sagemaker:createTrainingJob.sync")
    ('sagemaker', 'CreateTrainingJob')
    >>> called("arn:aws:states:::aws-sdk:sagemaker:createModel")
    ('sagemaker', 'CreateModel')
    """
    name = resource.partition(":::")[2].removeprefix(_SDK)
    service, _, action = name.partition(":")
    action = action.partition(".")[0]
    return service, action[:1].upper() + action[1:]
