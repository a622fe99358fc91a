"""What is learned from the training rows before the estimator: the block `features` of the pipeline file.

Each class below is one step that the file can name. The step itself, which fits and transforms, is the module of the same
name in ``sagemaker_jobs/features/steps``; a name that is none of them is a step of the user's own.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, StringConstraints, Tag, model_validator

from headrace.config.block import Block, Column
from headrace.config.steps import OWN, STEP_NAME, check_own_fields, step_names, tag_by_name

Parameter = str | int | float | bool | tuple[str | int | float | bool, ...]
_FEW_BUCKETS = 2**8


class Impute(Block):
    """Fills missing cells."""

    step: Literal["impute"] = Field(description="Fills missing cells of numbers, booleans and categories.")
    columns: tuple[Column, ...] = Field((), description="Which; all of these kinds if left out.")
    strategy: Literal["median", "mean", "most_frequent", "constant"] = Field(
        "median", description="With what; categories take the most frequent, or the constant."
    )
    value: float | str | None = Field(None, description="The constant.")
    indicator: bool = Field(False, description="Whether a column says which cells were missing.")

    @model_validator(mode="after")
    def _a_constant_has_a_value(self) -> Self:
        if (self.strategy == "constant") != (self.value is not None):
            raise ValueError("`value` belongs to `strategy: constant`, and each needs the other")
        return self


class Scale(Block):
    """Brings numbers to one scale."""

    step: Literal["scale"] = Field(description="Brings numbers to one scale.")
    columns: tuple[Column, ...] = Field((), description="Which; all numbers if left out.")
    method: Literal["standard", "robust", "min_max", "log", "yeo_johnson"] = Field(
        "standard",
        description="standard: mean 0, standard deviation 1; robust: median 0, interquartile range 1; min_max: 0 to 1; "
        "log: sign(x) · ln(1 + |x|); yeo_johnson: as normal as a power makes it.",
    )


class OneHot(Block):
    """Makes a column of each category."""

    step: Literal["one_hot"] = Field(description="A column of 0 and 1 for each category.")
    columns: tuple[Column, ...] = Field((), description="Which; all categories if left out.")
    max_levels: int = Field(
        50, ge=1, le=10_000, description="The most frequent categories that are told apart."
    )


class Rank(Block):
    """Makes a number of each category."""

    step: Literal["rank"] = Field(description="The rank of a category's frequency, as a number.")
    columns: tuple[Column, ...] = Field((), description="Which; all categories if left out.")
    max_levels: int = Field(
        250, ge=1, le=100_000, description="The most frequent categories that are told apart."
    )


class TargetMean(Block):
    """Writes what the target is on average where the category is."""

    step: Literal["target_mean"] = Field(
        description="The target's mean in the category, learned without the row itself (cross-fitted)."
    )
    columns: tuple[Column, ...] = Field((), description="Which; all categories if left out.")
    smoothing: float = Field(20.0, ge=0, description="How many rows the mean over all rows weighs.")
    folds: int = Field(5, ge=2, le=20, description="Parts in which training rows are cross-fitted.")


class DateParts(Block):
    """Writes what a moment says."""

    step: Literal["date_parts"] = Field(description="What a moment says: hour, weekday, month, …")
    columns: tuple[Column, ...] = Field((), description="Which; all datetimes if left out.")
    parts: tuple[Literal["hour", "weekday", "day", "yearday", "month", "year", "days"], ...] = Field(
        ("hour", "weekday", "month"),
        min_length=1,
        description="Which parts, in UTC; days are those since 1970.",
    )
    cyclic: bool = Field(
        False,
        description="Whether parts go round, as sine and cosine, so that 23 h is near 0 h; not years and days.",
    )


class Product(Block):
    """Multiplies numbers."""

    step: Literal["product"] = Field(
        description="The product of two or three numbers, beside the columns themselves."
    )
    columns: tuple[Column, ...] = Field(min_length=2, max_length=3, description="Which.")


class Pair(Block):
    """Joins categories."""

    step: Literal["pair"] = Field(
        description="A category for each combination, beside the columns themselves."
    )
    columns: tuple[Column, ...] = Field(min_length=2, max_length=3, description="Which categories.")


class Tfidf(Block):
    """Weighs the words of a text."""

    step: Literal["tfidf"] = Field(description="Words of a text by how rare they are.")
    columns: tuple[Column, ...] = Field((), description="Which; all texts if left out.")
    analyzer: Literal["word", "char"] = Field(
        "word", description="Words, or runs of characters within words."
    )
    ngrams: tuple[int, int] = Field((1, 2), description="Shortest and longest run, in words or characters.")
    max_features: int = Field(
        50_000, ge=10, le=1_000_000, description="The most frequent runs that are told apart."
    )
    min_rows: int = Field(2, ge=1, description="Runs in fewer rows are left out.")
    components: int | None = Field(
        None,
        ge=0,
        le=1000,
        description="Condensed to so many numbers (SVD); 0 for none. By default 100 for trees, 0 for linear and sgd.",
    )

    @model_validator(mode="after")
    def _runs_in_order(self) -> Self:
        _check_ngrams(self.ngrams)
        return self


class Hashing(Block):
    """Counts words in a fixed number of buckets."""

    step: Literal["hashing"] = Field(description="Words of a text in a fixed number of buckets.")
    columns: tuple[Column, ...] = Field((), description="Which; all texts if left out.")
    analyzer: Literal["word", "char"] = Field(
        "word", description="Words, or runs of characters within words."
    )
    ngrams: tuple[int, int] = Field((1, 2), description="Shortest and longest run, in words or characters.")
    buckets: int = Field(2**18, ge=_FEW_BUCKETS, le=2**22, description="How many buckets.")
    components: int | None = Field(
        None,
        ge=0,
        le=1000,
        description="Condensed to so many numbers (SVD); 0 for none. By default 100 for trees, 0 for linear and sgd.",
    )

    @model_validator(mode="after")
    def _runs_in_order(self) -> Self:
        _check_ngrams(self.ngrams)
        return self


class Tokens(Block):
    """Numbers the words of a text."""

    step: Literal["tokens"] = Field(description="Words of a text as numbers, in order: what a network reads.")
    columns: tuple[Column, ...] = Field((), description="Which; all texts if left out.")
    length: int = Field(
        200, ge=1, le=10_000, description="Numbers for each text; what is beyond is left out."
    )
    ngrams: tuple[int, int] = Field((1, 2), description="Shortest and longest run, in words.")
    buckets: int = Field(2**15, ge=_FEW_BUCKETS, le=2**20, description="How many different numbers.")

    @model_validator(mode="after")
    def _runs_in_order(self) -> Self:
        _check_ngrams(self.ngrams)
        return self


class Pixels(Block):
    """Makes numbers of a picture."""

    step: Literal["pixels"] = Field(description="The brightness of a picture's points, 0 to 1.")
    columns: tuple[Column, ...] = Field((), description="Which; all images if left out.")
    size: int = Field(
        16, ge=2, le=256, description="Width and height to which pictures are brought, in points."
    )
    colour: Literal["grey", "rgb"] = Field("grey", description="One number for each point, or three.")


class OwnStep(Block):
    """A step of the user's own."""

    step: Annotated[str, StringConstraints(pattern=STEP_NAME)] = Field(
        description="Any other name: the step in `pipelines/steps/<name>.py`."
    )
    columns: tuple[Column, ...] = Field((), description="What it is given; all features if left out.")
    parameters: dict[str, Parameter] = Field(default_factory=dict, description="Passed to it by name.")
    keep: bool = Field(True, description="Whether the columns stay beside what is made of them.")

    @model_validator(mode="before")
    @classmethod
    def _has_its_own_fields_only(cls, given: Any) -> Any:
        check_own_fields(given, cls, NAMES)
        return given


