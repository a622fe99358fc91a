"""What commands print."""

from headrace.cli.screen import show, show_table


def test_a_narrow_screen_cuts_no_word_short(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")

    show_table(["file", "because of"], [["incoming/2011-03.csv", "contract_missing_column"]])

    out = capsys.readouterr().out
    lines = [line.split("│")[1:3] for line in out.splitlines() if line.startswith("│")]
    cells = ["".join(part.strip() for part in parts) for parts in zip(*lines, strict=True)]
    assert cells == ["incoming/2011-03.csv", "contract_missing_column"]


def test_what_is_within_a_block_is_told_from_what_is_beside_it(capsys):
    show({"evaluation": {"floors": {"recall": 0.2}, "beyond_luck": True}}, as_json=False)

    assert [line.strip("│ ") for line in capsys.readouterr().out.splitlines()[1:-1]] == [
        "evaluation │ floors:",
        "recall: 0.2",
        "beyond_luck: true",
    ]
    show({"evaluation": {"floors": {"recall": 0.2}, "beyond_luck": True}}, as_json=False)
    assert "│   recall: 0.2" in capsys.readouterr().out
