"""What is proposed about large files, many files and fast rows."""

import gzip

import pytest
import yaml

from headrace.cli import data_sample
from headrace.cli.data_sample import look_at
from headrace.cli.proposal import propose
from headrace.cli.proposal_arrival import Flow, propose_arrival
from headrace.config.loading import load_pipeline

MB = 2**20
DAY_S = 86_400


def blocks(flow):
    """Return the blocks that are proposed for a flow."""
    return yaml.safe_load("\n".join(propose_arrival(flow).lines)) or {}


def hours(days, first_day=1):
    """Return a file with a row for each hour of some days."""
    rows = (
        f"2011-01-{first_day + n // 24:02d}T{n % 24:02d}:00:00,{n % 7 / 3},{n % 11 / 7}\n"
        for n in range(24 * days)
    )
    return "at,x,y\n" + "".join(rows)


def test_a_small_file_needs_no_word_about_how_it_comes():
    assert blocks(Flow(files=1, largest_bytes=99 * MB)) == {}


@pytest.mark.parametrize(
    ("size_mb", "expected"),
    [
        (101, {"ingest": {"max_file_mb": 152}}),
        (1000, {"ingest": {"max_file_mb": 1500}}),
        (1001, {"large_data": {"max_gb": 2}}),
        (100_000, {"large_data": {"max_gb": 147}}),
    ],
)
def test_a_larger_file_raises_the_limit_and_the_largest_go_to_spark(size_mb, expected):
    assert blocks(Flow(files=1, largest_bytes=size_mb * MB)) == expected


@pytest.mark.parametrize(
    ("files", "days", "expected"),
    [
        (19, 1, {}),
        (20, 20, {"arrival": {"train": "batch"}}),
        (20, 5, {"arrival": {"train": "schedule", "schedule": "rate(1 day)"}}),
    ],
)
def test_many_files_are_trained_on_together(files, days, expected):
    proposed = blocks(Flow(files, MB, seconds=days * DAY_S, rows=24 * days))

    assert proposed.get("arrival") == expected.get("arrival")


def test_what_is_proposed_for_several_files_a_day_is_a_valid_pipeline(tmp_path):
    lines = propose_arrival(Flow(20, MB, seconds=5 * DAY_S, rows=120)).lines
    path = tmp_path / "bike.yaml"
    path.write_text("\n".join(["name: bike", "problem: regression", "target: cnt", *lines]))

    assert load_pipeline(path).retraining.on == ("drift", "schedule")


@pytest.mark.parametrize(("rows", "proposed"), [(8_639, False), (8_640, True)])
def test_rows_that_follow_within_ten_seconds_are_proposed_as_a_stream_but_only_as_a_comment(rows, proposed):
    found = propose_arrival(Flow(1, MB, seconds=DAY_S, rows=rows))

    assert any("stream:" in line for line in found.lines) is proposed
    assert blocks(Flow(1, MB, seconds=DAY_S, rows=rows)) == {}


def test_a_folder_is_looked_at_by_its_first_and_last_file(tmp_path):
    for day in range(1, 26):
        (tmp_path / f"2011-01-{day:02d}.csv").write_text(hours(1, day))
    (tmp_path / "_SUCCESS").write_text("")
    (tmp_path / ".DS_Store").write_text("x")

    proposal = propose(tmp_path, "y", "rides")

    assert yaml.safe_load(proposal.text)["arrival"] == {"train": "batch"}
    assert any("25 files" in note for note in proposal.notes)


def test_of_a_long_text_only_the_beginning_is_read_and_its_size_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(data_sample, "_WHOLE_MB", 1)
    monkeypatch.setattr(data_sample, "_PART_BYTES", 4096)
    text = hours(28).encode() * 60
    (tmp_path / "plain.csv").write_bytes(text)
    (tmp_path / "packed.csv.gz").write_bytes(gzip.compress(text))

    plain, packed = look_at(tmp_path / "plain.csv", "y"), look_at(tmp_path / "packed.csv.gz", "y")

    assert plain.largest_bytes == len(text)
    assert packed.largest_bytes > 4096
    assert 0 < plain.first.cells.num_rows == packed.first.cells.num_rows < 4096
    assert plain.first.broken == {}
