"""By what everything of a pipeline is found in bills and inventories, and told apart by sensitivity."""

from __future__ import annotations

from headrace.config.pipeline import Pipeline

PIPELINE_TAG = "headrace:pipeline"


def pipeline_tags(pipeline: Pipeline) -> dict[str, str]:
    """Return the tags of every resource of a pipeline, in templates and made while it runs.

    Examples
    --------
    >>> pipeline_tags(Pipeline(name="bike", problem="regression", target="cnt", owner="fleet"))
    {'headrace:pipeline': 'bike', 'headrace:owner': 'fleet', 'headrace:data-class': 'internal'}
    """
    return {
        PIPELINE_TAG: pipeline.name,
        "headrace:owner": pipeline.owner,
        "headrace:data-class": pipeline.classification,
    }


def tag_list(pipeline: Pipeline, **more: str) -> list[dict[str, str]]:
    """Return the tags as SageMaker takes them, with those of `more` beside them (``run`` becomes ``headrace:run``)."""
    tags = pipeline_tags(pipeline) | {f"headrace:{name}": value for name, value in more.items()}
    return [{"Key": key, "Value": value} for key, value in tags.items()]
