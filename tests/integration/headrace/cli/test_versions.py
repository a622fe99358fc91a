"""The versions of a pipeline's models, and a person's word on them, with AWS's services as moto has them."""

import json

import pytest

from headrace.aws.deployed_pipeline import DeployedPipeline
from headrace.cli import main
from tests.integration.headrace.cli.registered import Account


@pytest.fixture
def rides(account, monkeypatch):
    rides = Account()
    monkeypatch.setattr(DeployedPipeline, "find", rides.pipeline)
    return rides


@pytest.fixture
def run(capsys):
    def run(*arguments):
        capsys.readouterr()  # what the training has said
        code = main([*arguments])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def serve(rides, version):
    item = {
        "version": version,
        "model_package_arn": f"arn:{version}",
        "model_data_url": "s3://b/m",
        "variant": "v",
    }
    rides.ledger.put_item(
        Item={
            "pk": "champion",
            "sk": "current",
            **item,
            "deployed_at": "t",
            "approved_at": "t",
            "snapshot": "h",
        }
    )


def test_versions_are_told_with_status_metrics_reason_parent_and_who_serves(rides, run, tmp_path):
    rides.train(tmp_path / "one", status="Approved")
    rides.register()
    serve(rides, 1)

    found = json.loads(run("versions", "rides", "--json")[1])["versions"]

    by_version = {row["version"]: row for row in found}
    assert by_version.keys() == {1, 2}
    first = by_version[1]
    assert (first["serves"], first["status"], first["reason"], first["because"]) == (
        True,
        "Approved",
        "drift",
        "temp",
    )
    assert (first["metric"], first["metrics"], first["parent"]) == ("rmse", {"rmse": 5.0, "mae": 4.0}, "none")
    assert by_version[2]["metrics"] == {}
    out = run("versions", "rides")[1]
    assert "v1" in out
    assert "serves" in out


@pytest.mark.parametrize(("command", "status"), [("approve", "Approved"), ("reject", "Rejected")])
def test_a_decision_is_in_the_registry_the_trail_and_the_provenance_with_who_and_why(
    rides, run, tmp_path, command, status
):
    rides.train(tmp_path / "one")
    verb = status.lower()

    code, out, _ = run(command, "rides", "v1", "--because", "looks good (to me)", "--json")

    by = json.loads(out)["by"]
    package = rides.describe(1)
    assert (code, package["ModelApprovalStatus"]) == (0, status)
    assert package["ApprovalDescription"] == f"{verb} by {by}: looks good (to me)"
    assert package["CustomerMetadataProperties"][f"{verb}_by"] == by
    assert package["CustomerMetadataProperties"][f"{verb}_because"] == "looks good to me"
    assert package["CustomerMetadataProperties"]["run"] == "headrace-rides-one"
    approval = rides.document("evaluations/headrace-rides-one/provenance.json")["approval"]
    assert (approval["by"], approval["decision"], approval["why"]) == (by, verb, "looks good (to me)")
    (line,) = json.loads(run("versions", "rides", "--audit", "--json")[1])["audit"]
    assert (line["event"], line["version"], line["by"], line["why"]) == (verb, 1, by, "looks good (to me)")
    assert "looks good" in run("versions", "rides", "--audit")[1]


def test_without_a_number_the_newest_that_waits_is_meant_and_if_none_does_that_is_told(rides, run):
    rides.register(status="Approved")

    assert run("approve", "rides")[::2] == (2, "headrace: no version of rides waits for approval\n")
    rides.register()
    assert run("approve", "rides", "--json")[0] == 0
    assert rides.describe(2)["ModelApprovalStatus"] == "Approved"


def test_a_trail_in_which_nothing_was_done_says_so(rides, run):
    assert run("versions", "rides", "--audit")[1] == "nothing was done with versions of rides yet\n"


def test_two_versions_are_compared_by_what_differs_and_by_their_metrics_with_intervals(rides, run, tmp_path):
    rides.train(tmp_path / "one", seed=3, hyperparameters={"alpha": 0.5})
    rides.train(tmp_path / "two", seed=4, hyperparameters={"alpha": 0.25})

    found = json.loads(run("compare", "rides", "1", "2", "--json")[1])

    differs = {row["what"]: (row["a"], row["b"]) for row in found["differs"]}
    assert differs["training: seed"] == (3, 4)
    assert differs["training: hyperparameters: alpha"] == (0.5, 0.25)
    assert not any(name.startswith("code") for name in differs)
    assert {
        "metric": "rmse",
        "a": {"value": 5.0, "low": 4.5, "high": 5.5},
        "b": {"value": 5.0, "low": 4.5, "high": 5.5},
    } in found["metrics"]
    assert found["rows"] == "both were measured on the same 80 rows"
    assert "5 (95 %: 4.5 to 5.5)" in run("compare", "rides", "v1", "v2")[1]


def test_a_version_without_a_provenance_can_be_compared_with_nothing(rides, run, tmp_path):
    rides.register()
    rides.train(tmp_path / "one")

    code, out, _ = run("compare", "rides", "1", "2", "--json")

    assert code == 0
    assert json.loads(out)["rows"].startswith("not both have an evaluation")
    assert run("compare", "rides", "1", "9")[::2] == (
        2,
        "headrace: rides has no version 9; the last ones are: v2, v1\n",
    )
