import numpy as np
import pandas as pd
import pytest

from headrace.ml.split import SplitRule, assign_parts, content_hash, row_hashes


def rule(by="random", **columns):
    return SplitRule(by, test_share=0.2, validation_share=0.1, seed=7, **columns)


def rows(n=5000):
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "id": [str(i) for i in range(n)],
            "x": rng.normal(size=n),
            "c": rng.choice(["a", "b", None], n),
            "group": rng.integers(0, 200, n).astype(str),
            "at": pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.integers(0, 1000, n), unit="h"),
            "y": rng.integers(0, 2, n),
        }
    )


@pytest.mark.parametrize("dealt", [rule(id="id"), rule(target="y"), rule("group", group="group")])
def test_a_row_keeps_its_part_whatever_comes_later_and_in_whatever_order(dealt):
    frame = rows()
    parts = pd.Series(assign_parts(frame, dealt), index=frame.index)

    shuffled = frame.sample(frac=0.5, random_state=1)

    assert (parts[shuffled.index].to_numpy() == assign_parts(shuffled, dealt)).all()


@pytest.mark.parametrize("dealt", [rule(id="id"), rule(target="y"), rule("time", time="at")])
def test_the_shares_are_met_on_average(dealt):
    parts = assign_parts(rows(), dealt)

    assert (parts == "test").mean() == pytest.approx(0.2, abs=0.02)
    assert (parts == "validation").mean() == pytest.approx(0.1, abs=0.02)


def test_parts_are_frozen_for_ever():
    """These values may never change: a row that changes sides leaks into the test part."""
    frame = pd.DataFrame(
        {"id": [str(n) for n in range(12)], "x": [1.5, -0.0, None, 2] * 3, "c": ["a", None, "ä", ""] * 3}
    )

    by_id = "".join(part[1] for part in assign_parts(frame, rule(id="id")))
    by_row = [hex(value)[-8:] for value in row_hashes(frame[:4], ["c", "x"], seed=7)]

    assert by_id == "rrrrerrrrrer"
    assert by_row == ["dd48a2e8", "f4acf8ab", "3a2d3398", "0befe44b"]


def test_a_group_lies_on_one_side():
    frame = rows()
    frame["part"] = assign_parts(frame, rule("group", group="group"))

    assert (frame.groupby("group")["part"].nunique() == 1).all()


def test_a_corrected_label_does_not_move_a_row():
    frame = rows()

    assert (assign_parts(frame, rule(target="y")) == assign_parts(frame.assign(y=1), rule(target="y"))).all()


def test_training_is_before_validation_is_before_test():
    frame = rows()
    frame["part"] = assign_parts(frame, rule("time", time="at"))
    limits = frame.groupby("part")["at"].agg(["min", "max"])

    assert limits.loc["train", "max"] < limits.loc["validation", "min"]
    assert limits.loc["validation", "max"] < limits.loc["test", "min"]


def test_a_row_without_a_time_is_trained_on():
    frame = rows(100)
    frame.loc[3, "at"] = pd.NaT

    assert assign_parts(frame, rule("time", time="at"))[3] == "train"


def test_another_seed_deals_anew():
    frame = rows()
    other = SplitRule("random", test_share=0.2, validation_share=0.1, seed=8, id="id")

    same = (assign_parts(frame, rule(id="id")) == assign_parts(frame, other)).mean()

    assert same == pytest.approx(0.7**2 + 0.2**2 + 0.1**2, abs=0.03)


@pytest.mark.parametrize("by", ["time", "group"])
def test_a_rule_without_its_column_is_refused(by):
    with pytest.raises(ValueError, match=by):
        assign_parts(rows(10), rule(by))


def test_the_content_hash_sees_cells_and_names_but_not_the_order_of_rows():
    frame = rows(50)

    assert content_hash(frame) == content_hash(frame.sample(frac=1, random_state=0)[sorted(frame.columns)])
    assert content_hash(frame) != content_hash(frame.assign(x=frame["x"] + 1e-12))
    assert content_hash(frame) != content_hash(frame.rename(columns={"x": "z"}))


@pytest.mark.parametrize("dtype", [object, "str", "category"])
def test_hashes_do_not_depend_on_how_text_is_stored(dtype):
    text = pd.DataFrame({"c": ["a", None, "b"]}, dtype=object)

    assert (row_hashes(text, ["c"]) == row_hashes(text.astype(dtype), ["c"])).all()


def test_files_in_cells_have_hashes_of_their_own():
    rows = pd.DataFrame({"photo": [b"one", b"one", b"two", None]})

    first, same, other, none = row_hashes(rows, ["photo"])

    assert first == same
    assert len({int(first), int(other), int(none)}) == 3
