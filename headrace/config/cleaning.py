"""How cells are cleaned before they are typed: the block `cleaning` of the pipeline file.

Each class below is one step that the file can name. The step itself is the module of the same name in
``headrace/ml/cleaning_steps``; a name that is none of them is a step of the user's own.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, StringConstraints, Tag, model_validator

from headrace.config.block import Block, Column
from headrace.config.steps import OWN, STEP_NAME, check_own_fields, step_names, tag_by_name

Parameter = str | int | float | bool | tuple[str | int | float | bool, ...]
Share = Annotated[float, Field(ge=0, le=1)]
_ALL = Field((), description="Which; all if left out.")
_SOME = Field(min_length=1, description="Which.")


# That there is such a zone is checked where the file is read: a function has no list of them.
Zone = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_]+(/[A-Za-z0-9_+-]+)*$")]


class NormaliseText(Block):
    """Writes the same text in the same way."""

    step: Literal["normalise_text"] = Field(
        description="Writes the same text in the same way: Unicode form, case, white space."
    )
    columns: tuple[Column, ...] = _ALL
    unicode: Literal["nfc", "nfkc", "keep"] = Field(
        "nfc",
        description="nfc: letters with accents are one character; nfkc: also full-width and joined letters.",
    )
    case: Literal["lower", "upper", "title", "keep"] = Field("keep", description="Of the letters.")
    spaces: Literal["single", "keep"] = Field(
        "single", description="Whether white space inside of a text becomes one space."
    )


class MissingTokens(Block):
    """Makes further words mean that a cell is missing."""

    step: Literal["missing_tokens"] = Field(description="Further words that mean that a cell is missing.")
    columns: tuple[Column, ...] = _ALL
    tokens: tuple[str, ...] = Field(min_length=1, description="The words; case does not matter.")


class ParseNumbers(Block):
    """Reads numbers as people write them."""

    step: Literal["parse_numbers"] = Field(description="Numbers as people write them: 1.234,50 €, 12 %, (5).")
    columns: tuple[Column, ...] = _SOME
    decimal: Literal[".", ","] = Field(".", description="What stands before the decimals.")
    thousands: Literal[",", ".", " ", "'", "_"] | None = Field(
        None, description="What stands between groups of three digits."
    )
    symbols: tuple[str, ...] = Field(
        (), description="Signs and words around the number that say nothing, such as € or EUR."
    )
    percent: bool = Field(False, description="Whether a number with % is a hundredth of it.")
    parentheses: bool = Field(False, description="Whether (5) is -5, as accountants write it.")

    @model_validator(mode="after")
    def _signs_differ(self) -> Self:
        if self.thousands == self.decimal:
            raise ValueError(f"`thousands` and `decimal` are both {self.decimal!r}")
        return self


class ConvertUnits(Block):
    """Brings numbers with units to one unit."""

    step: Literal["convert_units"] = Field(description="Numbers with units, brought to one unit.")
    columns: tuple[Column, ...] = _SOME
    units: dict[str, float] = Field(
        min_length=1, description="What one of each unit is in the unit wanted: `{kg: 1, g: 0.001}`."
    )


class MapValues(Block):
    """Replaces values by others."""

    step: Literal["map_values"] = Field(description="Values replaced by others.")
    columns: tuple[Column, ...] = _SOME
    values: dict[str, str | None] = Field(
        min_length=1, description="New value by old value; null makes the cell missing."
    )
    ignore_case: bool = Field(False, description="Whether upper and lower case are the same.")


class RepairCategories(Block):
    """Replaces misspelt categories by those that they are most like."""

    step: Literal["repair_categories"] = Field(
        description="Misspelt categories replaced by the ones that they are most like."
    )
    columns: tuple[Column, ...] = _SOME
    allowed: tuple[str, ...] = Field(min_length=1, description="The right spellings.")
    likeness: Share = Field(
        0.8, description="How like a spelling must be, from 0 to 1; others stay as they are."
    )


class ClipOutliers(Block):
    """Brings numbers that are far out to a limit."""

    step: Literal["clip_outliers"] = Field(
        description="Numbers beyond a limit, brought to it or made missing."
    )
    columns: tuple[Column, ...] = _SOME
    min: float | None = Field(None, description="The lower limit, in the column's unit.")
    max: float | None = Field(None, description="The upper limit, in the column's unit.")
    quantiles: tuple[Share, Share] | None = Field(
        None, description="Limits from the first file instead: [0.001, 0.999]. The contract keeps them."
    )
    action: Literal["clip", "missing"] = Field("clip", description="What becomes of a number beyond a limit.")

    @model_validator(mode="after")
    def _has_limits(self) -> Self:
        _check_limits(self.min, self.max, self.quantiles)
        return self


class FlagOutliers(Block):
    """Adds a column that says which numbers are far out."""

    step: Literal["flag_outliers"] = Field(
        description="A column `<name>_outlier` beside each, which is true where a number is beyond a limit."
    )
    columns: tuple[Column, ...] = _SOME
    min: float | None = Field(None, description="The lower limit, in the column's unit.")
    max: float | None = Field(None, description="The upper limit, in the column's unit.")
    quantiles: tuple[Share, Share] | None = Field(
        None, description="Limits from the first file instead: [0.001, 0.999]. The contract keeps them."
    )

    @model_validator(mode="after")
    def _has_limits(self) -> Self:
        _check_limits(self.min, self.max, self.quantiles)
        return self


class ParseDates(Block):
    """Reads dates as people write them."""

    step: Literal["parse_dates"] = Field(description="Dates as people write them: 31.01.2011, 1/31/11 5 PM.")
    columns: tuple[Column, ...] = _SOME
    formats: tuple[Annotated[str, StringConstraints(pattern="%")], ...] = Field(
        min_length=1, description="By the signs of strptime, tried in this order: `%d.%m.%Y`."
    )
    time_zone: Zone | None = Field(
        None, description="Where the clock hangs, such as Europe/Berlin; UTC if left out."
    )


class ExcelDates(Block):
    """Reads the numbers that spreadsheet programs make of dates."""

    step: Literal["excel_dates"] = Field(
        description="Dates that a spreadsheet program wrote as days since 1900."
    )
    columns: tuple[Column, ...] = _SOME
    epoch: Literal[1900, 1904] = Field(1900, description="1904 for files of old Macintosh programs.")


class Calendar(Block):
    """Adds what a calendar says of a moment."""

    step: Literal["calendar"] = Field(
        description="What a calendar says of a moment, in columns `<name>_<part>` beside it."
    )
    columns: tuple[Column, ...] = _SOME
    parts: tuple[
        Literal["year", "quarter", "month", "week", "day", "weekday", "hour", "is_weekend", "is_holiday"], ...
    ] = Field(("weekday", "month", "hour", "is_weekend"), min_length=1, description="Which; Monday is 0.")
    time_zone: Zone | None = Field(
        None, description="Whose calendar, such as Europe/Berlin; UTC if left out."
    )
    holidays: tuple[date, ...] = Field((), description="Days that are holidays: [2026-12-25].")

    @model_validator(mode="after")
    def _knows_holidays(self) -> Self:
        if ("is_holiday" in self.parts) != bool(self.holidays):
            raise ValueError("`holidays` and the part `is_holiday` need each other")
        return self


Comparison = Literal["==", "!=", "<", "<=", ">", ">=", "in", "not in", "missing", "not missing"]
Value = str | float | bool | tuple[str | float | bool, ...]


class KeepRows(Block):
    """Keeps rows of which something is true."""

    step: Literal["keep_rows"] = Field(
        description="Only rows of which this is true are kept; others go to quarantine as `filtered`."
    )
    columns: tuple[Column, ...] = _SOME
    op: Comparison = Field(description="How the cell is compared.")
    value: Value | None = Field(None, description="With what.")

    @model_validator(mode="after")
    def _has_a_value(self) -> Self:
        _check_comparison(self.op, self.value)
        return self


class DropRows(Block):
    """Drops rows of which something is true."""

    step: Literal["drop_rows"] = Field(
        description="Rows of which this is true go to quarantine as `filtered`."
    )
    columns: tuple[Column, ...] = _SOME
    op: Comparison = Field(description="How the cell is compared.")
    value: Value | None = Field(None, description="With what.")

    @model_validator(mode="after")
    def _has_a_value(self) -> Self:
        _check_comparison(self.op, self.value)
        return self


class OwnCleaningStep(Block):
    """A step of the user's own."""

    step: Annotated[str, StringConstraints(pattern=STEP_NAME)] = Field(
        description="Any other name: the step in `pipelines/steps/<name>.py`."
    )
    columns: tuple[Column, ...] = _ALL
    parameters: dict[str, Parameter] = Field(default_factory=dict, description="Passed to it by name.")

    @model_validator(mode="before")
    @classmethod
    def _has_its_own_fields_only(cls, given: Any) -> Any:
        check_own_fields(given, cls, NAMES)
        return given


