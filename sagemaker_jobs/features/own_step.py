"""Runs a step of the user's own, and says in one sentence where it failed."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np
from scipy import sparse

from sagemaker_jobs.failures import JobError
from sagemaker_jobs.features.registry import find_step
from sagemaker_jobs.features.step import READY, Feature, Features, Step, Target


class OwnStep(Step):
    """Passes arrays to the user's class or function, and takes numbers or texts from it.

    Parameters
    ----------
    name : str
        Of the step and of its file.
    parameters : dict
        What the pipeline file passes.
    keep : bool
        Whether the columns stay beside what is made of them.

    Attributes
    ----------
    learned_ : object or None
        The user's object, if the step is a class.
    """

    takes = ("number", "category", "boolean", "datetime", "text", "image")

    def __init__(self, name: str, parameters: Mapping[str, Any] | None = None, keep: bool = True) -> None:
        self.name = name
        self.parameters = parameters
        self.keep = keep

    @property
    def beside(self) -> bool:  # type: ignore[override]
        """Whether the columns stay."""
        return self.keep

    def fit(self, features: Features, target: Target | None = None) -> Self:
        """Let the user's class learn; a function has nothing to learn."""
        definition, parameters = find_step(self.name), dict(self.parameters or {})
        self.learned_: Any = None
        if inspect.isclass(definition):
            learned = self._run(lambda: definition(**parameters))
            self._run(lambda: learned.fit(_arrays(features), target))
            self.learned_ = learned
        return self

    def transform(self, features: Features) -> Features:
        """Return what the user's step makes, as one column named like the step."""
        columns, learned = _arrays(features), self.learned_
        if learned is None:
            definition, parameters = find_step(self.name), dict(self.parameters or {})
            made = self._run(lambda: definition(columns, **parameters))
        else:
            made = self._run(lambda: learned.transform(columns))
        rows = len(next(iter(columns.values())))
        return {self.name: self._checked(made, rows)}

    def _checked(self, made: Any, rows: int) -> Feature:
        values = made.tocsr() if sparse.issparse(made) else np.asarray(made)
        shape = values.shape
        if not shape or shape[0] != rows or len(shape) > 2:  # noqa: PLR2004 - a matrix
            raise JobError(f"the step {self.name!r} returned the shape {shape} for {rows} rows")
        if values.dtype.kind in "OU" and len(shape) == 1:
            return Feature("category", np.array([v if v is None else str(v) for v in values], dtype=object))
        try:
            return Feature(READY, values.astype(np.float64))
        except (TypeError, ValueError):
            raise JobError(f"the step {self.name!r} returned neither numbers nor a column of texts") from None

    def _run(self, act: Callable[[], Any]) -> Any:
        """Act; a failure is told by its kind and line, because its text may repeat what is in the rows."""
        try:
            return act()
        except Exception as error:
            file = f"pipelines/steps/{self.name}.py"
            frame, line = error.__traceback__, 0
            while frame is not None:
                if frame.tb_frame.f_code.co_filename.endswith(file):
                    line = frame.tb_lineno
                frame = frame.tb_next
            raise JobError(
                f"the step {self.name!r} failed: {type(error).__name__} in {file}:{line}"
            ) from None


def _arrays(features: Features) -> dict[str, Any]:
    return {name: values for name, (_, values) in features.items()}
