import io
import math

import numpy as np
import pytest
from PIL import Image

from sagemaker_jobs.features.registry import find_step
from sagemaker_jobs.features.step import READY, Feature

TEXTS = ["a cat sat here", "a dog sat here", "the cat ran off", None]


def column(kind, *cells):
    if kind in ("number", "boolean"):
        return Feature(kind, np.array([np.nan if cell is None else cell for cell in cells], dtype=np.float64))
    if kind == "datetime":
        return Feature(kind, np.array([cell or "NaT" for cell in cells], dtype="datetime64[us]"))
    values = np.empty(len(cells), dtype=object)
    values[:] = cells
    return Feature(kind, values)


def step(name, **parameters):
    return find_step(name)(**parameters)


def fitted(made, feature, target=None):
    """Fit a step on one column `x` and return what it makes of it."""
    return made.fit({"x": feature}, target).transform({"x": feature})


def png(points, mode=None):
    file = io.BytesIO()
    Image.fromarray(np.array(points, dtype=np.uint8), mode).save(file, "PNG")
    return file.getvalue()


class TestImpute:
    @pytest.mark.parametrize(
        ("strategy", "filling"), [("median", 2.0), ("mean", 3.25), ("most_frequent", 1.0)]
    )
    def test_a_gap_is_filled_with_what_the_training_says(self, strategy, filling):
        made = fitted(step("impute", strategy=strategy), column("number", 1, 1, None, 3, 8))

        assert made["x"].values.tolist() == [1, 1, filling, 3, 8]
        assert made["x"].kind == "number"

    def test_a_category_takes_the_most_frequent(self):
        made = fitted(step("impute"), column("category", "a", "b", "b", None))

        assert made["x"].values.tolist() == ["a", "b", "b", "b"]

    def test_a_constant_fills_numbers_and_categories(self):
        number = fitted(step("impute", strategy="constant", value=-1), column("number", 5, None))
        category = fitted(step("impute", strategy="constant", value="none"), column("category", "a", None))

        assert number["x"].values.tolist() == [5, -1]
        assert category["x"].values.tolist() == ["a", "none"]

    def test_the_indicator_says_what_was_missing(self):
        made = fitted(step("impute", indicator=True), column("number", 5, None))

        assert made["x:missing"] == (READY, pytest.approx([0, 1]))

    def test_training_fills_the_gaps_of_later_rows(self):
        made = step("impute").fit({"x": column("number", 1, 2, 9)})

        assert made.transform({"x": column("number", None, 7)})["x"].values.tolist() == [2, 7]

    def test_a_column_without_a_value_keeps_its_gaps(self):
        made = fitted(step("impute"), column("number", None, None))

        assert np.isnan(made["x"].values).all()


class TestScale:
    @pytest.mark.parametrize(
        ("method", "expected"),
        [
            ("standard", [-1.3416, -0.4472, 0.4472, 1.3416]),  # mean 5, standard deviation √5
            ("robust", [-1, -1 / 3, 1 / 3, 1]),  # median 5, quartiles 3.5 and 6.5
            ("min_max", [0, 1 / 3, 2 / 3, 1]),
            ("log", [math.log(3), math.log(5), math.log(7), math.log(9)]),
        ],
    )
    def test_numbers_come_to_one_scale(self, method, expected):
        made = fitted(step("scale", method=method), column("number", 2, 4, 6, 8))

        assert made["x"].values == pytest.approx(expected, abs=1e-4)

    def test_a_logarithm_knows_no_forbidden_number(self):
        made = fitted(step("scale", method="log"), column("number", -1, 0, None))

        assert made["x"].values[:2].tolist() == [pytest.approx(-math.log(2)), 0]
        assert np.isnan(made["x"].values[2])

    def test_a_power_makes_a_skewed_column_symmetric(self):
        skewed = np.exp(np.random.default_rng(0).normal(size=2000))

        values = fitted(step("scale", method="yeo_johnson"), Feature("number", skewed))["x"].values

        assert (values.mean(), values.std()) == pytest.approx((0, 1), abs=1e-6)
        assert abs(np.mean(values**3)) < 0.2

    def test_missing_cells_stay_missing_and_do_not_count(self):
        made = fitted(step("scale"), column("number", 2, None, 8))

        assert made["x"].values == pytest.approx([-1, np.nan, 1], nan_ok=True)

    def test_a_column_without_a_value_becomes_zero(self):
        assert fitted(step("scale"), column("number", None, None))["x"].values.tolist() == [0, 0]