BUILT_IN: tuple[type[Block], ...] = (
    NormaliseText, MissingTokens, ParseNumbers, ConvertUnits, MapValues, RepairCategories, ClipOutliers,
    FlagOutliers, ParseDates, ExcelDates, Calendar, KeepRows, DropRows,
)  # fmt: skip
"""The steps that the file can name without writing one, in the order of the documentation."""

NAMES = step_names(BUILT_IN)

CleaningStep = Annotated[
    Annotated[NormaliseText, Tag("normalise_text")]
    | Annotated[MissingTokens, Tag("missing_tokens")]
    | Annotated[ParseNumbers, Tag("parse_numbers")]
    | Annotated[ConvertUnits, Tag("convert_units")]
    | Annotated[MapValues, Tag("map_values")]
    | Annotated[RepairCategories, Tag("repair_categories")]
    | Annotated[ClipOutliers, Tag("clip_outliers")]
    | Annotated[FlagOutliers, Tag("flag_outliers")]
    | Annotated[ParseDates, Tag("parse_dates")]
    | Annotated[ExcelDates, Tag("excel_dates")]
    | Annotated[Calendar, Tag("calendar")]
    | Annotated[KeepRows, Tag("keep_rows")]
    | Annotated[DropRows, Tag("drop_rows")]
    | Annotated[OwnCleaningStep, Tag(OWN)],
    Discriminator(tag_by_name(NAMES)),
]


