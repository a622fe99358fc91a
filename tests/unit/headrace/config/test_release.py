import pytest
from pydantic import ValidationError

from headrace.config.pipeline import Pipeline
from headrace.config.release import Release

FIELDS = {
    "name": "bike",
    "problem": "regression",
    "target": "cnt",
    "id": "instant",
    "endpoint": {"kind": "realtime"},
}


def test_without_the_block_models_are_exchanged_all_at_once():
    release = Pipeline.model_validate({"name": "bike", "problem": "regression", "target": "cnt"}).release

    assert (release.strategy, release.shares) == ("all_at_once", ())


@pytest.mark.parametrize(
    ("fields", "shares"),
    [
        ({"strategy": "canary"}, (0.1, 1.0)),
        ({"strategy": "canary", "share": 1}, (1.0,)),
        ({"strategy": "linear"}, (0.25, 0.5, 0.75, 1.0)),
        ({"strategy": "linear", "step": 0.3}, (0.3, 0.6, 0.9, 1.0)),
        ({"strategy": "linear", "step": 0.1}, (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)),
        ({"strategy": "shadow"}, (1.0,)),
        ({"strategy": "ab", "share": 0.2}, (0.2,)),
    ],
)
def test_the_share_of_the_new_model_at_each_step(fields, shares):
    assert Release(**fields).shares == shares


@pytest.mark.parametrize("strategy", ["canary", "linear", "shadow", "ab"])
@pytest.mark.parametrize("days", [0.5, 14, 90])
@pytest.mark.parametrize("minutes", [1, 10, 1440])
def test_no_release_has_more_judgements_than_a_history_has_room_for(strategy, days, minutes):
    release = Release(strategy=strategy, max_days=days, interval_minutes=minutes)

    assert release.longest_s / release.interval_s <= 500
    assert release.interval_s >= 60 * minutes
    assert release.longest_s <= days * 86_400


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"endpoint": {}, "release": {"strategy": "ab"}}, "endpoint.kind is serverless"),
        ({"release": {"share": 0.1}}, "with strategy all_at_once there is no such share"),
        ({"release": {"strategy": "linear", "share": 0.1}}, "with strategy linear there is no such share"),
        ({"release": {"strategy": "ab", "share": 1}}, "leaves the model in service no requests"),
        ({"release": {"strategy": "ab", "metric": "labels"}}, "there is no block `feedback`"),
        (
            {"release": {"strategy": "linear", "step": 0.05, "interval_minutes": 1440}},
            "is over before all steps are",
        ),
        ({"release": {"strategy": "rolling"}}, "Input should be 'all_at_once', 'canary'"),
        ({"release": {"interval_minutes": 0}}, "greater than or equal to 1"),
        ({"release": {"limits": {"latency_p99_factor": 1}}}, "greater than 1"),
    ],
)
def test_what_does_not_fit_is_told(fields, says):
    with pytest.raises(ValidationError, match=says):
        Pipeline.model_validate({**FIELDS, **fields})


def test_labels_can_decide_where_labels_come():
    release = {"strategy": "shadow", "metric": "labels"}

    assert Pipeline.model_validate({**FIELDS, "feedback": {}, "release": release}).release.metric == "labels"
