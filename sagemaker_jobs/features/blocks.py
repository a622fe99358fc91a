"""What the columns of a matrix are that steps have made of texts and images."""

from __future__ import annotations

from collections.abc import Mapping

from sagemaker_jobs.failures import JobError
from sagemaker_jobs.features.step import Step
from sagemaker_jobs.features.steps.pixels import Pixels
from sagemaker_jobs.features.steps.tokens import Tokens
from sagemaker_jobs.learners.interface import ColumnKind, Layout

_COLOURS = {"grey": 1, "rgb": 3}


def layout_with_blocks(layout: Layout, makers: Mapping[str, Step], widths: Mapping[str, int]) -> Layout:
    """Return a layout that tells words and points from other numbers.

    Parameters
    ----------
    layout : Layout
        Of the whole matrix, whose last columns are the blocks.
    makers : mapping of str to Step
        Which step was given a column last.
    widths : mapping of str to int
        How many columns each block has, in order.

    Raises
    ------
    JobError
        If pictures have several sizes.
    """
    kinds, levels, shapes = list(layout.kinds), dict(layout.levels), set()
    place = len(kinds) - sum(widths.values())
    for name, width in widths.items():
        step = makers.get(name)
        kind: ColumnKind = "number"
        if isinstance(step, Tokens):
            kind = "token"
            levels |= dict.fromkeys(range(place, place + width), step.buckets)
        elif isinstance(step, Pixels):
            kind = "pixel"
            shapes.add((step.size, step.size, _COLOURS[step.colour]))
        kinds[place : place + width] = [kind] * width
        place += width
    if len(shapes) > 1:
        sizes = ", ".join(f"{height}x{width}x{colours}" for height, width, colours in sorted(shapes))
        raise JobError(f"features.steps: pictures have several shapes ({sizes}), and a learner reads one")
    return Layout(tuple(kinds), levels, next(iter(shapes), None))
