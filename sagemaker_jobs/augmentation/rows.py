"""Adds varied copies of training rows to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from headrace.config.features import Augment
from headrace.ml.contract import ColumnSchema
from sagemaker_jobs.augmentation.texts import drop_words, swap_words
from sagemaker_jobs.parts import Part


def augment_part(
    part: Part, augment: Augment | None, schema: Sequence[ColumnSchema], rng: np.random.Generator
) -> Part:
    """Return the rows, and behind them `copies` of each in which texts and images are varied.

    Numbers, categories, the target and the weight are copied as they are. Without `augment` the rows are returned as they came.

    Parameters
    ----------
    part : Part
        Training rows; nobody varies those that judge a model.
    augment : Augment or None
        What is varied, and by how much.
    schema : sequence of ColumnSchema
        Which columns are texts or images.
    rng : Generator
        The same generator varies in the same way.
    """
    if augment is None:
        return part
    columns = {
        column.name: np.concatenate(
            [part.columns[column.name]]
            + [_varied(part.columns[column.name], column.kind, augment, rng) for _ in range(augment.copies)]
        )
        for column in schema
    }
    weights = None if part.weights is None else np.tile(part.weights, augment.copies + 1)
    return Part(columns, np.tile(part.target, augment.copies + 1), weights)


def _varied(
    values: np.ndarray[Any, Any], kind: str, augment: Augment, rng: np.random.Generator
) -> np.ndarray[Any, Any]:
    if kind not in ("text", "image"):
        return values
    vary = _vary_text if kind == "text" else _vary_image
    varied = np.empty(len(values), dtype=object)
    varied[:] = [None if value is None else vary(value, augment, rng) for value in values]
    return varied


def _vary_text(text: str, augment: Augment, rng: np.random.Generator) -> str:
    if augment.word_dropout:
        text = drop_words(text, augment.word_dropout, rng)
    return swap_words(text, augment.word_swap, rng) if augment.word_swap else text


def _vary_image(data: bytes, augment: Augment, rng: np.random.Generator) -> bytes:
    # Pillow is loaded where there are images only.
    from sagemaker_jobs.augmentation import images  # noqa: PLC0415
    from sagemaker_jobs.features.pictures import as_png, open_picture  # noqa: PLC0415

    image = open_picture(data)
    if image is None:
        return data
    if augment.flip:
        image = images.flip_at_random(image, rng)
    for share, vary in (
        (augment.crop, images.crop_at_random),
        (augment.brightness, images.brighten_at_random),
        (augment.colour, images.colour_at_random),
    ):
        if share:
            image = vary(image, share, rng)
    return as_png(image)
