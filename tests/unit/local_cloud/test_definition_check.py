import json

import pytest

from local_cloud.repairs.definition_check import check_definition, refusal

DONE = {"Type": "Pass", "End": True}


def problems(states, **top):
    machine = {"StartAt": next(iter(states), "A"), "States": states, **top}
    return [str(problem) for problem in check_definition(json.dumps(machine))]


@pytest.mark.parametrize(
    "states",
    [
        {"A": DONE},
        {"A": {"Type": "Wait", "Seconds": 1, "Next": "B"}, "B": {"Type": "Succeed"}},
        {
            "A": {
                "Type": "Task",
                "Resource": "arn:aws:states:::lambda:invoke",
                "Parameters": {"FunctionName": "f"},
                "Retry": [
                    {"ErrorEquals": ["E"], "MaxDelaySeconds": 5, "JitterStrategy": "FULL"},
                    {"ErrorEquals": ["States.ALL"]},
                ],
                "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "B"}],
                "End": True,
            },
            "B": {"Type": "Fail", "ErrorPath": "$.Error"},
        },
        {
            "A": {
                "Type": "Parallel",
                "Branches": [{"StartAt": "B", "States": {"B": DONE}}],
                "ResultSelector": {"x.$": "$[0]"},
                "Next": "C",
            },
            "C": {
                "Type": "Map",
                "ItemProcessor": {"StartAt": "D", "States": {"D": DONE}},
                "MaxConcurrencyPath": "$.n",
                "End": True,
            },
        },
        {
            "A": {
                "Type": "Choice",
                "QueryLanguage": "JSONata",
                "Choices": [{"Condition": "{% true %}", "Next": "B"}],
                "Default": "B",
            },
            "B": DONE,
        },
    ],
)
def test_valid_definitions_have_no_problems(states):
    assert problems(states) == []


@pytest.mark.parametrize(
    ("states", "found"),
    [
        (
            {"A": {"Type": "Pass", "Next": "ZZ"}, "B": {"Type": "Succeed"}},
            [
                "MISSING_TRANSITION_TARGET: Missing 'Next' target: ZZ at /States/A/Next",
                'MISSING_TRANSITION_TARGET: State "B" is not reachable. at /States/B',
            ],
        ),
        (
            {"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Pass", "Next": "A"}},
            ["MISSING_TERMINAL_STATE: No terminal state at /States"],
        ),
        (
            {
                "A": {
                    "Type": "Choice",
                    "Choices": [{"Variable": "$.a", "IsNull": True, "Next": "B"}],
                    "Default": "ZZ",
                },
                "B": DONE,
            },
            ["MISSING_TRANSITION_TARGET: Missing 'Default' target: ZZ at /States/A/Default"],
        ),
        (
            {
                "A": {
                    "Type": "Task",
                    "Resource": "arn",
                    "Catch": [{"ErrorEquals": ["E"], "Next": "ZZ"}],
                    "End": True,
                }
            },
            ["MISSING_TRANSITION_TARGET: Missing 'Next' target: ZZ at /States/A/Catch[0]/Next"],
        ),
        (
            {"A": {"Type": "Parallel", "Branches": [{"StartAt": "A", "States": {"A": DONE}}], "End": True}},
            ["DUPLICATE_STATE_NAME: Duplicate State name: A at /States/A/Branches[0]/States/A"],
        ),
        (
            {},
            [
                "SCHEMA_VALIDATION_FAILED: The field 'States' is required and must have at least one state at /States"
            ],
        ),
    ],
)
def test_flaws_of_the_flow_are_told_with_their_place(states, found):
    assert problems(states) == found


TASK = {"Type": "Task", "Resource": "arn", "End": True}


@pytest.mark.parametrize(
    ("state", "location"),
    [
        ({"Type": "Sleep", "End": True}, "/States/A/Type"),
        ({"End": True}, "/States/A/Type"),
        ({"Type": "Task", "End": True}, "/States/A/Resource"),
        ({"Type": "Pass"}, "/States/A"),
        ({"Type": "Pass", "Next": "A", "End": True}, "/States/A"),
        ({"Type": "Succeed", "End": True}, "/States/A"),
        ({"Type": "Wait", "End": True}, "/States/A"),
        ({"Type": "Map", "End": True}, "/States/A/ItemProcessor"),
        ({"Type": "Parallel", "Branches": [], "End": True}, "/States/A/Branches"),
        ({**TASK, "Retries": 3}, "/States/A/Retries"),
        ({**TASK, "Arguments": {}}, "/States/A/Arguments"),
        ({**TASK, "QueryLanguage": "JSONata", "ResultPath": "$.x"}, "/States/A/ResultPath"),
        ({**TASK, "Retry": [{"IntervalSeconds": 1}]}, "/States/A/Retry[0]/ErrorEquals"),
        ({**TASK, "Retry": [{"ErrorEquals": ["States.ALL", "E"]}]}, "/States/A/Retry[0]/ErrorEquals"),
        ({**TASK, "Retry": [{"ErrorEquals": ["E"], "BackoffRate": 0.5}]}, "/States/A/Retry[0]/BackoffRate"),
        (
            {**TASK, "Retry": [{"ErrorEquals": ["E"], "JitterStrategy": "SOME"}]},
            "/States/A/Retry[0]/JitterStrategy",
        ),
        ({**TASK, "Catch": [{"ErrorEquals": ["E"]}]}, "/States/A/Catch[0]/Next"),
    ],
)
def test_flaws_of_a_state_are_told_with_their_place(state, location):
    first = problems({"A": state})[0]

    assert first.startswith("SCHEMA_VALIDATION_FAILED: ")
    assert first.endswith(f" at {location}")


def test_a_jsonata_state_machine_has_no_states_in_json_path():
    found = problems({"A": {**DONE, "QueryLanguage": "JSONPath"}}, QueryLanguage="JSONata")

    assert found[0].endswith("at /States/A/QueryLanguage")


def test_what_is_not_json_is_refused():
    [problem] = check_definition("{")

    assert refusal([problem]).startswith("Invalid State Machine Definition: 'INVALID_JSON_DESCRIPTION: ")
