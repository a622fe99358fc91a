"""What rows must look like beyond what the first files show: the block `contract` of the pipeline file."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from headrace.config.block import Block, Column


class ColumnContract(Block):
    """What the cells of one column must be; what is left out is not asked for."""

    min: float | None = Field(None, description="Smallest value, in the column's unit.")
    max: float | None = Field(None, description="Largest value, in the column's unit.")
    allowed: tuple[str, ...] | None = Field(
        None, min_length=1, description="All categories, or labels, that there are."
    )
    nullable: bool | None = Field(
        None, description="Whether a cell may be missing; by default those of features may."
    )
    unique: bool = Field(False, description="Whether no two rows of a file may have the same value.")
    severity: Literal["refuse", "flag"] = Field(
        "refuse",
        description="What becomes of a row that breaks min, max, allowed or nullable: it is refused, or kept and counted.",
    )

    @model_validator(mode="after")
    def _limits_in_order(self) -> Self:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"`min` is {self.min:g}, which is more than `max`, {self.max:g}")
        return self


class ContractBlock(Block):
    """What rows must look like, and what may change from file to file."""

    columns: dict[Column, ColumnContract] = Field(
        default_factory=dict, description="What is asked of single columns: `name: {min: 0, max: 1}`."
    )
    new_columns: Literal["ignore", "accept", "refuse"] = Field(
        "ignore",
        description="A column that the contract does not have is dropped, becomes a feature that older rows lack, or has "
        "its file refused.",
    )
    widened_kinds: Literal["accept", "refuse"] = Field(
        "refuse",
        description="A column whose cells are mostly of a wider kind than before (a number now a category, …) becomes of "
        "that kind, or has its file refused.",
    )
    new_labels: Literal["accept", "refuse"] = Field(
        "accept",
        description="multiclass: a label that no file had before joins the others, or has its row refused. A binary target "
        "never gets a third.",
    )
