"""What people say of a model, for its model card."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from headrace.config.block import Block

Words = Annotated[str, StringConstraints(min_length=1, max_length=1000)]


class Card(Block):
    """What figures cannot say of a model, for its model card."""

    purpose: Words | None = Field(None, description="Why the model was made, in up to 1000 characters.")
    owner: Words | None = Field(None, description="Who answers for it.")
    risk: Literal["high", "medium", "low", "unknown"] = Field(
        "unknown", description="How much harm wrong answers can do, as your organisation rates it."
    )
    risk_reason: Words | None = Field(None, description="Why it is rated so.")
    intended_uses: Words | None = Field(None, description="What its answers may be used for.")
    out_of_scope: Words | None = Field(None, description="What they must not be used for.")
    factors: Words | None = Field(None, description="What makes its answers worse.")
    ethics: Words | None = Field(None, description="What is to be considered about people who are affected.")
    caveats: Words | None = Field(None, description="What else users have to know.")
    in_registry: bool = Field(
        False,
        description="Whether the model package carries the card, encrypted with the pipeline's key.",
    )
