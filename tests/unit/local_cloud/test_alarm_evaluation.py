import pytest

from local_cloud.repairs.alarm_evaluation import Datapoint, Rule, judge

THREE_OF_THREE, TWO_OF_THREE = 3, 2
MODES = ("missing", "ignore", "breaching", "notBreaching")


def points(drawing):
    """Read AWS's drawings: 0 is a good datapoint, X a breaching one, - a missing one; oldest first."""
    values = {"0": 0.0, "X": 1.0, "-": None}
    drawn = [values[mark] for mark in drawing.split()]
    return [None if value is None else Datapoint(60.0 * i, value) for i, value in enumerate(drawn)]


def state(drawing, *, breaches, missing, current="current"):
    rule = Rule("GreaterThanThreshold", 0.5, periods=3, breaches=breaches, missing=missing)
    return judge(points(drawing), rule, current).state


# The two tables of "Configuring how CloudWatch alarms treat missing data".
@pytest.mark.parametrize(
    ("drawing", "breaches", "expected"),
    [
        ("0 - X - X", THREE_OF_THREE, ("OK", "OK", "OK", "OK")),
        ("- - - - 0", THREE_OF_THREE, ("OK", "OK", "OK", "OK")),
        ("- - - - -", THREE_OF_THREE, ("INSUFFICIENT_DATA", "current", "ALARM", "OK")),
        ("0 X X - X", THREE_OF_THREE, ("ALARM", "ALARM", "ALARM", "ALARM")),
        ("- - X - -", THREE_OF_THREE, ("ALARM", "current", "ALARM", "OK")),
        ("0 - X - X", TWO_OF_THREE, ("ALARM", "ALARM", "ALARM", "ALARM")),
        ("0 0 X 0 X", TWO_OF_THREE, ("ALARM", "ALARM", "ALARM", "ALARM")),
        ("0 - X - -", TWO_OF_THREE, ("OK", "OK", "ALARM", "OK")),
        ("- - - - 0", TWO_OF_THREE, ("OK", "OK", "ALARM", "OK")),
        ("- - - X -", TWO_OF_THREE, ("ALARM", "current", "ALARM", "OK")),
    ],
)
def test_missing_data_counts_as_awss_tables_say(drawing, breaches, expected):
    found = tuple(state(drawing, breaches=breaches, missing=mode) for mode in MODES)

    assert found == expected


def test_a_single_new_breach_does_not_make_a_premature_alarm():
    assert state("- - - - X", breaches=3, missing="missing", current="OK") == "OK"


def reason(drawing, *, periods, breaches, missing="missing", comparison="GreaterThanThreshold"):
    return judge(points(drawing), Rule(comparison, 0.5, periods, breaches, missing), "OK").reason


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (
            reason("X X X", periods=3, breaches=2),
            "Threshold Crossed: 3 out of the last 3 datapoints [1.0 (01/01/70 00:02:00), 1.0 (01/01/70 00:01:00), "
            "1.0 (01/01/70 00:00:00)] were greater than the threshold (0.5) "
            "(minimum 2 datapoints for OK -> ALARM transition).",
        ),
        (
            reason("- - 0", periods=1, breaches=1),
            "Threshold Crossed: 1 out of the last 1 datapoints [0.0 (01/01/70 00:02:00)] was not greater than "
            "the threshold (0.5) (minimum 1 datapoint for ALARM -> OK transition).",
        ),
        (
            reason("- - -", periods=1, breaches=1, missing="breaching"),
            "Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint was treated as "
            "[Breaching].",
        ),
        (
            reason("- X - - -", periods=3, breaches=3, missing="notBreaching"),
            "Threshold Crossed: 1 datapoint was received for 3 periods and 2 missing datapoints were treated as "
            "[NonBreaching].",
        ),
        (reason("- - -", periods=1, breaches=1), "Insufficient Data: 1 datapoint was unknown."),
        (reason("- - - - -", periods=3, breaches=3), "Insufficient Data: 3 datapoints were unknown."),
        (
            reason("- - 0", periods=1, breaches=1, comparison="LessThanOrEqualToThreshold"),
            "Threshold Crossed: 1 out of the last 1 datapoints [0.0 (01/01/70 00:02:00)] was less than or equal "
            "to the threshold (0.5) (minimum 1 datapoint for OK -> ALARM transition).",
        ),
    ],
)
def test_the_reason_is_in_awss_words(found, words):
    assert found == words
