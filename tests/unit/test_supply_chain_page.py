from pathlib import Path

from headrace.ml.supply_chain.refusal import ModelReason

PAGE = Path(__file__).parents[2] / "docs" / "supply-chain.md"


def test_the_page_has_every_reason_in_the_words_of_the_code():
    lines = PAGE.read_text().partition("\n## Reasons\n")[2].partition("\n## ")[0].splitlines()

    assert [line for line in lines if line.startswith("| `")] == [
        f"| `{each.value}` | {each.text} |" for each in ModelReason
    ]
