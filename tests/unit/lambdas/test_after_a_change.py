"""A world that changes at once, seen from its files to the gate's decision."""

import numpy as np
import pyarrow as pa
import pytest

from headrace.config.pipeline import Pipeline
from headrace.ml.contract import ColumnSchema, Contract
from headrace.ml.gate import GateRule, decide
from headrace.ml.recency import HELD_OUT, LEARNED, RECENT, Earlier, rule_identity
from headrace.ml.snapshot_rows import contract_kinds
from lambdas.snapshot_data.parts import deal, rule_of

CONTRACT = Contract(
    "regression",
    (ColumnSchema("n", "category", "id"), ColumnSchema("x", "number"), ColumnSchema("y", "number", "target")),
)


def world(first, last, slope):
    """Rows whose target is `slope` times x, and luck with a standard deviation of 1."""
    rng = np.random.default_rng(first)
    x = rng.uniform(0, 1, last - first)
    return pa.table(
        {"n": [str(n) for n in range(first, last)], "x": x, "y": slope * x + rng.normal(0, 1, len(x))}
    )


def pipeline(**data):
    return Pipeline(
        name="worlds", problem="regression", target="y", id="n", retraining={"data": {"min_rows": 50, **data}}
    )


def learned(rows):
    """Fit a line."""
    return np.polynomial.Polynomial.fit(rows["x"].to_numpy(), rows["y"].to_numpy(), 1)


def errors(model, rows):
    return model(rows["x"].to_numpy()) - rows["y"].to_numpy()


def rmse(errors):
    return float(np.sqrt(np.mean(errors**2)))


def part(new, old, chosen):
    """Measure both models on the chosen rows, and how far the improvement may be off by luck."""
    rng = np.random.default_rng(7)
    draws = rng.integers(0, chosen.sum(), (300, chosen.sum())) if chosen.any() else []
    gains = [rmse(old[chosen][draw]) - rmse(new[chosen][draw]) for draw in draws]
    return {
        "rows": int(chosen.sum()),
        "challenger": {"rmse": rmse(new[chosen])},
        "champion": {"rmse": rmse(old[chosen])},
        "intervals": {"improvement": [float(limit) for limit in np.quantile(gains, [0.025, 0.975])]},
    }


def retrained(slope, data, challenger=learned, reason="drift"):
    """Train in a world of slope 2, let it change to `slope`, retrain, and return the gate's decision."""
    before, since = world(0, 4000, 2.0), world(4000, 5000, slope)
    champion = learned(deal([before], pipeline(), CONTRACT).parts["train"])
    earlier = Earlier(frozenset(), rule_identity(rule_of(pipeline()), contract_kinds(CONTRACT)))
    snapshot = deal([before, since], pipeline(**data), CONTRACT, earlier, [True, False])
    test = snapshot.parts["test"]
    new, old = errors(challenger(snapshot.parts["train"]), test), errors(champion, test)
    evaluation = {
        **part(new, old, snapshot.marks != LEARNED),
        "holdout": part(new, old, snapshot.marks == HELD_OUT),
        "recent": part(new, old, snapshot.marks == RECENT),
    }
    return decide(evaluation, GateRule("rmse"), reason=reason, has_champion=True), evaluation


RECENT_ROWS = {"use": "recent", "last_rows": 600}


@pytest.mark.parametrize("reason", ["drift", "quality"])
def test_a_model_of_the_new_world_is_let_in_though_it_loses_a_little_of_the_old(reason):
    decision, found = retrained(3.2, RECENT_ROWS, reason=reason)

    assert found["holdout"]["challenger"]["rmse"] > found["holdout"]["champion"]["rmse"]
    assert decision.promote
    assert "that are tolerated" in decision.why


def test_a_window_follows_a_change_better_than_all_rows_do():
    ways = ({}, {"use": "weighted", "half_life_rows": 300}, RECENT_ROWS)

    alike, weighted, windowed = (retrained(3.2, data)[1]["recent"]["challenger"]["rmse"] for data in ways)

    # Weights are the estimator's to use, and this line uses none.
    assert weighted == pytest.approx(alike)
    assert windowed < alike


def test_a_model_that_has_forgotten_the_old_world_is_refused_and_it_is_said_how_much_it_lost():
    decision, _ = retrained(6.0, RECENT_ROWS)

    assert not decision.promote
    assert "of the old holdout" in decision.why
    assert "more than the" in decision.why


def test_a_worse_model_is_refused():
    decision, found = retrained(3.2, RECENT_ROWS, challenger=lambda rows: np.zeros_like)

    assert found["recent"]["challenger"]["rmse"] > found["recent"]["champion"]["rmse"]
    assert not decision.promote
    assert decision.why.startswith("the model in service stays: ")


@pytest.mark.parametrize("reason", ["drift", "new_data"])
def test_where_nothing_has_changed_all_rows_are_no_loss(reason):
    decision, found = retrained(2.0, {}, reason=reason)

    gains = found["recent"]["intervals"]["improvement"]
    assert gains[0] < 0.02
    assert gains[1] > -0.02
    assert decision.why.startswith("the model in service stays: ") is not decision.promote
