"""Rules on the definitions of state machines: that they can run, end, and fail well."""

from __future__ import annotations

from collections.abc import Iterator

from security.checks.argument_shapes import complaints
from security.checks.deployed import Call, Machine, Resource
from security.checks.rules.rule import of_calls, of_machines, of_resources
from security.checks.transitions import dangling, unreachable

_MACHINE = "AWS::StepFunctions::StateMachine"
_ALL = "States.ALL"


@of_machines
def transitions_lead_to_states(machine: Machine) -> Iterator[str]:
    """Let every transition lead to a state, those after errors too."""
    yield from (f"{name} is no state" for name in dangling(machine.definition))


@of_machines
def states_are_reached(machine: Machine) -> Iterator[str]:
    """Have no state that no transition leads to."""
    yield from (f"{name} is not reached" for name in unreachable(machine.definition))


@of_machines
def executions_end(machine: Machine) -> Iterator[str]:
    """Give executions as a whole a longest time."""
    if not machine.definition.get("TimeoutSeconds"):
        yield "TimeoutSeconds is missing"


@of_machines
def tasks_end(machine: Machine) -> Iterator[str]:
    """Give every task a longest time."""
    for name, state in machine.tasks.items():
        if not (state.get("TimeoutSeconds") or state.get("TimeoutSecondsPath")):
            yield f"{name} has no TimeoutSeconds"


@of_machines
def tasks_are_tried_again(machine: Machine) -> Iterator[str]:
    """Try every task again after errors of the service, apart from other executions by chance."""
    for name, state in machine.tasks.items():
        retries = state.get("Retry", [])
        if not retries or any(retry.get("JitterStrategy") != "FULL" for retry in retries):
            yield f"{name} has no Retry, or one without jitter"


@of_machines
def catch_all_comes_last(machine: Machine) -> Iterator[str]:
    """Name ``States.ALL`` alone, and last: Step Functions refuses anything else."""
    for name, state in machine.tasks.items():
        for kind in ("Retry", "Catch"):
            rules = [rule["ErrorEquals"] for rule in state.get(kind, [])]
            if any(_ALL in errors and errors != [_ALL] for errors in rules) or [_ALL] in rules[:-1]:
                yield f"{name}: {_ALL} of {kind} is not alone and last"


@of_calls()
def calls_fit_their_operations(call: Call) -> Iterator[str]:
    """Pass what the called operation takes, by the names and types of AWS's own model of it."""
    if call.state:
        yield from complaints(call.service, call.operation, call.arguments)


@of_resources(_MACHINE)
def logs_of_executions_show_no_data(resource: Resource) -> Iterator[str]:
    """Log executions, and never what they pass from state to state."""
    logging = resource.properties.get("LoggingConfiguration", {})
    if logging.get("Level") != "ALL" or logging.get("IncludeExecutionData") is not False:
        yield "LoggingConfiguration is not ALL with IncludeExecutionData false"


@of_resources(_MACHINE)
def executions_are_traced(resource: Resource) -> Iterator[str]:
    """Trace executions."""
    if resource.properties.get("TracingConfiguration", {}).get("Enabled") is not True:
        yield "TracingConfiguration is not enabled"
