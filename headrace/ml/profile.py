"""A data set in a few kilobytes per column: what a drift check compares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from headrace.ml.column_schema import ColumnSchema, Kind
from headrace.ml.joint_profile import Coordinate, JointProfile, coordinates_of, merge_jointly
from headrace.ml.profile_cells import profile_cells
from headrace.ml.profile_column import ColumnProfile
from headrace.ml.profile_dependence import RUN
from headrace.ml.profile_joint import joint_of
from headrace.ml.profile_merge import merge_columns

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ColumnProfile", "Profile", "merge_profiles", "profile_frame"]

Answers = Sequence[Any] | np.ndarray[Any, Any]

FORMAT = 2
_READABLE = (1, FORMAT)
"""Format 1 knew no minimum, no distinct values and no measures of texts and images; a profile without them is compared
by what it has."""


@dataclass(frozen=True)
class Profile:
    """The distributions of a data set, and of what a model predicted for it.

    Parameters
    ----------
    rows : int
        Rows of the data set.
    features : tuple of ColumnProfile
        In the order of the schema.
    prediction : ColumnProfile or None
        Of the predictions: a number in a regression, a label otherwise.
    score : ColumnProfile or None
        Of a classification's scores: the probability of the positive class, or of the label that was answered.
    joint : JointProfile or None
        How the features go together.
    """

    rows: int
    features: tuple[ColumnProfile, ...]
    prediction: ColumnProfile | None = None
    score: ColumnProfile | None = None
    joint: JointProfile | None = None

    @property
    def columns(self) -> tuple[ColumnProfile, ...]:
        """All distributions: of the features and what is measured of them, then of the predictions and their scores."""
        features = (each for feature in self.features for each in (feature, *feature.measures))
        answers = (answer for answer in (self.prediction, self.score) if answer)
        return (*features, *answers)

    @cached_property
    def coordinates(self) -> tuple[Coordinate, ...]:
        """What `joint` adds up, if this is a reference."""
        return tuple(coordinates_of(self.features))

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        joint = {"joint": self.joint.as_dict()} if self.joint else {}
        return {
            "format": FORMAT,
            "rows": self.rows,
            "features": [column.as_dict() for column in self.features],
            "prediction": self.prediction.as_dict() if self.prediction else None,
            "score": self.score.as_dict() if self.score else None,
            **joint,
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        """Read what `as_dict` wrote.

        Raises
        ------
        ValueError
            If another version of the format wrote it.
        """
        if document.get("format") not in _READABLE:
            raise ValueError(
                f"the profile has format {document.get('format')!r}, this code reads {_READABLE[0]} to {FORMAT}"
            )
        prediction, score = (
            ColumnProfile.from_dict(document[name]) if document.get(name) else None
            for name in ("prediction", "score")
        )
        return cls(
            document["rows"],
            tuple(ColumnProfile.from_dict(entry) for entry in document["features"]),
            prediction,
            score,
            JointProfile.from_dict(document["joint"]) if document.get("joint") else None,
        )


def profile_frame(
    frame: pd.DataFrame | Mapping[str, Any],
    schema: Sequence[ColumnSchema],
    *,
    predictions: Answers | None = None,
    scores: Answers | None = None,
    like: Profile | None = None,
    ordered: bool = True,
    jointly: bool = False,
) -> Profile:
    """Profile rows and, if given, the predictions for rows.

    Parameters
    ----------
    frame : DataFrame, or mapping of str to sequence
        Cleaned rows; columns equally long.
    schema : sequence of ColumnSchema
        The columns to profile.
    predictions : sequence of shape (n_predictions,), optional
        Numbers, or labels as text. They need not be of the same rows.
    scores : sequence of shape (n_predictions,), optional
        Their probabilities, 0 to 1.
    like : Profile, optional
        The reference, whose bins and levels are used, so that the two can be compared. Without it the bins hold equal
        shares of the rows.
    ordered : bool
        Whether rows are in the order of time, or of arrival, which shows how much they depend on their neighbours.
    jointly : bool
        Without `like`: whether to profile how the features go together, too. With it, the same as was done there.

    Returns
    -------
    Profile
        A few kilobytes per column.

    Examples
    --------
    >>> rows = {"temp": [0.1, 0.2, None], "season": ["fall", "fall", "spring"]}
    >>> schema = [ColumnSchema("temp", "number"), ColumnSchema("season", "category")]
    >>> temp, season = profile_frame(rows, schema).features
    >>> temp.missing, temp.mean, season.levels, season.counts.tolist()
    (1, 0.15000000000000002, ('fall', 'spring'), [2, 1, 0])
    """
    known = {column.name: column for column in like.features} if like else {}
    run = RUN if ordered else 0
    features = tuple(
        profile_cells(_cells(frame[column.name]), column.name, column.kind, known.get(column.name), run=run)
        for column in schema
    )
    return Profile(
        features[0].rows if features else len(frame),
        features,
        _profile_answers(predictions, "prediction", like.prediction if like else None),
        _profile_answers(scores, "score", like.score if like else None),
        _profile_jointly(frame, features, like, jointly),
    )


def _profile_jointly(
    frame: pd.DataFrame | Mapping[str, Any],
    features: tuple[ColumnProfile, ...],
    like: Profile | None,
    jointly: bool,
) -> JointProfile | None:
    if like is None:
        return joint_of(frame, features, is_reference=True) if jointly else None
    named = {feature.name for feature in features}
    known = like.joint and all(feature.name in named for feature in like.features)
    return joint_of(frame, like.features, like.coordinates) if known else None


def merge_profiles(profiles: Sequence[Profile]) -> Profile:
    """Return the profile of all rows together, without reading them.

    Rows, missing cells and, where all profiles were made like one reference, the counts in bins and levels are exactly
    those of one profile of all rows, in whatever order or grouping profiles are merged; moments are so up to rounding.
    Profiles that have bins of their own are cut again, which moves the distribution function by less than 1/256. The
    inflation of rows is the average of the parts', by their rows, since what follows what between parts is not known.

    Parameters
    ----------
    profiles : sequence of Profile
        At least one. A column that is not in all of them is profiled by those that have it.

    Returns
    -------
    Profile
        With the columns in the order in which they are met first.

    Raises
    ------
    ValueError
        If there are no profiles, or a column is of one kind here and of another there.

    Examples
    --------
    >>> schema = [ColumnSchema("temp", "number")]
    >>> monday, tuesday = ({"temp": temps} for temps in ([1.0, 2.0], [3.0, None]))
    >>> week = merge_profiles([profile_frame(day, schema) for day in (monday, tuesday)])
    >>> week.rows, week.features[0].missing, week.features[0].mean
    (4, 1, 2.0)
    """
    if not profiles:
        raise ValueError("there is no profile to merge")
    features: dict[str, list[ColumnProfile]] = {}
    for profile in profiles:
        for feature in profile.features:
            features.setdefault(feature.name, []).append(feature)
    predictions = [profile.prediction for profile in profiles if profile.prediction]
    scores = [profile.score for profile in profiles if profile.score]
    return Profile(
        sum(profile.rows for profile in profiles),
        tuple(merge_columns(parts) for parts in features.values()),
        merge_columns(predictions) if predictions else None,
        merge_columns(scores) if scores else None,
        merge_jointly([profile.joint for profile in profiles]),
    )


def _profile_answers(answers: Answers | None, name: str, like: ColumnProfile | None) -> ColumnProfile | None:
    if answers is None:
        return None
    cells = _cells(answers)
    return profile_cells(cells, name, like.kind if like else _kind_of_answers(cells), like)


def _kind_of_answers(cells: np.ndarray[Any, Any]) -> Kind:
    if cells.dtype != object:
        return "number"
    return "number" if all(cell is None or isinstance(cell, int | float) for cell in cells) else "category"


def _cells(column: Any) -> np.ndarray[Any, Any]:
    """Return a column as an array: of text and of mixed values as objects."""
    array = np.asarray(column)
    if array.dtype.kind in "US":
        return np.asarray(column, dtype=object)
    return array
