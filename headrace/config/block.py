"""What every block of the pipeline file is made of."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints
from pydantic.fields import FieldInfo

from headrace.config.limits import ARM_INSTANCE, INSTANCE_TYPE

Column = Annotated[str, StringConstraints(min_length=1, max_length=255)]
Kind = Literal["number", "category", "boolean", "datetime", "text", "image"]
Problem = Literal["binary", "multiclass", "regression"]


def _runs_x86(instance: str) -> str:
    if re.match(ARM_INSTANCE, instance):
        raise ValueError(f"{instance} has an ARM processor, and the containers are built for x86")
    return instance


Instance = Annotated[str, StringConstraints(pattern=INSTANCE_TYPE), AfterValidator(_runs_x86)]


class Block(BaseModel):
    """One block of the file: immutable, and strict about names and numbers."""

    # JSON has no NaN and no infinity: a limit of that kind would be none where the file is read again.
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True, allow_inf_nan=False)


def block_of(field: FieldInfo) -> type[BaseModel] | None:
    """Return the model of a field that is a block, be it one that may be left out; None for a plain value."""
    if get_origin(field.annotation) is dict:
        return None
    kinds = get_args(field.annotation) or (field.annotation,)
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)


def listed_blocks(field: FieldInfo) -> dict[str, type[BaseModel]]:
    """Return the models of a field that is a list of blocks, by what their first field must say; empty for any other.

    A model whose first field may say anything comes last, under ``own``.
    """
    if get_origin(field.annotation) is not tuple:
        return {}
    return {_tag(block): block for block in _blocks_in(get_args(field.annotation)[0])}


def _blocks_in(kind: Any) -> list[type[BaseModel]]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return [kind]
    return [block for part in get_args(kind) for block in _blocks_in(part)]


def _tag(block: type[BaseModel]) -> str:
    kind = next(iter(block.model_fields.values())).annotation
    return str(get_args(kind)[0]) if get_origin(kind) is Literal else "own"


def named_block_of(field: FieldInfo) -> type[BaseModel] | None:
    """Return the model of a field that holds blocks by name, such as one for each column; None for any other."""
    if get_origin(field.annotation) is not dict:
        return None
    kind = get_args(field.annotation)[1]
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None
