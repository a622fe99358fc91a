import pytest
from pydantic import ValidationError

from headrace.config.pipeline import Pipeline

FIELDS = {"name": "bike", "problem": "regression", "target": "cnt", "id": "instant"}


def test_an_empty_block_is_enough():
    feedback = Pipeline.model_validate({**FIELDS, "feedback": {}}).feedback

    assert (feedback.join, feedback.within_days, feedback.train, feedback.api) == (
        "inference_id",
        30,
        True,
        False,
    )


def test_without_the_block_no_labels_are_taken():
    assert Pipeline.model_validate(FIELDS).feedback is None


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        (
            {"id": None, "feedback": {"join": "entity", "train": False}},
            "feedback.join: is entity, but no `id`",
        ),
        ({"id": None, "feedback": {}}, "feedback.train: needs an `id`"),
        (
            {"feedback": {}, "cleaning": {"steps": [{"step": "normalise_text", "columns": ["season"]}]}},
            "cleaned a second time",
        ),
        ({"feedback": {"within_days": 0}}, "greater than or equal to 1"),
        ({"feedback": {"gather_seconds": 301}}, "less than or equal to 300"),
        ({"feedback": {"schedule": "hourly"}}, "is no schedule"),
    ],
)
def test_what_cannot_be_is_refused(fields, says):
    with pytest.raises(ValidationError, match=says):
        Pipeline.model_validate({**FIELDS, **fields})


def test_rows_may_be_cleaned_if_none_are_handed_over():
    steps = [{"step": "normalise_text", "columns": ["season"]}]

    assert Pipeline.model_validate({**FIELDS, "feedback": {"train": False}, "cleaning": {"steps": steps}})
