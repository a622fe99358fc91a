"""What is proposed about columns that look personal."""

import pytest

from headrace.cli.proposal import ProposalError, propose
from headrace.config.loading import load_pipeline

HEAD = "case,email,city,age,price"


def rows(count=60):
    return "\n".join(f"C-{n},p{n}@example.org,{'AB'[n % 2]},{n % 40},{n * 1.5}" for n in range(count))


def pipeline(tmp_path, text, target="price"):
    data, file = tmp_path / "people.csv", tmp_path / "people.yaml"
    data.write_text(text)
    proposal = propose(data, target, "people")
    file.write_text(proposal.text)
    return load_pipeline(file), proposal


def test_a_column_of_addresses_is_dropped_and_nothing_is_said_of_others(tmp_path):
    loaded, proposal = pipeline(tmp_path, f"{HEAD}\n{rows()}\n")

    assert loaded.privacy.personal == {"email": "drop"}
    assert loaded.privacy.subject is None
    assert "email: looks personal (email), is dropped" in proposal.notes
    assert "example.org" not in proposal.text + "".join(proposal.notes)


def test_an_id_that_looks_personal_is_hashed_and_says_whom_a_row_is_about(tmp_path):
    text = f"{HEAD}\n{rows()}\n".replace("case,email", "group,email")
    without_other_ids = "\n".join(line.partition(",")[2] for line in text.splitlines())

    loaded, _ = pipeline(tmp_path, without_other_ids)

    assert loaded.id == "email"
    assert loaded.privacy.personal == {"email": "hash"}
    assert loaded.privacy.subject == "email"


def test_data_without_anything_personal_gets_no_block(tmp_path):
    loaded, proposal = pipeline(
        tmp_path, "city,age,price\n" + "\n".join(f"{'AB'[n % 2]},{n % 40},{n}" for n in range(60))
    )

    assert loaded.privacy is None
    assert "privacy" not in proposal.text


def test_sentences_with_an_address_in_them_are_still_learned_from(tmp_path):
    lines = "\n".join(
        f'"write to p{n}@example.org about number {n} of this {"good" if n % 2 else "bad"} thing",{"AB"[n % 2]}'
        for n in range(60)
    )

    loaded, _ = pipeline(tmp_path, f"message,kind\n{lines}\n", target="kind")

    assert loaded.columns == {"message": "text"}
    assert loaded.privacy is None


def test_what_is_personal_alone_is_nothing_to_learn_from(tmp_path):
    data = tmp_path / "people.csv"
    data.write_text("email,price\n" + "\n".join(f"p{n % 7}@example.org,{n}" for n in range(60)))

    with pytest.raises(ProposalError, match="nothing to learn from"):
        propose(data, "price", "people")
