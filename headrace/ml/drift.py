"""Says whether a window of traffic differs from the training data: by how much, how surely, and in which direction."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from headrace.ml.calibration import Calibration
from headrace.ml.drift_columns import LEAST_VALUES, Difference, differences
from headrace.ml.joint import JointDrift, compare_jointly
from headrace.ml.profile import Profile
from headrace.ml.profile_column import ColumnProfile

Verdict = Literal["drift", "no drift", "not enough data"]
ColumnVerdict = Literal["drift", "no drift", "not enough data", "not compared"]

FALSE_ALARM_RATE = 0.05
SMALLEST_EFFECT = 0.04

_JOINT_WEIGHT = 0.5


@dataclass(frozen=True)
class FeatureDrift:
    """What happened to one column.

    Parameters
    ----------
    name : str
        The column; ``prediction`` is what the model answered.
    drifted : bool
        True if `p_value` is below `threshold` and `effect` is at least `floor`. The only field to act upon.
    effect : float
        Share of rows that moved: past some value (Kolmogorov's distance), to another level (total variation), or to
        missing; less what chance alone would show. 0 to 1.
    p_value : float
        Chance of such a difference without drift, 0 to 1; small is sure.
    threshold : float
        Limit of `p_value`: the false alarms accepted per window, shared among all tests.
    floor : float
        Least effect that counts.
    rows : int
        Rows of the window.
    summary : str
        From what to what.
    verdict : {"drift", "no drift", "not enough data", "not compared"}
        In words. Fewer than 30 values, in the training data or in the window, are not enough; times are not compared.
    independent_rows : float
        How many independent rows the window's weigh as much as: fewer than `rows` where rows resemble their neighbours.
    """

    name: str
    drifted: bool
    effect: float
    p_value: float
    threshold: float
    floor: float
    rows: int
    summary: str
    verdict: ColumnVerdict = "no drift"
    independent_rows: float = 0.0


@dataclass(frozen=True)
class DriftReport:
    """What happened to all columns.

    Parameters
    ----------
    drifted : bool
        True if any column drifted, or how columns go together.
    verdict : {"drift", "no drift", "not enough data"}
        In words.
    rows : int
        Rows of the window.
    reason : str
        A sentence: which columns, or why there is no verdict.
    features : list of FeatureDrift
        The largest effect first among those that drifted, then the others. Empty without a verdict.
    joint : JointDrift or None
        How columns go together; None if the profiles do not say it.
    """

    drifted: bool
    verdict: Verdict
    rows: int
    reason: str
    features: list[FeatureDrift]
    joint: JointDrift | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self)


def compare(
    reference: Profile,
    window: Profile,
    *,
    calibration: Calibration | None = None,
    false_alarm_rate: float = FALSE_ALARM_RATE,
    smallest_effect: float = SMALLEST_EFFECT,
    min_rows: int = 100,
) -> DriftReport:
    """Compare a window with the reference.

    A column has drifted if the difference is both sure and large: its p-value is below the accepted rate of false alarms
    shared among all tests (Sidak [1]_), and its effect, less what chance alone would show, is at least the floor.
    Numbers are compared by Anderson and Darling's test and Kolmogorov and Smirnov's, on the reference's bins; categories
    and missing cells by the chi-square test of two samples, exact where counts are small. Rows that depend on their
    neighbours count for less: as much as makes the reference's own windows look alike. Times are not compared: they
    always move on. If the profiles say how columns go together, that is compared too, and counts as half a test.

    Parameters
    ----------
    reference : Profile
        Of the training data.
    window : Profile
        Of the traffic, made with ``like=reference``.
    calibration : Calibration, optional
        How the reference's own windows differ. Without it the autocorrelation of the reference's rows is what is known.
    false_alarm_rate : float
        How often a window without drift may raise an alarm, over all columns together; above 0, below 1.
    smallest_effect : float
        Smaller moves are never drift, however sure: a shift of a normal variable, in its standard deviations.
    min_rows : int
        A smaller window gets no verdict.

    Returns
    -------
    DriftReport
        With one entry per column.

    References
    ----------
    .. [1] Sidak, Z. (1967). Rectangular confidence regions for the means of multivariate normal distributions. JASA 62.

    Examples
    --------
    >>> import numpy as np
    >>> from headrace.ml.column_schema import ColumnSchema
    >>> from headrace.ml.profile import profile_frame
    >>> rng, schema = np.random.default_rng(0), [ColumnSchema("temp", "number")]
    >>> winter = profile_frame({"temp": rng.normal(5, 3, 900)}, schema)
    >>> spring = profile_frame({"temp": rng.normal(9, 3, 300)}, schema, like=winter)
    >>> report = compare(winter, spring)
    >>> report.drifted, report.features[0].summary
    (True, 'mean 4.93 → 8.83')
    """
    if window.rows < min_rows:
        reason = f"not enough data: {window.rows} rows, {min_rows} are needed"
        return DriftReport(False, "not enough data", window.rows, reason, [])
    named = {column.name: column for column in window.columns}
    pairs = [(column, named[column.name]) for column in reference.columns if column.name in named]
    found = differences(pairs, calibration or Calibration({}))
    tests = sum(map(len, found.values())) + (_JOINT_WEIGHT if _go_together(reference, window) else 0.0)
    threshold, floor = share_of_rate(false_alarm_rate, 1.0, tests), share_moved(smallest_effect)
    features = [_judge(new, found[new.name], threshold, floor) for _, new in pairs]
    features.sort(key=lambda feature: (not feature.drifted, -feature.effect))
    limit = share_of_rate(false_alarm_rate, _JOINT_WEIGHT, tests)
    return _report(features, _joint(reference, window, calibration, limit), window.rows)


def _go_together(reference: Profile, window: Profile) -> bool:
    both = reference.joint, window.joint
    return all(both) and len({len(each.sums) for each in both if each}) == 1


def _joint(
    reference: Profile, window: Profile, calibration: Calibration | None, threshold: float
) -> JointDrift | None:
    if not reference.joint or not window.joint or not _go_together(reference, window):
        return None
    known = calibration.joint if calibration else {}
    return compare_jointly(reference.coordinates, reference.joint, window.joint, known, threshold)


def share_of_rate(rate: float, weight: float, total: float) -> float:
    r"""Return the rate of false alarms of one test of several: :math:`1 - (1 - r)^{w / W}` (Sidak).

    Parameters
    ----------
    rate : float
        Of all tests together, above 0, below 1.
    weight, total : float
        Of this test, and of all.

    Returns
    -------
    float
        `rate` if there is nothing to share.

    Examples
    --------
    >>> round(share_of_rate(0.05, 1, 20), 6)
    0.002561
    """
    return -math.expm1(math.log1p(-rate) * weight / max(total, weight))


def share_moved(shift: float) -> float:
    r"""Return the share of rows that a shift of a normal variable moves: :math:`2 \Phi(|d| / 2) - 1`.

    It is both Kolmogorov's distance and the total variation of two normal distributions a shift apart.

    Parameters
    ----------
    shift : float
        In standard deviations.

    Returns
    -------
    float
        In [0, 1].

    Examples
    --------
    >>> round(share_moved(0.05), 4)
    0.0199
    """
    return math.erf(abs(shift) / (2 * math.sqrt(2)))


def _report(features: list[FeatureDrift], joint: JointDrift | None, rows: int) -> DriftReport:
    moved = [f"{feature.name} ({feature.summary})" for feature in features if feature.drifted]
    moved += [joint.summary] if joint and joint.drifted else []
    if not moved:
        reason = f"no drift in {len(features)} columns, {rows} rows"
        return DriftReport(False, "no drift", rows, reason, features, joint)
    return DriftReport(True, "drift", rows, f"drift in {', '.join(moved)}; {rows} rows", features, joint)


def _judge(
    window: ColumnProfile, found: Sequence[Difference], threshold: float, floor: float
) -> FeatureDrift:
    """Return the surest of the differences that count, or the surest of all."""

    def counts(difference: Difference) -> bool:
        return difference.p_value < threshold and difference.effect >= floor

    if not found:
        return _not_compared(window, threshold, floor)
    best = min(found, key=lambda difference: (not counts(difference), difference.p_value))
    return FeatureDrift(
        window.name,
        counts(best),
        round(best.effect, 6),
        best.p_value,
        threshold,
        floor,
        window.rows,
        best.summary,
        "drift" if counts(best) else "no drift",
        round(best.independent_rows, 1),
    )


def _not_compared(window: ColumnProfile, threshold: float, floor: float) -> FeatureDrift:
    if window.kind == "datetime":
        verdict: ColumnVerdict = "not compared"
        summary = "times are not compared"
    else:
        verdict = "not enough data"
        summary = f"fewer than {LEAST_VALUES} values in the training data or in the window"
    return FeatureDrift(window.name, False, 0.0, 1.0, threshold, floor, window.rows, summary, verdict)