class Cleaning(Block):
    """How cells are cleaned, and which rows are one."""

    steps: tuple[CleaningStep, ...] = Field(
        (),
        description="In this order, before cells are typed. White space around cells and the usual words for missing ones "
        "go in any case.",
    )
    equal_rows: Literal["keep", "refuse"] = Field(
        "keep",
        description="Rows of a file that are alike in every column: all are kept, or only the last. With an `id`, ids decide.",
    )
    same_id: Literal["newest", "oldest"] = Field(
        "newest", description="Of rows of several files with one id, the one that is trained on."
    )


def _check_limits(low: float | None, high: float | None, quantiles: tuple[float, float] | None) -> None:
    if (low is None and high is None) == (quantiles is None):
        raise ValueError("name `min` or `max`, or else `quantiles`")
    if low is not None and high is not None and low > high:
        raise ValueError(f"`min` is {low:g}, which is more than `max`, {high:g}")
    if quantiles and quantiles[0] >= quantiles[1]:
        raise ValueError("`quantiles` is [lower, upper], such as [0.001, 0.999]")


def _check_comparison(op: str, value: Value | None) -> None:
    if op.endswith("missing") != (value is None):
        raise ValueError(f"`op: {op}` {'takes no' if value is not None else 'needs a'} `value`")
    if op.endswith("in") != isinstance(value, tuple) and value is not None:
        raise ValueError(f"`op: {op}` takes {'a list' if op.endswith('in') else 'one value'}")
    ordered = re.fullmatch("[<>]=?", op)
    if ordered and isinstance(value, bool):
        raise ValueError(f"`op: {op}` compares numbers and dates")
