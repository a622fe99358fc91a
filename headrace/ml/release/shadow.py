"""What two models answer to the same requests, one of them for nobody to see."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

import numpy as np

from headrace.ml.arrays import Floats
from headrace.ml.release.confidence import Differences, Interval, Reach, Sums, mean_interval
from headrace.ml.release.sequential import FIRST, Finding, Scale

EDGES: Floats = np.array(
    [-2, -1, -0.5, -0.2, -0.1, -0.05, -0.01, 0.01, 0.05, 0.1, 0.2, 0.5, 1, 2], dtype=np.float64
)
"""Ends of the bins in which differences are counted, in the unit of the comparison."""

MOST_CHANGES = 20
"""Changes of one label to another that are told apart."""

_SAME = 0.01
_OTHERS = "others"
_BOTH = Reach(1.0, 1.0)


@dataclass(frozen=True)
class Agreement:
    """How two models' answers to the same rows differ.

    Parameters
    ----------
    unit : float
        Of differences: 1 for probabilities, for numbers the standard deviation of what the champion answered on its test
        part; above 0.
    rows : int
        Rows that both have answered.
    differing : int
        Rows with another label; of numbers, those that differ by more than a hundredth of the unit.
    changes : dict of str to int
        How often ``one → another`` label, of the most frequent ones; numbers have none.
    counts : tuple of int
        Rows by challenger's less champion's score, in the bins between `EDGES`.
    differences : Sums
        Of the same, in the unit.
    largest : float
        The largest difference, without its sign.
    """

    unit: float = 1.0
    rows: int = 0
    differing: int = 0
    changes: Mapping[str, int] = field(default_factory=dict)
    counts: tuple[int, ...] = (0,) * (len(EDGES) + 1)
    differences: Sums = field(default_factory=Sums)
    largest: float = 0.0

    def add(
        self,
        champion: tuple[Sequence[str | None], Floats],
        challenger: tuple[Sequence[str | None], Floats],
        *,
        numbers: bool,
    ) -> Agreement:
        """Return the agreement with more rows.

        Parameters
        ----------
        champion, challenger : tuple of sequence and ndarray, of shape (n_rows,)
            Labels and scores of the same rows, in the same order.
        numbers : bool
            Whether the answers are numbers.

        Examples
        --------
        >>> old, new = (["no", "yes"], np.array([0.2, 0.7])), (["no", "no"], np.array([0.2, 0.4]))
        >>> found = Agreement().add(old, new, numbers=False)
        >>> found.share, found.changes, round(found.differences.mean, 2)
        (0.5, {'yes → no': 1}, -0.15)
        """
        moved = (challenger[1] - champion[1]) / self.unit
        moved = moved[np.isfinite(moved)]
        changes = Counter(
            f"{old} → {new}" for old, new in zip(champion[0], challenger[0], strict=True) if old != new
        )
        differing = int(np.count_nonzero(np.abs(moved) > _SAME)) if numbers else changes.total()
        counts = np.bincount(np.searchsorted(EDGES, moved), minlength=len(self.counts))
        return replace(
            self,
            rows=self.rows + len(champion[0]),
            differing=self.differing + differing,
            changes={} if numbers else _most_frequent(Counter(self.changes) + changes),
            counts=tuple((np.asarray(self.counts) + counts).tolist()),
            differences=self.differences + Sums.of(moved),
            largest=max(self.largest, float(np.abs(moved).max(initial=0.0))),
        )

    @property
    def share(self) -> float:
        """Share of rows to which both answer the same; 1 without rows."""
        return 1.0 - self.differing / self.rows if self.rows else 1.0

    def share_interval(self, error: float) -> Interval:
        """Return where that share is, at every look together with a probability of at least 1 - `error`.

        Rows of one request are taken for independent here: it is told, and decides nothing.
        """
        # Of 0 and 1 the sum of squares is the sum.
        differing = mean_interval(Sums(self.rows, self.differing, self.differing), _BOTH, error)
        return Interval(1.0 - min(1.0, differing.high), 1.0 - max(0.0, differing.low))

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self) | {"changes": dict(self.changes), "counts": list(self.counts)}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        """Read what `as_dict` wrote."""
        read = {"counts": tuple(document["counts"]), "differences": Sums.from_dict(document["differences"])}
        return cls(**{**document, **read})


@dataclass(frozen=True)
class Pairs:
    """Losses of two models on the same requests; all of it that is kept from one look to the next.

    Far fewer of them are needed than of requests that only one of both has answered: what makes a request hard is hard
    for both, and falls out of the difference. They are tested as those are (:class:`headrace.ml.release.sequential.Split`).

    Parameters
    ----------
    bounded : bool
        Whether losses are at most 1 by themselves.
    scale : Scale or None
        Of losses; None as long as fewer than `FIRST` are known.
    waiting : tuple of (float, float)
        Losses of the champion and the challenger that were not given a scale yet.
    champion, challenger, differences : Sums
        Of the scaled losses of each, and of the challenger's less the champion's.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> hard = rng.random(2000)
    >>> pairs = Pairs(bounded=True).add(hard, np.clip(hard - 0.01, 0, 1))
    >>> pairs.judge(0.05).verdict
    'better'
    """

    bounded: bool
    scale: Scale | None = None
    waiting: tuple[tuple[float, float], ...] = ()
    champion: Sums = field(default_factory=Sums)
    challenger: Sums = field(default_factory=Sums)
    differences: Sums = field(default_factory=Sums)

    def add(self, champion: Floats, challenger: Floats) -> Pairs:
        """Return the pairs with more of them: losses of shape (n_requests,) of the same requests, at least 0."""
        new = np.column_stack([champion, challenger]).astype(np.float64)
        losses = np.concatenate([np.array(self.waiting, dtype=np.float64).reshape(-1, 2), new])
        if self.scale is None and len(losses) < FIRST:
            return replace(self, waiting=tuple((float(old), float(other)) for old, other in losses))
        scale = self.scale or Scale.of(losses.ravel(), bounded=self.bounded)
        old, other = scale.centred(losses[:, 0]), scale.centred(losses[:, 1])
        return Pairs(
            self.bounded,
            scale,
            (),
            self.champion + Sums.of(old),
            self.challenger + Sums.of(other),
            self.differences + Sums.of(other - old),
        )

    def judge(self, error: float, *, tolerated: float = 0.0) -> Finding:
        """Say whether the challenger is worse by what is tolerated, and what is known of the difference.

        Parameters
        ----------
        error : float
            Accepted chance of a false verdict, at all looks together.
        tolerated : float
            By which share of the champion's mean loss the challenger's may be higher to be called ``better``; at least 0.
        """
        if self.scale is None:
            return Finding("open", requests=(len(self.waiting),) * 2)
        means = self.champion.mean, self.challenger.mean
        margin = -tolerated * self.scale.most * (means[0] + self.scale.centre)
        return Finding.of(Differences(self.differences, _BOTH), self.scale, means, error, margin)

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        """Read what `as_dict` wrote."""
        sums = (Sums.from_dict(document[name]) for name in ("champion", "challenger", "differences"))
        scale = Scale(**document["scale"]) if document["scale"] else None
        return cls(document["bounded"], scale, tuple(map(tuple, document["waiting"])), *sums)


def _most_frequent(changes: Counter[str]) -> dict[str, int]:
    """Return the most frequent changes, and how many others there were."""
    others = changes.pop(_OTHERS, 0)
    kept = dict(changes.most_common(MOST_CHANGES))
    others += changes.total() - sum(kept.values())
    return {**kept, **({_OTHERS: others} if others else {})}
