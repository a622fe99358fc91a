"""What stacks will have deployed: their resources, their state machines, and the calls that these make."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from security.checks.synthesis import Synthesis

_SDK = "aws-sdk:"
_DEFINITIONS = ("DataQuality", "ModelQuality", "ModelBias", "ModelExplainability")
_LIKE_CALLS = {
    "AWS::SageMaker::Model": "CreateModel",
    "AWS::SageMaker::EndpointConfig": "CreateEndpointConfig",
    "AWS::SageMaker::MonitoringSchedule": "CreateMonitoringSchedule",
    **{f"AWS::SageMaker::{name}JobDefinition": f"Create{name}JobDefinition" for name in _DEFINITIONS},
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
class Grant:
    """A statement of a policy that says what one role may do, or may not.

    Parameters
    ----------
    path : str
        Of the policy.
    services : frozenset of str
        Which may take on the role.
    statement : mapping
        As in the policy.
    pipeline : str
        Its name, which names of what belongs to it hold.
    """

    path: str
    role: str
    services: frozenset[str]
    statement: Mapping[str, Any]
    pipeline: str

    @property
    def actions(self) -> list[str]:
        """What is allowed or denied."""
        return listed(self.statement["Action"])

    @property
    def resources(self) -> list[str]:
        """On what."""
        return listed(self.statement["Resource"])

    @property
    def conditions(self) -> set[str]:
        """Names of the keys that requests must have, in lower case."""
        return {key.lower() for block in self.statement.get("Condition", {}).values() for key in block}


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
    instances : int
        With how many an endpoint begins at least, where the state machine finds their number out as it runs.
    """

    path: str
    state: str
    service: str
    operation: str
    arguments: Mapping[str, Any]
    private: bool = False
    instances: int = 0

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

    def of_type(self, *kinds: str) -> list[Resource]:
        """Return all resources of some types."""
        return [resource for resource in self.resources if resource.kind in kinds]

    def arn(self, resource: Resource) -> str:
        """Return a resource's ARN; ``KeyError`` for a type whose ARNs are not known here."""
        stack, _, logical = resource.name.partition(".")
        return self._synthesis.templates.arn(stack, logical)

    @cached_property
    def rotating_keys(self) -> frozenset[str]:
        """ARNs of the deployment's own keys that are exchanged every year."""
        keys = self.of_type("AWS::KMS::Key")
        return frozenset(self.arn(key) for key in keys if key.properties.get("EnableKeyRotation") is True)

    @cached_property
    def machines(self) -> list[Machine]:
        """All state machines."""
        return [
            Machine(resource.path, json.loads(resource.properties["DefinitionString"]))
            for resource in self.resources
            if resource.kind == "AWS::StepFunctions::StateMachine"
        ]

    @cached_property
    def grants(self) -> list[Grant]:
        """All statements of the policies of roles."""
        roles = {one.name: one for one in self.resources if one.kind == "AWS::IAM::Role"}
        pipeline = self._synthesis.pipeline.name if self._synthesis.pipeline else ""
        own = [
            (one.path, name, policy["PolicyDocument"])
            for name, one in roles.items()
            for policy in one.properties.get("Policies", [])
        ]
        apart = [
            (one.path, role, one.properties["PolicyDocument"])
            for one in self.resources
            if one.kind in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy")
            for role in one.properties.get("Roles", [])
        ]
        return [
            Grant(path, role, trusted(roles[role]), statement, pipeline)
            for path, role, document in (*own, *apart)
            for statement in listed(document["Statement"])
        ]

    @cached_property
    def private(self) -> bool:
        """Whether the pipeline has a network of its own."""
        return any(resource.kind == "AWS::EC2::VPC" for resource in self.resources)

    @cached_property
    def calls(self) -> list[Call]:
        """All calls that state machines make, and what makes the resources that rules on calls know."""
        known = (self.private, self._least_instances())
        made = [
            Call(machine.path, name, *called(state["Resource"]), state.get("Arguments", {}), *known)
            for machine in self.machines
            for name, state in machine.tasks.items()
        ]
        resources = [
            Call(one.path, "", "sagemaker", _LIKE_CALLS[one.kind], one.properties, *known)
            for one in self.resources
            if one.kind in _LIKE_CALLS
        ]
        return made + resources

    def _least_instances(self) -> int:
        pipeline = self._synthesis.pipeline
        if pipeline is None:
            return 0
        endpoint = pipeline.endpoint
        return min(endpoint.instances, endpoint.scaling.min if endpoint.scaling else endpoint.instances)


def listed(value: Any) -> list[Any]:
    """Return a value that may be given alone or in a list as a list."""
    return list(value) if isinstance(value, list | tuple) else [value]


def trusted(role: Resource) -> frozenset[str]:
    """Return the services that may take on `role`."""
    statements = listed(role.properties["AssumeRolePolicyDocument"]["Statement"])
    return frozenset(
        str(name) for statement in statements for name in listed(statement["Principal"].get("Service", []))
    )


def role_of(function: Resource) -> str:
    """Return the name of a function's role."""
    return str(function.properties["Role"]).rpartition("/")[2]


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
