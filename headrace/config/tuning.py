"""The block `training.tuning`: how hyperparameters are searched."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from headrace.config.block import Block

Value = Annotated[str, StringConstraints(min_length=1, max_length=256)] | int | float | bool
Strategy = Literal["bayesian", "random", "grid", "hyperband"]

# Quotas after https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-limits.html (checked 2026-11).
MOST_TRIALS = 750
"""Training jobs of one tuning job. Of SageMaker's quotas only that of random search can be raised."""
MOST_PARALLEL = 100
"""Training jobs of one tuning job at a time: 10 at first, up to 100 on request."""
MOST_SEARCHED = 30
"""Hyperparameters of one tuning job."""
MOST_VALUES = 30
"""Values of one categorical hyperparameter."""
MOST_MINUTES = 30 * 24 * 60
"""Run time of one tuning job."""
MOST_STEPS = 20_000
"""Hyperband's largest MaxResource."""


def _or_a_list(schema: dict[str, Any]) -> None:
    """Let editors take a list as well."""
    block = dict(schema)
    values = {"type": "array", "minItems": 1, "maxItems": MOST_VALUES, "title": "Values"}
    schema.clear()
    schema |= {"title": block["title"], "anyOf": [values, block]}


class Searched(Block):
    """What is tried of one hyperparameter: a list of values, `name: [a, b]`, or a range of numbers."""

    model_config = ConfigDict(json_schema_extra=_or_a_list)

    min: int | float | None = Field(None, description="Where a range begins; it is tried, too.")
    max: int | float | None = Field(None, description="Where a range ends; it is tried, too.")
    scale: Literal["auto", "linear", "log"] = Field(
        "auto",
        description="Whether equal differences or equal ratios are tried equally often; auto: as the estimator declares it "
        "for this hyperparameter, else SageMaker decides.",
    )
    values: tuple[Value, ...] = Field(
        (),
        max_length=MOST_VALUES,
        description="The values, instead of a range; `name: [a, b]` is short for it.",
    )

    @model_validator(mode="before")
    @classmethod
    def _list_is_values(cls, data: object) -> object:
        return {"values": data} if isinstance(data, list | tuple) else data

    @property
    def is_range(self) -> bool:
        """Whether it is a range of numbers.

        Examples
        --------
        >>> Searched.model_validate(["sqrt", "log2"]).is_range, Searched(min=1, max=8).is_range
        (False, True)
        """
        return not self.values


class Tuning(Block):
    """How hyperparameters are searched: one SageMaker tuning job in each training."""

    strategy: Strategy = Field(
        "bayesian",
        description="By what is known of former trials; at random; all combinations of listed values; or many trials, the "
        "worst of which end early.",
    )
    trials: int | None = Field(
        None,
        ge=1,
        le=MOST_TRIALS,
        description="Models that are trained to choose from; none: 20, with grid all combinations.",
    )
    parallel: int = Field(
        2, ge=1, le=MOST_PARALLEL, description="Trials at a time. More than 10 take a raised quota."
    )
    early_stopping: bool = Field(
        False,
        description="Whether a trial ends that is worse than the median of the former ones at the same step.",
    )
    warm_start: bool = Field(
        False, description="Whether it begins with what the last tuning of the same search has found."
    )
    max_minutes: int | None = Field(
        None,
        ge=2,
        le=MOST_MINUTES,
        description="A longer tuning is ended, and the best trial until then is judged, in minutes; none: as long as all "
        "trials may take.",
    )
    target_value: float | None = Field(
        None, description="The tuning ends when a trial has reached this value of the metric."
    )
    min_steps: int = Field(
        1, ge=1, le=MOST_STEPS, description="hyperband: no trial ends before so many rounds or epochs."
    )
    max_steps: int | None = Field(
        None,
        ge=2,
        le=MOST_STEPS - 2,
        description="hyperband: the rounds or epochs of a trial that is left to its end.",
    )
    search: dict[str, Searched] = Field(
        default_factory=dict,
        description="What is tried, by the hyperparameter's name; none: what the estimator declares.",
    )
