"""Walks through a state machine definition with answers for its tasks, as Step Functions would."""

from dataclasses import dataclass, field

from jsonata import Jsonata

from tests.infra.state_machines import JSONATA

_EXECUTION = {"Id": "arn:aws:states:us-east-1:123456789012:execution:deployment:e1"}
_ENTERED = "2026-01-31T12:00:00.000Z"
_MOST_STATES = 500


class TaskError(Exception):
    """A task fails with an error's name and a cause."""


@dataclass
class Walk:
    """One execution.

    Parameters
    ----------
    answers : dict
        By the name of a task state: its result, an exception, or a function that is given the arguments. A list has one
        of these for each visit; the last stays.
    """

    definition: dict
    answers: dict
    variables: dict = field(default_factory=dict)
    visited: list = field(default_factory=list)
    calls: list = field(default_factory=list)
    cause: str = ""

    def run(self, input):
        """Walk to the end and return the name of the last state."""
        name = self.definition["StartAt"]
        while name:
            assert len(self.visited) < _MOST_STATES, self.visited[-20:]
            self.visited.append(name)
            state = self.definition["States"][name]
            name, input = getattr(self, f"_{state['Type'].lower()}")(name, state, input)
        return self.visited[-1]

    def arguments(self, name):
        """Return what each call of a task state was given."""
        return [arguments for called, arguments in self.calls if called == name]

    # --- by type

    def _pass(self, name, state, input):
        self._assign(state, {"input": input})
        return state["Next"], self._value(state.get("Output", "{% $states.input %}"), {"input": input})

    def _wait(self, name, state, input):
        return state["Next"], input

    def _choice(self, name, state, input):
        for rule in state["Choices"]:
            if self._value(rule["Condition"], {"input": input}) is True:
                return rule["Next"], input
        return state["Default"], input

    def _task(self, name, state, input):
        arguments = self._value(state.get("Arguments", {}), {"input": input})
        self.calls.append((name, arguments))
        try:
            result = self._answer(name, arguments)
        except TaskError as failure:
            return self._catch(name, state, input, failure)
        seen = {"input": input, "result": result}
        output = self._value(state["Output"], seen) if "Output" in state else result
        self._assign(state, seen)
        return state["Next"], output

    def _succeed(self, name, state, input):
        return None, input

    def _fail(self, name, state, input):
        self.cause = self._value(state["Cause"], {"input": input})
        return None, input

    # --- what they share

    def _answer(self, name, arguments):
        answer = self.answers[name]
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if isinstance(answer, Exception):
            raise answer
        return answer(arguments) if callable(answer) else answer

    def _catch(self, name, state, input, failure):
        error, cause = failure.args
        for rule in state.get("Catch", []):
            if error in rule["ErrorEquals"] or "States.ALL" in rule["ErrorEquals"]:
                self._assign(rule, {"input": input, "errorOutput": {"Error": error, "Cause": cause}})
                return rule["Next"], {"Error": error, "Cause": cause}
        raise AssertionError(f"{name} failed, and nobody caught it: {error}: {cause}")

    def _assign(self, state, seen):
        self.variables |= self._value(state.get("Assign", {}), seen)

    def _value(self, template, seen):
        if isinstance(template, dict):
            return {name: self._value(value, seen) for name, value in template.items()}
        if isinstance(template, list):
            return [self._value(value, seen) for value in template]
        if not isinstance(template, str) or not (found := JSONATA.match(template)):
            return template
        expression = Jsonata(found[1])
        context = {
            "Execution": _EXECUTION,
            "State": {"EnteredTime": _ENTERED, "RetryCount": 0},
            "Task": {"Token": "token"},
        }
        value = expression.evaluate({}, {**self.variables, "states": {"context": context, **seen}})
        assert value is not None or found[1].strip() == "null", f"{found[1]} is nothing"
        return value
