"""Which hyperparameters a tuning job tries next: grid, random and Bayesian search.

References
----------
.. [1] SageMaker developer guide, "How Hyperparameter Tuning Works".
.. [2] Bergstra, J. et al. (2011). Algorithms for Hyper-Parameter Optimization. NeurIPS 24.
.. [3] Falkner, S. et al. (2018). BOHB. ICML 35, on the multivariate estimator.
"""

from __future__ import annotations

import itertools
import math
import random
import warnings
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from local_cloud.sagemaker.tuning_space import CategoryRange, Hyperparameters, NumberRange, Space

_TRIES = 100
_MOST_AT_RANDOM = 10


@dataclass(frozen=True)
class Knowledge:
    """What the trials of earlier tuning jobs tell.

    Parameters
    ----------
    measured : sequence of (hyperparameters, float)
        Trials whose objective counts as if it were of this job.
    promising : sequence of hyperparameters
        Points that are tried before any other.
    """

    measured: Sequence[tuple[Mapping[str, str], float]] = ()
    promising: Sequence[Mapping[str, str]] = ()


@dataclass
class Plan:
    """What a search is made of.

    Parameters
    ----------
    space : sequence of ranges
        What is searched.
    seed : int
        The same seed, and the same answers in the same order, give the same search.
    maximize : bool
        Whether a larger objective is better.
    budget : int
        How many trials there will be at most.
    known : Knowledge
        Of earlier tuning jobs.
    """

    space: Space
    seed: int
    maximize: bool
    budget: int
    known: Knowledge = field(default_factory=Knowledge)


class Search(Protocol):
    """A strategy."""

    learns: bool
    """Whether what is asked next depends on what was told."""

    def ask(self) -> Hyperparameters:
        """Return the next point to try."""
        ...

    def tell(self, number: int, objective: float | None) -> None:
        """Learn what came of the `number`-th point that was asked, from 0; None if nothing did."""
        ...


class GridSearch:
    """Every combination of categorical values, once.

    Examples
    --------
    >>> grid = GridSearch(Plan([CategoryRange("a", ("1", "2")), CategoryRange("b", ("x", "y"))], 0, True, 4))
    >>> [tuple(grid.ask().values()) for _ in range(4)]
    [('1', 'x'), ('1', 'y'), ('2', 'x'), ('2', 'y')]
    """

    learns = False

    def __init__(self, plan: Plan) -> None:
        axes = [one.values for one in plan.space if isinstance(one, CategoryRange)]
        names = [one.name for one in plan.space]
        self._points = (dict(zip(names, values, strict=True)) for values in itertools.product(*axes))

    def ask(self) -> Hyperparameters:
        """Return the next combination."""
        return next(self._points)

    def tell(self, number: int, objective: float | None) -> None:
        """Learn nothing: the grid is fixed."""


class RandomSearch:
    """Independent points; one that was tried already is drawn again, as long as there are others."""

    learns = False

    def __init__(self, plan: Plan) -> None:
        self._space, self._random = plan.space, random.Random(plan.seed)
        self._first = deque(_inside(plan.space, plan.known.promising))
        self._tried = {_key(point) for point in _inside(plan.space, (p for p, _ in plan.known.measured))}

    def ask(self) -> Hyperparameters:
        """Return a point."""
        point = self._first.popleft() if self._first else self._drawn()
        self._tried.add(_key(point))
        return point

    def tell(self, number: int, objective: float | None) -> None:
        """Learn nothing: the points are independent."""

    def _drawn(self) -> Hyperparameters:
        for _ in range(_TRIES):
            point = {one.name: self._value(one) for one in self._space}
            if _key(point) not in self._tried:
                break
        return point

    def _value(self, one: NumberRange | CategoryRange) -> str:
        if isinstance(one, CategoryRange):
            return self._random.choice(one.values)
        return one.text(self._random.random())


class BayesianSearch:
    """Optuna's tree-structured Parzen estimator over the ranges' scales."""

    learns = True

    def __init__(self, plan: Plan) -> None:
        import optuna  # noqa: PLC0415 - half a second that only Bayesian searches pay

        self._space, self._optuna = plan.space, optuna
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        at_random = max(2, min(_MOST_AT_RANDOM, plan.budget // 3))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the multivariate estimator is called experimental
            sampler = optuna.samplers.TPESampler(
                seed=plan.seed, n_startup_trials=at_random, multivariate=True, constant_liar=True
            )
        self._study = optuna.create_study(
            sampler=sampler, direction="maximize" if plan.maximize else "minimize"
        )
        self._distributions = {one.name: self._distribution(one) for one in plan.space}
        self._asked: list[Any] = []
        for point, objective in plan.known.measured:
            if (params := self._params(point)) and math.isfinite(objective):
                self._study.add_trial(
                    optuna.trial.create_trial(
                        params=params, distributions=self._distributions, value=objective
                    )
                )
        for point in _inside(plan.space, plan.known.promising):
            self._study.enqueue_trial(self._params(point) or {})

    def ask(self) -> Hyperparameters:
        """Return the point that promises the largest improvement."""
        trial = self._study.ask(self._distributions)
        self._asked.append(trial)
        return {one.name: _text(one, trial.params[one.name]) for one in self._space}

    def tell(self, number: int, objective: float | None) -> None:
        """Learn what came of a point."""
        if objective is None or not math.isfinite(objective):
            self._study.tell(self._asked[number], state=self._optuna.trial.TrialState.FAIL)
        else:
            self._study.tell(self._asked[number], objective)

    def _distribution(self, one: NumberRange | CategoryRange) -> Any:
        if isinstance(one, CategoryRange):
            return self._optuna.distributions.CategoricalDistribution(one.values)
        return self._optuna.distributions.FloatDistribution(0.0, 1.0)

    def _params(self, point: Mapping[str, str]) -> dict[str, Any] | None:
        positions = {one.name: _position(one, point.get(one.name, "")) for one in self._space}
        return None if None in positions.values() else positions


_STRATEGIES: dict[str, type[GridSearch] | type[RandomSearch] | type[BayesianSearch]] = {
    "Grid": GridSearch,
    "Random": RandomSearch,
    "Hyperband": RandomSearch,
    "Bayesian": BayesianSearch,
}


def start_search(strategy: str, plan: Plan) -> Search:
    """Return a search by AWS's name of its strategy."""
    return _STRATEGIES[strategy](plan)


def _inside(space: Space, points: Iterable[Mapping[str, str]]) -> list[Hyperparameters]:
    """Return the points, reduced to the ranges of the space; those that lie outside are left out."""
    return [
        {one.name: point[one.name] for one in space}
        for point in points
        if all(_position(one, point.get(one.name, "")) is not None for one in space)
    ]


def _position(one: NumberRange | CategoryRange, text: str) -> float | str | None:
    if isinstance(one, NumberRange):
        return one.position(text)
    return text if text in one.values else None


def _text(one: NumberRange | CategoryRange, position: Any) -> str:
    return one.text(position) if isinstance(one, NumberRange) else str(position)


def _key(point: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(point.items()))
