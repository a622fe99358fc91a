import pytest

from headrace.config.pipeline import Pipeline


def pipeline(problem="binary", **fields):
    return Pipeline(name="flats", problem=problem, target="y", id="n", **fields)


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"split": {"by": "column"}}, "split.by: is column, but no `split.column` is named"),
        ({"split": {"column": "part"}}, "split.column: is named, but `split.by` is not column"),
        (
            {"split": {"by": "column", "column": "y"}},
            "split.column: 'y' is the target, which cannot say the part",
        ),
        ({"split": {"by": "column", "column": "n"}}, "split.column: 'n' is the id"),
        (
            {"split": {"by": "column", "column": "part"}, "ignore": ["part"]},
            "split.column: 'part' is no feature: no model sees it in any case",
        ),
        (
            {"problem": "regression", "split": {"by": "stratified"}},
            "split.by: is stratified, which deals label by label",
        ),
        (
            {"split": {"by": "column", "column": "part", "test_share": 0.3}},
            "split.test_share: means nothing, because 'part' says the part of each row",
        ),
        (
            {"split": {"by": "column", "column": "part", "seed": 1}},
            "split.seed: means nothing, because 'part' says",
        ),
        ({"split": {"by": "time"}}, "split.by: is time, but no `time` column is named"),
        ({"split": {"by": "group"}}, "split.by: is group, but no `split.group` is named"),
    ],
)
def test_a_split_that_cannot_be_is_refused(fields, complaint):
    with pytest.raises(ValueError, match=complaint):
        pipeline(**fields)


def test_a_split_by_labels_or_by_a_column_is_taken():
    assert pipeline(split={"by": "stratified"}).split.by == "stratified"
    assert pipeline(split={"by": "column", "column": "part"}).split.column == "part"
