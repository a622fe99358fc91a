import itertools
import json
from pathlib import Path

import pytest
import yaml

from headrace.cli import main
from headrace.cli.endpoint_page import page_text
from headrace.cli.proposal import propose
from headrace.config.pipeline import Pipeline

REPO = Path(__file__).parents[4]


def run(capsys, *arguments):
    code = main(["endpoint", *arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def asked(capsys, *arguments):
    code, out, _ = run(capsys, *arguments, "--json")
    assert code == 0
    return json.loads(out)


def test_the_page_says_what_the_code_computes():
    page = (REPO / "docs" / "choose-endpoint.md").read_text()

    assert page == page_text(), "headrace endpoint --markdown > docs/choose-endpoint.md"


def test_the_example_of_the_page_runs(capsys):
    (line,) = (line for line in page_text().splitlines() if line.startswith("$ headrace endpoint"))

    assert run(capsys, *line.split()[3:])[0] == 0


def test_people_get_a_table_the_break_even_and_lines_to_paste(capsys):
    code, out, _ = run(capsys, "--requests-per-month", "1_000_000")

    assert code == 0
    assert "serverless, kept warm" in out
    assert "From 210,240,000 requests a month (80 a second), realtime costs less than serverless." in out
    assert out.rstrip().endswith("endpoint:\n  kind: serverless\n  memory_mb: 2048\n  max_concurrency: 5")


def test_scripts_get_all_of_it(capsys):
    found = asked(capsys)

    assert [kind["kind"] for kind in found["kinds"] if kind["suits"]] == [
        "serverless",
        "serverless, kept warm",
        "realtime",
    ]
    assert found["kinds"][0] == {"kind": "serverless", "usd_per_month": 0.96, "suits": True, "why_not": None}
    assert found["break_even"] == {"requests_per_month": 210_240_000, "requests_per_second": 80.0}
    assert found["recommended"]["endpoint"]["kind"] == "serverless"


def test_where_nothing_suits_it_says_what_to_change(capsys):
    _, out, _ = run(capsys, "--payload-mb", "50")

    assert "None of them suits: let answers take longer" in out
    assert asked(capsys, "--payload-mb", "50")["recommended"] is None


LOADS = list(
    itertools.product(
        ("100", "3_000_000", "2_000_000_000"),
        ("1000", "30_000", "90_000_000", "700_000_000"),
        ("2", "900", "25_000"),
        ("0.01", "5", "80"),
    )
)


def test_every_recommendation_is_a_valid_pipeline_file(capsys):
    kinds = set()
    for requests, latency, answer, payload in LOADS:
        options = ["--requests-per-month", requests, "--latency-ms", latency]
        _, out, _ = run(capsys, *options, "--answer-ms", answer, "--payload-mb", payload)
        if "endpoint:" not in out:
            continue
        block = yaml.safe_load(out[out.index("endpoint:") :])["endpoint"]
        pipeline = Pipeline(name="bike", problem="regression", target="cnt", endpoint=block)
        kinds.add(pipeline.endpoint.kind)

    assert kinds == {"serverless", "realtime", "asynchronous", "batch"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--instance", "m5.large"], "--instance m5.large is no type of instance"),
        (["--instance", "ml.c7g.large"], "no type of instance with an x86 processor"),
        (["--instance", "ml.trn1.32xlarge"], "what an hour of ml.trn1.32xlarge costs is not known here"),
        (["--instances", "0"], "--instances 0 is not from 1 to 100"),
        (["--peak", "0.001"], "--peak 0.001 is less than the mean of 0.381 a second"),
    ],
)
def test_what_cannot_be_computed_is_one_line(capsys, arguments, says):
    code, _, error = run(capsys, *arguments)

    assert code == 2
    assert says in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("given", ["0", "-1", "nan", "many", "inf"])
def test_only_numbers_above_zero_are_taken(capsys, given):
    with pytest.raises(SystemExit):
        main(["endpoint", "--requests-per-month", given])

    assert "is not a number above 0" in capsys.readouterr().err


def test_a_proposed_file_tells_of_the_command(tmp_path):
    rides = tmp_path / "rides.csv"
    rides.write_text("temp,count\n" + "".join(f"{n / 7},{n * n % 53}\n" for n in range(1, 80)))

    proposal = propose(rides, "count", "rides")

    assert "`headrace endpoint` computes" in proposal.text
    assert Pipeline.model_validate(yaml.safe_load(proposal.text)).endpoint.kind == "serverless"
