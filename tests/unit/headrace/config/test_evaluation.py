import pytest
from pydantic import ValidationError

from headrace.config.pipeline import Pipeline


def pipeline(problem="binary", columns=None, **evaluation):
    return Pipeline(
        name="p1",
        problem=problem,
        target="y",
        id="key",
        ignore=["sex"],
        columns=columns or {},
        evaluation=evaluation,
    )


@pytest.mark.parametrize(
    ("problem", "evaluation", "said"),
    [
        ("regression", {"floors": {"recall": 0.8}}, "floors.recall: is no metric of regression"),
        (
            "regression",
            {"threshold": {"by": "youden"}},
            "is between two labels, and the problem is regression",
        ),
        (
            "binary",
            {"floors": {"recall": 80}},
            "floors.recall: is 80, and recall is at most 1: every model would",
        ),
        ("binary", {"floors": {"brier": -0.1}}, "floors.brier: is -0.1, and brier is at least 0"),
        (
            "binary",
            {"min_value": 85},
            "min_value: is 85, and roc_auc is at most 1: every model would be refused",
        ),
        ("regression", {"max_value": -1}, "max_value: is -1, and rmse is at least 0"),
        (
            "binary",
            {"fairness": {"columns": ["sex"], "max_gap": 5, "gate": True}},
            "max_gap: is 5.0, and a gap between shares is at most 1: nothing would be refused",
        ),
        ("binary", {"threshold": {"by": "cost"}}, "needs false_positive_cost and false_negative_cost"),
        (
            "binary",
            {"threshold": {"by": "cost", "false_positive_cost": 0, "false_negative_cost": 0}},
            "one of them above 0",
        ),
        ("binary", {"threshold": {"by": "recall_at"}}, "is recall_at, which needs `at_least`"),
        ("binary", {"threshold": {"by": "youden", "beta": 2}}, "threshold.beta: means nothing by youden"),
        ("binary", {"threshold": {"by": "f_beta", "at_least": 0.5}}, "at_least: means nothing by f_beta"),
        (
            "binary",
            {"threshold": {"by": "youden", "false_positive_cost": 3}},
            "false_positive_cost: means nothing by youden",
        ),
        (
            "multiclass",
            {"fairness": {"columns": ["sex"], "measure": "equalised_odds"}},
            "equalised_odds does not fit multiclass; it is one of accuracy, f1_macro",
        ),
        ("binary", {"fairness": {"columns": ["sex"], "gate": True}}, "is on, but no `max_gap` is named"),
        ("binary", {"fairness": {"columns": ["y"]}}, "'y' is the target, which makes no groups"),
        ("binary", {"fairness": {"columns": ["key"]}}, "'key' is the id, which makes no groups"),
        ("binary", {"fairness": {"columns": ["sex"], "edges": {"age": [30]}}}, "age: is not among `columns`"),
        ("binary", {"fairness": {"columns": ["age"]}}, "'age' is a number: name its `edges`"),
        ("binary", {"fairness": {"columns": ["age"], "edges": {"age": [5, 1]}}}, "do not ascend"),
    ],
)
def test_contradictions_are_refused_with_where_and_what_to_do(problem, evaluation, said):
    with pytest.raises(ValidationError) as caught:
        pipeline(problem, {"age": "number"}, **evaluation)

    assert said in str(caught.value)


@pytest.mark.parametrize(
    "evaluation",
    [
        {
            "metric": "brier",
            "max_value": 0.2,
            "floors": {"recall": 0.8, "log_loss": 0.4},
            "beyond_luck": True,
        },
        {"threshold": {"by": "cost", "false_positive_cost": 1, "false_negative_cost": 0}},
        {"min_value": 1, "floors": {"mcc": -0.1, "log_loss": 3}},
        {"threshold": {"by": "f_beta"}},
        {"threshold": {"by": "precision_at", "at_least": 0.9}},
        {"fairness": {"columns": ["sex", "age"], "edges": {"age": [30, 60]}, "max_gap": 0.1, "gate": True}},
    ],
)
def test_what_agrees_is_taken(evaluation):
    assert pipeline("binary", {"age": "number"}, **evaluation).evaluation
