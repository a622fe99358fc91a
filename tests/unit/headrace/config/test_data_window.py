import pytest
from pydantic import ValidationError

from headrace.config.pipeline import Pipeline


def pipeline(data, **fields):
    return Pipeline(name="bike", problem="regression", target="cnt", retraining={"data": data}, **fields)


@pytest.mark.parametrize(
    ("data", "fields", "complaint"),
    [
        ({"use": "recent"}, {}, "data.use: is recent: name one of last_days and last_rows"),
        ({"use": "recent", "last_days": 9, "last_rows": 9}, {"time": "at"}, "name one of last_days"),
        ({"use": "weighted"}, {}, "name one of half_life_days and half_life_rows"),
        ({"last_rows": 9}, {}, "data.last_rows: is named, but `retraining.data.use` is all"),
        ({"use": "weighted", "half_life_rows": 9, "last_rows": 9}, {}, "`retraining.data.use` is weighted"),
        ({"use": "recent", "last_days": 9}, {}, "no `time` column is named: use last_rows"),
        (
            {"use": "weighted", "half_life_days": 9},
            {"time": "at", "columns": {"at": "number"}},
            "'at' is a number: use half_life_rows",
        ),
    ],
)
def test_fields_that_do_not_fit_together_are_refused(data, fields, complaint):
    with pytest.raises(ValidationError) as refused:
        pipeline(data, **fields)
    assert complaint in str(refused.value)


@pytest.mark.parametrize(
    ("data", "reach"),
    [
        ({}, None),
        ({"use": "recent", "last_days": 90}, ("days", 90.0)),
        ({"use": "weighted", "half_life_rows": 5000}, ("rows", 5000.0)),
    ],
)
def test_the_reach_has_a_unit(data, reach):
    assert pipeline(data, time="at").retraining.data.reach == reach
