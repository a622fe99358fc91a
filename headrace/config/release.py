"""The block `release`: how requests come from the model in service to an approved one, and what turns them back."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import Field

from headrace.config.block import Block

Strategy = Literal["all_at_once", "canary", "linear", "shadow", "ab"]

_DAY_S = 24 * 60 * 60
_MOST_JUDGEMENTS = 500
"""A judgement is some 15 events of its execution's history, which Step Functions ends at 25,000; others are waits."""
_SHARES = {"canary": 0.1, "ab": 0.5, "shadow": 1.0}


class ReleaseLimits(Block):
    """What the new model may do at most; beyond any of these the release is withdrawn at once.

    Examples
    --------
    >>> limits = ReleaseLimits(latency_p99_ms=200)
    >>> limits.server_errors, limits.latency_p99_factor, limits.prediction_shift
    (1, 3.0, 1.0)
    """

    server_errors: int = Field(
        1, ge=1, description="So many answers with an error of the new model's own (5XX) within a minute."
    )
    latency_p99_ms: float | None = Field(
        None,
        gt=0,
        description="One request in a hundred takes longer, in two minutes of three, in ms; none: no such limit.",
    )
    latency_p99_factor: float | None = Field(
        3.0,
        gt=1,
        description="One request in a hundred takes so many times as long as with the model in service, in two minutes "
        "of three; none: no such limit.",
    )
    prediction_shift: float | None = Field(
        1.0,
        gt=0,
        le=10,
        description="How far the predictions lie from those of the model in service on the same traffic, in the unit of "
        "`monitoring.smallest_effect`: 0.5 moves 20 rows of 100, 1 moves 38; none: no such limit.",
    )


class Release(Block):
    """How an approved model takes over from the one in service.

    Examples
    --------
    >>> Release(strategy="canary").shares
    (0.1, 1.0)
    >>> Release(strategy="linear", step=0.4).shares
    (0.4, 0.8, 1.0)
    >>> Release(strategy="ab").shares, Release(strategy="ab", max_days=30).interval_s
    ((0.5,), 5184)
    """

    strategy: Strategy = Field(
        "all_at_once",
        description="all_at_once exchanges the models; canary sends a share of the requests to the new one, then all; "
        "linear raises its share step by step; shadow has it answer copies that nobody gets; ab compares both until one "
        "is better. All but the first need `endpoint.kind: realtime`.",
    )
    share: float | None = Field(
        None,
        gt=0,
        le=1,
        description="Of requests that the new model answers (canary: 0.1, ab: 0.5), or that are copied to it (shadow: 1), "
        "unless named.",
    )
    step: float = Field(0.25, ge=0.05, le=0.5, description="Linear: what its share grows by.")
    interval_minutes: float = Field(
        10,
        ge=1,
        le=1440,
        description="How long each share is kept before the next, and how often an ab or a shadow is looked at, in "
        "minutes. Alarms are not waited for: they withdraw the release at any moment. Less than five is for trying out: "
        "CloudWatch counts by the minute.",
    )
    limits: ReleaseLimits = Field(
        default_factory=ReleaseLimits, description="What withdraws the new model at once."
    )
    metric: Literal["labels", "proxy"] = Field(
        "proxy",
        description="What an ab or a shadow compares: the measured quality of both, which needs `feedback`, or what can be "
        "told without labels.",
    )
    confidence: float = Field(
        0.95,
        ge=0.8,
        le=0.999,
        description="Of an ab or a shadow: how sure it is that what is called better is so.",
    )
    min_rows: int = Field(
        1000,
        ge=30,
        description="An ab or a shadow is not decided before each model has answered so many rows.",
    )
    max_days: float = Field(
        14,
        gt=0,
        le=90,
        description="A release that is not decided by then is withdrawn, in days; a canary or linear one after five hundred "
        "times `interval_minutes`, if that is sooner (of ten minutes: three and a half days).",
    )
    promote: Literal["automatic", "manual"] = Field(
        "automatic",
        description="Who has the last word when all went well: the release itself, or a person, by `headrace release promote`.",
    )

    @property
    def by_steps(self) -> bool:
        """Whether time and alarms alone decide, and no comparison of the two models."""
        return self.strategy in ("canary", "linear")

    @property
    def shares(self) -> tuple[float, ...]:
        """The share of requests that the new model gets, or whose copies it gets, at each step: 0 to 1."""
        if self.strategy == "all_at_once":
            return ()
        if self.strategy == "linear":
            steps = math.ceil(1 / self.step - 1e-9)
            return tuple(round(min(1.0, self.step * number), 6) for number in range(1, steps + 1))
        first = self.share or _SHARES[self.strategy]
        return (first, 1.0) if self.strategy == "canary" and first < 1 else (first,)

    @property
    def interval_s(self) -> int:
        """Seconds between two judgements, so long that a comparison of `max_days` takes five hundred at most."""
        wanted = round(60 * self.interval_minutes)
        return wanted if self.by_steps else max(wanted, math.ceil(_DAY_S * self.max_days / _MOST_JUDGEMENTS))

    @property
    def longest_s(self) -> int:
        """Seconds after which a release that is not decided is withdrawn."""
        longest = round(_DAY_S * self.max_days)
        return min(longest, _MOST_JUDGEMENTS * self.interval_s) if self.by_steps else longest
