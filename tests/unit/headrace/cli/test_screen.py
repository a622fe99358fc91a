"""What commands print."""

from headrace.cli.screen import show_table


def test_a_narrow_screen_cuts_no_word_short(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")

    show_table(["file", "because of"], [["incoming/2011-03.csv", "contract_missing_column"]])

    out = capsys.readouterr().out
    lines = [line.split("│")[1:3] for line in out.splitlines() if line.startswith("│")]
    cells = ["".join(part.strip() for part in parts) for parts in zip(*lines, strict=True)]
    assert cells == ["incoming/2011-03.csv", "contract_missing_column"]
