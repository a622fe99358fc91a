import json

import pytest

from headrace.aws import deployed_pipeline, trial_records
from headrace.cli import main

TRIALS = {
    "run": "headrace-bike-1",
    "version": 4,
    "status": "Completed",
    "strategy": "bayesian",
    "metric": "rmse",
    "better": "lower",
    "best": "b",
    "seconds": 65,
    "cost_usd": 0.0021,
    "warnings": ["1 of 3 trials failed"],
    "trials": [
        {
            "job": "a",
            "status": "Completed",
            "objective": 50.0,
            "hyperparameters": {"alpha": 0.123456},
            "seconds": 60,
        },
        {"job": "b", "status": "Completed", "objective": 42.5, "hyperparameters": {"alpha": 3}, "seconds": 4},
        {
            "job": "c",
            "status": "Failed",
            "objective": None,
            "hyperparameters": {"alpha": 9},
            "seconds": 1,
            "failure": "no memory",
        },
    ],
}


@pytest.fixture
def shown(monkeypatch, capsys):
    """Run the command about what was recorded; return (exit code, standard output, standard error)."""

    def shown(found, *arguments):
        asked = []
        monkeypatch.setenv("COLUMNS", "140")
        monkeypatch.setattr(deployed_pipeline.DeployedPipeline, "find", lambda name: name)
        monkeypatch.setattr(trial_records, "trial_records", lambda *given: asked.append(given) or found)
        code = main(["trials", "bike", *arguments])
        printed = capsys.readouterr()
        return code, printed.out, printed.err, asked

    return shown


def test_trials_are_shown_the_best_first_and_marked(shown):
    code, out, _, asked = shown(TRIALS)
    rows = [line.split("│")[1:-1] for line in out.splitlines() if line.startswith("│")]

    assert code == 0
    assert asked == [("bike", None)]
    assert [[cell.strip() for cell in row] for row in rows] == [
        ["b", "42.5", "alpha=3", "4", "best, completed"],
        ["a", "50", "alpha=0.1235", "60", "completed"],
        ["c", "none", "alpha=9", "1", "failed: no memory"],
    ]
    assert "trials of bike v4: bayesian, 65 s, $0.0021" in out
    assert "1 of 3 trials failed" in out


def test_a_search_that_has_failed_is_shown_as_one(shown):
    failed = {**TRIALS, "status": "Failed", "version": None, "best": None, "trials": TRIALS["trials"][2:]}

    out = shown(failed)[1]

    assert "trials of bike without a new version: bayesian, failed, 65 s" in out
    assert "failed: no memory" in out


def test_for_scripts_everything_is_told(shown):
    _, out, _, asked = shown(TRIALS, "4", "--json")

    assert json.loads(out) == TRIALS
    assert asked == [("bike", 4)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [((), "there are no trials of bike:"), (("2",), "there are no trials of bike version 2")],
)
def test_where_nothing_was_searched_it_says_what_switches_it_on(shown, arguments, said):
    code, _, error, _ = shown(None, *arguments)

    assert code == 2
    assert said in error
    assert "training.tuning" in error
