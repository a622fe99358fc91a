import pytest

from headrace.config.evidence import fold_kind
from headrace.config.pipeline import Pipeline


def pipeline(evaluation, problem="binary", **fields):
    return Pipeline(name="flats", problem=problem, target="y", evaluation=evaluation, **fields)


@pytest.mark.parametrize(
    ("evaluation", "fields", "complaint"),
    [
        (
            {"shap": True},
            {"training": {"estimator": "linear"}},
            "evaluation.shap: explains trees, and linear has none",
        ),
        (
            {"leakage": {"policy": "off", "allow": ["a"]}},
            {},
            "evaluation.leakage.allow: is named, but `leakage.policy` is off",
        ),
        (
            {"cross_validation": {"by": "group"}},
            {},
            "evaluation.cross_validation.by: is group, but no `split.group` is named",
        ),
        (
            {"cross_validation": {"by": "time"}},
            {},
            "evaluation.cross_validation.by: is time, but no `time` column is named",
        ),
        ({"cross_validation": {"by": "stratified"}}, {"problem": "regression"}, "by: is stratified"),
        (
            {"cross_validation": {"by": "time", "repeats": 2}},
            {"time": "at"},
            "repeats: deals anew, and by time",
        ),
        (
            {"cross_validation": {}},
            {"training": {"estimator": "sgd"}},
            "cross_validation: fits in memory, and sgd",
        ),
        (
            {"learning_curve": True},
            {"training": {"estimator": "sgd"}},
            "learning_curve: fits in memory, and sgd",
        ),
        ({"leakage": {"allow": ["y"]}}, {}, "leakage.allow: 'y' is the target, which is no feature"),
        ({"leakage": {"allow": ["a"]}}, {"ignore": ["a"]}, "leakage.allow: 'a' is ignored"),
    ],
)
def test_evidence_that_cannot_be_is_refused(evaluation, fields, complaint):
    with pytest.raises(ValueError, match=complaint):
        pipeline(evaluation, **fields)


def test_folds_are_dealt_as_the_split_unless_said_otherwise():
    assert fold_kind(pipeline({"cross_validation": {}}, split={"by": "stratified"})) == "stratified"
    assert fold_kind(pipeline({"cross_validation": {}}, split={"by": "column", "column": "part"})) == "random"
    assert (
        fold_kind(pipeline({"cross_validation": {"by": "random"}}, time="at", split={"by": "time"}))
        == "random"
    )
