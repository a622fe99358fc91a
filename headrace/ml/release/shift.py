"""Whether a new model answers otherwise than the one in service, asked by the same callers in the same hours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any, Literal, Self

from headrace.ml.column_schema import ColumnSchema
from headrace.ml.drift import DriftReport, compare
from headrace.ml.profile import Answers, Profile, merge_profiles, profile_frame

Verdict = Literal["shift", "no shift", "not enough data"]

FALSE_WITHDRAWALS = 0.01
"""How often a release of an equal model may find a shift, over all its looks together."""

LEAST_ROWS = 100
"""Fewer rows of the new model are not compared."""

_STRATA = 2
_LARGEST_SHARE = 1.0 - 1e-9


def answers_of(baseline: Profile) -> Profile:
    """Return the bins and levels in which answers are counted: those of a model's baseline, with nothing in them.

    Parameters
    ----------
    baseline : Profile
        Of the model in service. Its answers while it was trained cut the axis; they are not compared with.
    """
    columns = [column for column in (baseline.prediction, baseline.score) if column]
    return Profile(0, tuple(columns))


def profile_answers(bins: Profile, labels: Answers, scores: Answers) -> Profile:
    """Profile answers, in the order in which they were given.

    Parameters
    ----------
    bins : Profile
        As `answers_of` returns them.
    labels : sequence of shape (n_rows,)
        Labels as text, or numbers.
    scores : sequence of shape (n_rows,)
        Their probabilities; not looked at in a regression.
    """
    cells = dict(zip(("prediction", "score"), (labels, scores), strict=True))
    schema = [ColumnSchema(column.name, column.kind) for column in bins.features]
    return profile_frame({name: cells[name] for name in (each.name for each in schema)}, schema, like=bins)


@dataclass(frozen=True)
class Stratum:
    """Answers that both models gave while requests were shared between them in one way.

    Only these are compared: if the new model answered a tenth of the requests at night and half of them by day, its answers
    would be another mixture of both than those of the model in service, without any difference between the models.

    Parameters
    ----------
    since : str
        When requests began to be shared so; ISO 8601, UTC.
    champion, challenger : Profile or None
        Of the answers; None without any.
    """

    since: str
    champion: Profile | None = None
    challenger: Profile | None = None

    def add(self, champion: Profile | None, challenger: Profile | None) -> Stratum:
        """Return the stratum with more answers."""
        return replace(
            self,
            champion=_merged(self.champion, champion),
            challenger=_merged(self.challenger, challenger),
        )

    @property
    def rows(self) -> tuple[int, int]:
        """How many rows the champion, and the challenger, have answered."""
        return _rows(self.champion), _rows(self.challenger)

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        profiles = {"champion": self.champion, "challenger": self.challenger}
        return {"since": self.since} | {name: each and each.as_dict() for name, each in profiles.items()}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        """Read what `as_dict` wrote."""
        profiles = (
            document[name] and Profile.from_dict(document[name]) for name in ("champion", "challenger")
        )
        return cls(document["since"], *profiles)


def with_stratum(strata: Sequence[Stratum], since: str) -> tuple[Stratum, ...]:
    """Return the strata with a new one at the end; of the old ones the last, whose answers may still arrive, is kept.

    Examples
    --------
    >>> [each.since for each in with_stratum((Stratum("10:00"), Stratum("10:10")), "10:20")]
    ['10:10', '10:20']
    """
    return (*strata, Stratum(since))[-_STRATA:]


@dataclass(frozen=True)
class Shift:
    """How far the answers of two models are apart.

    Parameters
    ----------
    verdict : {"shift", "no shift", "not enough data"}
        A shift is both sure and as large as the limit.
    size : float
        How far, less what chance alone would show: a shift of a normal variable, in its standard deviations. 0 if it is not
        sure that there is any.
    report : DriftReport
        The comparison: the champion's answers come first.
    stratum : Stratum
        What was compared.
    """

    verdict: Verdict
    size: float
    report: DriftReport
    stratum: Stratum


def find_shift(strata: Sequence[Stratum], *, limit: float, looks: int) -> Shift:
    """Compare the answers of both models, in each stratum by itself.

    By the tests that the drift check has (:func:`headrace.ml.drift.compare`), with the champion's answers in the same hours
    for a reference. The accepted rate of false alarms is shared equally among all looks of the release and their strata, so
    that looking often does not find what is not there (Bonferroni).

    Parameters
    ----------
    strata : sequence of Stratum
        At least one, the newest last.
    limit : float
        The least shift that counts, in standard deviations of a normal variable; above 0.
    looks : int
        How often a release is looked at, at most.

    Returns
    -------
    Shift
        Of the stratum with the largest one; of several without any, of the newest.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> trained = profile_frame({}, [], predictions=rng.normal(0, 1, 5000))
    >>> bins = answers_of(trained)
    >>> old, new = (profile_answers(bins, rng.normal(mean, 1, 2000), []) for mean in (0.5, 2.0))
    >>> found = find_shift([Stratum("2026-01-31T10:00:00+00:00", old, new)], limit=1.0, looks=10)
    >>> found.verdict, 1.3 < found.size < 1.7
    ('shift', True)
    """
    rate = FALSE_WITHDRAWALS / (looks * _STRATA)
    found = [_compare(stratum, limit, rate) for stratum in reversed(strata)]
    return max(found, key=lambda shift: (shift.verdict == "shift", shift.size))


def _compare(stratum: Stratum, limit: float, rate: float) -> Shift:
    if stratum.champion is None or stratum.challenger is None:
        rows = stratum.rows[1]
        reason = f"not enough data: {rows} rows of the new model, {stratum.rows[0]} of the old one"
        return Shift("not enough data", 0.0, DriftReport(False, "not enough data", rows, reason, []), stratum)
    report = compare(
        stratum.champion,
        stratum.challenger,
        false_alarm_rate=rate,
        smallest_effect=limit,
        min_rows=LEAST_ROWS,
    )
    verdict: Verdict = "shift" if report.drifted else "no shift"
    known = [feature for feature in report.features if feature.verdict in ("drift", "no drift")]
    sure = [feature.effect for feature in known if feature.p_value < feature.threshold]
    return Shift(verdict if known else "not enough data", shift_of(max(sure, default=0.0)), report, stratum)


def shift_of(moved: float) -> float:
    r"""Return the shift of a normal variable that moves a share of rows: :math:`2 \Phi^{-1}((1 + e) / 2)`.

    The inverse of :func:`headrace.ml.drift.share_moved`.

    Parameters
    ----------
    moved : float
        In [0, 1].

    Returns
    -------
    float
        In standard deviations; 12.2 at most.

    Examples
    --------
    >>> round(shift_of(0.3829), 3), shift_of(0.0)
    (1.0, 0.0)
    """
    return 2.0 * NormalDist().inv_cdf((1.0 + min(moved, _LARGEST_SHARE)) / 2.0) if moved > 0 else 0.0


def _rows(profile: Profile | None) -> int:
    return profile.rows if profile else 0


def _merged(old: Profile | None, new: Profile | None) -> Profile | None:
    profiles = [profile for profile in (old, new) if profile is not None]
    return merge_profiles(profiles) if profiles else None