class TestCategories:
    def test_each_category_has_its_column_the_most_frequent_first(self):
        made = fitted(step("one_hot"), column("category", "b", "a", "b", None))

        assert made["x"].values.tolist() == [[1, 0], [0, 1], [1, 0], [0, 0]]

    def test_rare_and_unknown_categories_have_no_column(self):
        made = step("one_hot", max_levels=1).fit({"x": column("category", "b", "a", "b")})

        assert made.transform({"x": column("category", "a", "z", "b")})["x"].values.tolist() == [
            [0],
            [0],
            [1],
        ]

    def test_many_categories_are_sparse(self):
        many = column("category", *map(str, range(100)))

        block = fitted(step("one_hot", max_levels=100), many)["x"].values

        assert block.shape == (100, 100)
        assert block.nnz == 100

    def test_the_rank_follows_the_frequency(self):
        made = step("rank", max_levels=2).fit({"x": column("category", "b", "a", "b", "c", "a", "b")})

        ranks = made.transform({"x": column("category", "b", "a", "c", "z", None)})["x"].values

        assert ranks.tolist()[:4] == [0, 1, 2, 2]
        assert np.isnan(ranks[4])


class TestTargetMean:
    def test_later_rows_get_the_smoothed_mean_of_their_category(self):
        target = np.array([10.0, 20, 0, 0])  # the prior is 7.5
        made = step("target_mean", smoothing=2).fit({"x": column("category", "a", "a", "b", "b")}, target)

        means = made.transform({"x": column("category", "a", "b", "z", None)})["x"].values

        assert means[:, 0] == pytest.approx([(30 + 2 * 7.5) / 4, (0 + 2 * 7.5) / 4, 7.5, 7.5])

    def test_a_training_row_does_not_see_its_own_target(self):
        features = {"x": column("category", "a", "a", "a", "a")}
        target = np.array([100.0, 0, 0, 0])

        made = step("target_mean", smoothing=0, folds=2).fit_transform(features, target)

        # rows 0 and 2 are told the mean of rows 1 and 3, and the other way round
        assert made["x"].values[:, 0].tolist() == [0, 50, 0, 50]

    def test_labels_have_a_share_for_all_but_the_first(self):
        target = np.array(["no", "yes", "maybe", "yes"])
        made = step("target_mean", smoothing=0).fit({"x": column("category", "a", "a", "a", "b")}, target)

        shares = made.transform({"x": column("category", "a", "b")})["x"].values

        assert made.labels_ == ["no", "yes"]
        assert shares == pytest.approx(np.array([[1 / 3, 1 / 3], [0, 1]]))

    def test_a_key_of_the_rows_tells_nothing_about_the_target(self):
        rng = np.random.default_rng(0)
        target = rng.normal(size=500)
        keys = column("category", *map(str, range(500)))

        made = step("target_mean").fit_transform({"x": keys}, target)["x"].values[:, 0]

        assert abs(np.corrcoef(made, target)[0, 1]) < 0.2

    def test_what_is_looked_up_is_no_part_of_the_model(self):
        features = {"x": column("category", "a", "b")}
        made = step("target_mean").fit(features, np.array([1.0, 2.0]))
        before = made.__getstate__()

        made.transform(features)

        assert made.__getstate__() == before


class TestDateParts:
    def test_a_moment_says_its_parts(self):
        every = ("hour", "weekday", "day", "yearday", "month", "year", "days")
        made = fitted(step("date_parts", parts=every), column("datetime", "2012-03-01T18:30", None))

        # 1 March 2012 was a Thursday, the 61st day of a leap year, and 15,400 days after 1 January 1970
        assert made["x"].values[0].tolist() == [18.5, 3, 1, 61, 3, 2012, 15400]
        assert np.isnan(made["x"].values[1]).all()

    def test_parts_go_round(self):
        made = fitted(
            step("date_parts", parts=("hour", "year"), cyclic=True),
            column("datetime", "2012-03-01T06:00", "2012-03-01T00:00"),
        )

        assert made["x"].values == pytest.approx(np.array([[1, 0, 2012], [0, 1, 2012]]), abs=1e-12)