BUILT_IN: tuple[type[Block], ...] = (
    Impute, Scale, OneHot, Rank, TargetMean, DateParts, Product, Pair, Tfidf, Hashing, Tokens, Pixels,
)  # fmt: skip
"""The steps that the file can name without writing one, in the order of the documentation."""

NAMES = step_names(BUILT_IN)

Step = Annotated[
    Annotated[Impute, Tag("impute")]
    | Annotated[Scale, Tag("scale")]
    | Annotated[OneHot, Tag("one_hot")]
    | Annotated[Rank, Tag("rank")]
    | Annotated[TargetMean, Tag("target_mean")]
    | Annotated[DateParts, Tag("date_parts")]
    | Annotated[Product, Tag("product")]
    | Annotated[Pair, Tag("pair")]
    | Annotated[Tfidf, Tag("tfidf")]
    | Annotated[Hashing, Tag("hashing")]
    | Annotated[Tokens, Tag("tokens")]
    | Annotated[Pixels, Tag("pixels")]
    | Annotated[OwnStep, Tag(OWN)],
    Discriminator(tag_by_name(NAMES)),
]


class Augment(Block):
    """How training rows are varied; validation and test rows never are."""

    copies: int = Field(
        1, ge=1, le=20, description="Varied copies of each training row, beside the row itself."
    )
    word_dropout: float = Field(0.0, ge=0, le=0.5, description="Texts: share of the words that are left out.")
    word_swap: float = Field(
        0.0, ge=0, le=0.5, description="Texts: share of the words that change places with the next."
    )
    flip: bool = Field(False, description="Images: half of the copies are mirrored, left to right.")
    crop: float = Field(
        0.0, ge=0, le=0.5, description="Images: largest share of width and height that is cut off."
    )
    brightness: float = Field(
        0.0, ge=0, lt=1, description="Images: largest change of brightness, as a share of it."
    )
    colour: float = Field(
        0.0, ge=0, lt=1, description="Images: largest change of each of red, green and blue, as a share."
    )

    @model_validator(mode="after")
    def _varies_something(self) -> Self:
        named = (self.word_dropout, self.word_swap, self.flip, self.crop, self.brightness, self.colour)
        if not any(named):
            raise ValueError(
                "copies that are not varied teach nothing: name word_dropout, word_swap, flip, …"
            )
        return self


class Features(Block):
    """What is learned before the estimator, and is part of the model."""

    steps: tuple[Step, ...] = Field(
        (), description="In this order. What no step takes is read as the estimator needs it."
    )
    augment: Augment | None = Field(None, description="How training rows are varied.")


def _check_ngrams(ngrams: tuple[int, int]) -> None:
    shortest, longest = ngrams
    if not 1 <= shortest <= longest <= 8:  # noqa: PLR2004 - longer runs hardly ever come twice
        raise ValueError("`ngrams` is [shortest, longest], from 1 to 8")
