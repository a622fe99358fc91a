import pytest
from pydantic import ValidationError

from headrace.config.pipeline import Pipeline

FIELDS = {"name": "bike", "problem": "regression", "target": "cnt"}
DAILY = {"train": "schedule", "schedule": "cron(0 4 * * ? *)"}


def pipeline(arrival, on=("drift",)):
    return Pipeline.model_validate({**FIELDS, "arrival": arrival, "retraining": {"on": on}})


def test_each_file_starts_a_training_unless_the_pipeline_says_otherwise():
    assert Pipeline.model_validate(FIELDS).arrival.train == "each_file"


def test_a_batch_that_misses_files_is_held_back_unless_the_pipeline_says_otherwise():
    arrival = pipeline({"train": "batch"}).arrival

    assert (arrival.wait_minutes, arrival.if_missing) == (60, "hold")


def test_a_pipeline_with_a_schedule_travels_as_json():
    sent = pipeline(DAILY, on=("schedule",))

    assert Pipeline.model_validate_json(sent.model_dump_json()) == sent


@pytest.mark.parametrize(
    ("arrival", "on", "why"),
    [
        ({"train": "schedule"}, ("schedule",), "no `arrival.schedule` is named"),
        ({"schedule": "rate(1 day)"}, ("schedule",), "`arrival.train` is not schedule"),
        (DAILY, ("drift",), "only a first model would be trained"),
        ({**DAILY, "schedule": "daily"}, ("schedule",), "'daily' is no schedule"),
        ({"train": "batch", "wait_minutes": 0}, ("drift",), "greater than or equal to 1"),
    ],
)
def test_what_does_not_fit_together_is_refused(arrival, on, why):
    with pytest.raises(ValidationError, match=why):
        pipeline(arrival, on)
