"""Which of two models loses less on requests that are shared between them by chance, decided as soon as it is sure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, Self

import numpy as np

from headrace.ml.arrays import Floats
from headrace.ml.release.confidence import Differences, Interval, Reach, Sums

Verdict = Literal["better", "worse", "open", "wrong shares"]

FIRST = 100
"""Requests of both models together that have to be known before losses are given a scale."""

UNKNOWN = Interval(-math.inf, math.inf)
"""Of a difference of which nothing is known."""

_SHARE_BELOW_SCALE = 0.99
_PRIOR_REQUESTS = 100.0
_SURELY_WRONG_SHARES = math.log(1000.0)
_ALMOST_NOTHING = 1e-12


@dataclass(frozen=True)
class Scale:
    """How a loss becomes a number from 0 to 1.

    Parameters
    ----------
    most : float
        Losses above count as this; in the loss's unit, above 0.
    centre : float
        About which losses are taken, in units of `most`, 0 to 1. What is near the mean of both makes chance least.
    """

    most: float
    centre: float

    @classmethod
    def of(cls, losses: Floats, *, bounded: bool) -> Self:
        """Choose it from the first losses of both models together, which do not tell who lost.

        Parameters
        ----------
        losses : ndarray of shape (n_requests,)
            At least 0.
        bounded : bool
            Whether losses are at most 1 by themselves. Others count up to what one request in a hundred exceeds: one that
            is a thousand times as wrong as the usual would otherwise hide for ever what all others show.

        Examples
        --------
        >>> Scale.of(np.array([0.0, 0.0, 1.0, 0.0]), bounded=True)
        Scale(most=1.0, centre=0.25)
        """
        most = 1.0 if bounded else max(float(np.quantile(losses, _SHARE_BELOW_SCALE)), _ALMOST_NOTHING)
        return cls(most, float(np.minimum(losses / most, 1.0).mean()))

    def centred(self, losses: Floats) -> Floats:
        """Return losses in units of `most`, less the centre."""
        found: Floats = np.minimum(losses / self.most, 1.0) - self.centre
        return found


@dataclass(frozen=True)
class Arm:
    """What one model has lost.

    Parameters
    ----------
    waiting : tuple of float
        Losses that were not given a scale yet.
    sums : Sums
        Of the centred losses.
    """

    waiting: tuple[float, ...] = ()
    sums: Sums = field(default_factory=Sums)

    def add(self, losses: Floats, scale: Scale | None) -> Arm:
        """Return the arm with the losses of more requests."""
        waiting = np.concatenate([np.asarray(self.waiting, dtype=np.float64), losses])
        if scale is None:
            return Arm(tuple(waiting.tolist()), self.sums)
        return Arm((), self.sums + Sums.of(scale.centred(waiting)))

    @property
    def requests(self) -> int:
        """How many requests are known."""
        return self.sums.count + len(self.waiting)


@dataclass(frozen=True)
class Finding:
    """What is known of the difference between two models.

    Parameters
    ----------
    verdict : {"better", "worse", "open", "wrong shares"}
        Of the challenger.
    champion, challenger : float
        Mean loss, in the loss's unit; NaN if nothing is known.
    difference : Interval
        Where the challenger's mean loss less the champion's is, in the loss's unit.
    requests : tuple of int
        Requests whose loss is known: of the champion, of the challenger.
    evidence : tuple of float
        That the challenger is better, and that it is worse: how many times a gambler has multiplied his money who bet on it at
        fair odds. Above ``2 / error`` it decides.
    """

    verdict: Verdict
    champion: float = math.nan
    challenger: float = math.nan
    difference: Interval = UNKNOWN
    requests: tuple[int, int] = (0, 0)
    evidence: tuple[float, float] = (1.0, 1.0)

    @classmethod
    def of(
        cls, differences: Differences, scale: Scale, means: tuple[float, float], error: float, margin: float
    ) -> Self:
        """Return what differences of scaled losses say, in the loss's unit.

        Parameters
        ----------
        differences : Differences
            Of losses in units of ``scale.most``.
        scale : Scale
            How losses were scaled.
        means : tuple of float
            Mean centred loss of the champion, and of the challenger, in units of ``scale.most``.
        error, margin : float
            As for `Split.verdict`; the margin may be negative.
        """
        most = scale.most
        found = differences.interval(error)
        better, worse = differences.log_evidence(margin / most)
        return cls(
            differences.verdict(error, margin / most),
            most * (means[0] + scale.centre),
            most * (means[1] + scale.centre),
            Interval(most * found.low, most * found.high),
            (differences.sums.count,) * 2,
            (_exp(better), _exp(worse)),
        )


@dataclass(frozen=True)
class Split:
    r"""Losses of two models that share the requests by chance; all of it that is kept from one look to the next.

    Each request goes to the challenger with the probability :math:`\pi`, with all its rows. With a loss :math:`y_i` of
    request :math:`i` and a centre :math:`m`,

    .. math:: d_i = \begin{cases} (y_i - m) / \pi & \text{if the challenger answered} \\
        -(y_i - m) / (1 - \pi) & \text{if the champion did} \end{cases}

    is on average what the challenger would have lost on it less what the champion would have: because chance sends the
    request, whatever else makes requests alike. Users who come back, hours that are harder than others and models that are
    better at night change nothing about it. The mean of the :math:`d_i` is tested by
    :func:`headrace.ml.release.confidence.log_evidence`, after any number of looks [1]_.

    Parameters
    ----------
    share : float
        Of requests that the challenger answers, above 0, below 1.
    bounded : bool
        Whether losses are at most 1 by themselves.
    scale : Scale or None
        Of losses; None as long as fewer than `FIRST` are known.
    champion, challenger : Arm
        What each has lost.

    References
    ----------
    .. [1] Waudby-Smith, I., Arbour, D., Sinha, R., Kennedy, E. H. and Ramdas, A. (2024). Time-uniform central limit theory
       and asymptotic confidence sequences. Annals of Statistics 52. Differences weighted by the inverse of the share are
       theirs; the limits here hold for few requests too, which costs a third more of them.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> split = Split(0.5, bounded=True).add(rng.random(4000) < 0.3, rng.random(4000) < 0.2)
    >>> split.judge(0.05).verdict
    'better'
    """

    share: float
    bounded: bool
    scale: Scale | None = None
    champion: Arm = field(default_factory=Arm)
    challenger: Arm = field(default_factory=Arm)

    def add(self, champion: Floats, challenger: Floats) -> Split:
        """Return the split with the losses of more requests: of shape (n_requests,), at least 0."""
        arms = self.champion, self.challenger
        losses = [np.asarray(new, dtype=np.float64) for new in (champion, challenger)]
        scale = self.scale
        if scale is None:
            known = np.concatenate([*(arm.waiting for arm in arms), *losses])
            scale = Scale.of(known, bounded=self.bounded) if len(known) >= FIRST else None
        old, new = (arm.add(more, scale) for arm, more in zip(arms, losses, strict=True))
        return replace(self, scale=scale, champion=old, challenger=new)

    @property
    def requests(self) -> tuple[int, int]:
        """How many requests of the champion, and of the challenger, are known."""
        return self.champion.requests, self.challenger.requests

    def verdict(self, error: float, *, margin: float = 0.0) -> Verdict:
        """Say which model is better, if it is sure.

        Parameters
        ----------
        error : float
            Accepted chance that of two equal models one is ever called better, at all looks together.
        margin : float
            By how much the challenger's mean loss has to be lower, in the loss's unit; at least 0. It is called worse once it
            is sure that it is not.
        """
        if self.scale is None:
            return "open"
        if self._shares_are_wrong():
            return "wrong shares"
        return self._differences(self.scale).verdict(error, margin / self.scale.most)

    def judge(self, error: float, *, margin: float = 0.0) -> Finding:
        """Return the verdict, and what it is based on."""
        verdict = self.verdict(error, margin=margin)
        if self.scale is None:
            return Finding(verdict, requests=self.requests)
        means = self.champion.sums.mean, self.challenger.sums.mean
        found = Finding.of(self._differences(self.scale), self.scale, means, error, margin)
        return replace(found, verdict=verdict, requests=self.requests)

    def _differences(self, scale: Scale) -> Differences:
        of_new, of_old = 1.0 / self.share, 1.0 / (1.0 - self.share)
        sums = self.challenger.sums.scaled(of_new) + self.champion.sums.scaled(-of_old)
        low, high = scale.centre, 1.0 - scale.centre
        below, above = max(low * of_new, high * of_old), max(high * of_new, low * of_old)
        return Differences(sums, Reach(max(below, _ALMOST_NOTHING), max(above, _ALMOST_NOTHING)))

    def _shares_are_wrong(self) -> bool:
        """Tell whether the requests are surely not shared as they should be, once in a thousand releases by chance.

        The evidence of a beta distribution about the share against the share itself, which may be looked at as often as one
        likes (Lindon, M. and Malek, A. (2022). Anytime-valid inference for multinomial count data. NeurIPS 35).
        """
        old, new = self.requests
        prior = _PRIOR_REQUESTS * self.share, _PRIOR_REQUESTS * (1.0 - self.share)
        evidence = _log_beta(prior[0] + new, prior[1] + old) - _log_beta(*prior)
        return evidence - new * math.log(self.share) - old * math.log1p(-self.share) >= _SURELY_WRONG_SHARES

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        """Read what `as_dict` wrote."""
        arms = (
            Arm(tuple(document[name]["waiting"]), Sums.from_dict(document[name]["sums"]))
            for name in ("champion", "challenger")
        )
        scale = Scale(**document["scale"]) if document["scale"] else None
        return cls(document["share"], document["bounded"], scale, *arms)


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def _exp(logarithm: float) -> float:
    return math.exp(min(logarithm, 700.0))
