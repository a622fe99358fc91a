"""Profiles in the file formats of Amazon SageMaker Model Monitor, for tools that were made for it.

References
----------
.. [1] Amazon SageMaker AI Developer Guide, "Schema for Statistics (statistics.json file)" and "Schema for Constraints
   (constraints.json file)".
"""

from __future__ import annotations

from typing import Any

from headrace.ml.profile import Profile
from headrace.ml.profile_bins import histogram_of
from headrace.ml.profile_column import ColumnProfile
from headrace.ml.profile_levels import distinct_count
from headrace.ml.quantile_sketch import sketch_of

VERSION = 0
BUCKETS = 10

_THRESHOLD = 0.1
_MONITORING_CONFIG = {
    "evaluate_constraints": "Enabled",
    "emit_metrics": "Enabled",
    "datatype_check_threshold": _THRESHOLD,
    "domain_content_threshold": _THRESHOLD,
    "distribution_constraints": {
        "perform_comparison": "Enabled",
        "comparison_threshold": _THRESHOLD,
        "comparison_method": "Robust",
        "categorical_comparison_threshold": _THRESHOLD,
        "categorical_drift_method": "LInfinity",
    },
}
"""Model Monitor's own defaults."""


def statistics(profile: Profile) -> dict[str, Any]:
    """Return ``statistics.json`` of a data set.

    Images are left out: Model Monitor knows numbers and text only. Numbers come with ten equally wide buckets and a KLL
    sketch, both read off the profile's bins, so they are as exact as these; with the most frequent 200 categories.

    Parameters
    ----------
    profile : Profile
        Of the data set.

    Returns
    -------
    dict
        As the guide's schema describes it.

    Examples
    --------
    >>> from headrace.ml.column_schema import ColumnSchema
    >>> from headrace.ml.profile import profile_frame
    >>> document = statistics(profile_frame({"temp": [1.0, 2.0, None]}, [ColumnSchema("temp", "number")]))
    >>> document["features"][0]["inferred_type"], document["features"][0]["numerical_statistics"]["common"]
    ('Integral', {'num_present': 2, 'num_missing': 1})
    """
    return {
        "version": VERSION,
        "dataset": {"item_count": profile.rows},
        "features": [_feature_statistics(column) for column in _tabular(profile)],
    }


def constraints(profile: Profile) -> dict[str, Any]:
    """Return ``constraints.json``: what Model Monitor would suggest to hold further data to.

    Examples
    --------
    >>> from headrace.ml.column_schema import ColumnSchema
    >>> from headrace.ml.profile import profile_frame
    >>> document = constraints(profile_frame({"temp": [0.5, 2.0]}, [ColumnSchema("temp", "number")]))
    >>> document["features"]  # doctest: +NORMALIZE_WHITESPACE
    [{'name': 'temp', 'inferred_type': 'Fractional', 'completeness': 1.0,
      'num_constraints': {'is_non_negative': True}}]
    """
    return {
        "version": VERSION,
        "features": [_feature_constraints(column) for column in _tabular(profile)],
        "monitoring_config": _MONITORING_CONFIG,
    }


def _tabular(profile: Profile) -> list[ColumnProfile]:
    return [column for column in profile.features if column.kind != "image"]


def inferred_type(column: ColumnProfile) -> str:
    """Return Model Monitor's name for what a column holds."""
    if not column.present:
        return "Unknown"
    if column.kind != "number":
        return "String"
    return "Integral" if column.whole == column.present else "Fractional"


def _feature_statistics(column: ColumnProfile) -> dict[str, Any]:
    common = {"num_present": column.present, "num_missing": column.missing}
    named = {"name": column.name, "inferred_type": inferred_type(column)}
    if column.kind == "number":
        return {**named, "numerical_statistics": {"common": common, **_numerical(column)}}
    return {**named, "string_statistics": {"common": common, **_categorical(column)}}


def _numerical(column: ColumnProfile) -> dict[str, Any]:
    histogram = histogram_of(column)
    if histogram is None or column.mean is None:
        return {}
    ends = histogram.equal_widths(BUCKETS)
    sketch = sketch_of(histogram, whole=column.whole == column.present)
    return {
        "mean": column.mean,
        "sum": column.mean * column.present,
        "std_dev": column.sd,
        "min": column.minimum,
        "max": column.maximum,
        "distribution": {
            "kll": {
                "buckets": [
                    {"lower_bound": lower, "upper_bound": upper, "count": count}
                    for lower, upper, count in ends
                ],
                "sketch": sketch,
            }
        },
    }


def _categorical(column: ColumnProfile) -> dict[str, Any]:
    if not column.levels:
        return {}
    return {
        "distinct_count": distinct_count(column.hashes) if column.hashes else len(column.levels),
        "distribution": {
            "categorical": {
                "buckets": [
                    {"value": level, "count": count}
                    for level, count in zip(column.levels, column.counts.tolist()[:-1], strict=True)
                ]
            }
        },
    }


def _feature_constraints(column: ColumnProfile) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "name": column.name,
        "inferred_type": inferred_type(column),
        "completeness": column.present / column.rows if column.rows else 0.0,
    }
    if column.kind == "number" and column.minimum is not None:
        entry["num_constraints"] = {"is_non_negative": column.minimum >= 0}
    if column.levels and column.counts[-1] == 0:
        entry["string_constraints"] = {"domains": list(column.levels)}
    return entry