class TestCrosses:
    def test_numbers_are_multiplied(self):
        given = {"price": column("number", 2, 3), "nights": column("number", 5, None)}

        made = step("product").fit(given).transform(given)

        assert made["price * nights"].values == pytest.approx([10, np.nan], nan_ok=True)

    def test_categories_are_joined(self):
        given = {"city": column("category", "a", "a", None), "kind": column("category", "x", "y", "x")}

        pairs = step("pair").fit(given).transform(given)["city & kind"].values

        assert pairs[2] is None
        assert len(set(pairs)) == 3


class TestTexts:
    def test_rare_words_weigh_more(self):
        made = step("tfidf", ngrams=(1, 1), min_rows=1)
        block = fitted(made, column("text", *TEXTS))["x"].values

        words = made.runs_["x"].split("\n")
        first = dict(zip(words, block[0].toarray()[0], strict=True))
        # "cat", "sat" and "here" are in two of four texts each, so all weigh 1/√3
        assert first["cat"] == first["sat"] == first["here"] == pytest.approx(1 / math.sqrt(3))
        assert first["dog"] == 0
        assert block[3].nnz == 0

    def test_later_texts_are_counted_by_the_words_of_training(self):
        made = step("tfidf", ngrams=(1, 1), min_rows=2).fit({"x": column("text", *TEXTS)})

        block = made.transform({"x": column("text", "cat cat unseen")})["x"].values

        assert block.nnz == 1
        assert block.max() == pytest.approx(1)

    def test_components_condense(self):
        made = step("tfidf", ngrams=(1, 1), min_rows=1, components=2)

        assert fitted(made, column("text", *TEXTS))["x"].values.shape == (4, 2)

    @pytest.mark.parametrize("name", ["tfidf", "hashing"])
    def test_texts_without_words_become_zero(self, name):
        made = fitted(step(name), column("text", None, "!", None))

        assert not made["x"].values.any()

    def test_buckets_do_not_grow_with_the_words(self):
        made = fitted(step("hashing", buckets=256), column("text", *TEXTS))

        assert made["x"].values.shape == (4, 256)

    @pytest.mark.parametrize("name", ["tfidf", "hashing"])
    def test_runs_of_characters_forgive_a_misspelling(self, name):
        made = step(name, analyzer="char", ngrams=(3, 3)).fit({"x": column("text", "umbrella", "umbrella")})

        right, wrong = made.transform({"x": column("text", "umbrella", "umbrela")})["x"].values

        assert right.multiply(wrong).sum() > 0.7


class TestPixels:
    def test_black_is_0_and_white_is_1(self):
        made = fitted(step("pixels", size=2), column("image", png([[0, 255], [255, 0]])))

        assert made["x"].values.tolist() == [[0, 1, 1, 0]]

    def test_colours_have_three_numbers_for_each_point(self):
        red = png([[[255, 0, 0]] * 2] * 2)

        made = fitted(step("pixels", size=2, colour="rgb"), column("image", red))

        assert made["x"].values.tolist() == [[1, 0, 0] * 4]

    def test_what_is_transparent_is_white(self):
        made = fitted(step("pixels", size=2), column("image", png([[[0, 0, 0, 0]] * 2] * 2)))

        assert made["x"].values.tolist() == [[1, 1, 1, 1]]

    @pytest.mark.parametrize("data", [None, b"", b"\x89PNG\r\n\x1a\n cut", b"GIF89a"])
    def test_what_is_no_picture_has_no_numbers(self, data):
        made = fitted(step("pixels", size=2), column("image", data))

        assert np.isnan(made["x"].values).all()

    def test_a_bomb_is_not_unpacked(self):
        header = bytearray(png([[0]]))
        header[16:24] = (60_000).to_bytes(4, "big") * 2  # width and height of 3.6 billion points

        made = fitted(step("pixels", size=2), column("image", bytes(header)))

        assert np.isnan(made["x"].values).all()

    def test_a_picture_that_no_file_may_hold_is_no_picture_in_a_request_either(self):
        large = io.BytesIO()
        Image.new("1", (5793, 5793)).save(large, "PNG")  # 33,558,849 points; files may have 2**25, 33,554,432

        made = fitted(step("pixels", size=2), column("image", large.getvalue()))

        assert np.isnan(made["x"].values).all()
