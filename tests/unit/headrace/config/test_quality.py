import pytest
from pydantic import ValidationError

from headrace.config.pipeline import Pipeline


def pipeline(**quality):
    return Pipeline(
        name="bike",
        problem="regression",
        target="cnt",
        id="instant",
        ignore=["casual"],
        monitoring={"quality": quality},
    ).monitoring.quality


def test_left_out_quality_is_watched_without_segments():
    assert (pipeline().segments, pipeline().tolerated_drop) == ((), None)


def test_numbers_are_cut_at_edges():
    assert pipeline(segments=["season", "temp"], edges={"temp": [0.3, 0.6]}).edges == {"temp": (0.3, 0.6)}


@pytest.mark.parametrize(
    ("quality", "message"),
    [
        ({"segments": ["cnt"]}, "monitoring.quality.segments: 'cnt' is no feature"),
        ({"segments": ["instant"]}, "monitoring.quality.segments: 'instant' is no feature"),
        ({"segments": ["casual"]}, "monitoring.quality.segments: 'casual' is no feature"),
        ({"edges": {"temp": [0.3]}}, "monitoring.quality.edges.temp: is not among `segments`"),
        ({"segments": ["temp"], "edges": {"temp": [0.6, 0.3]}}, "the edges do not ascend"),
        ({"segments": ["temp"], "edges": {"temp": []}}, "at least 1 item"),
        ({"segments": list("abcdefghijk")}, "at most 10 items"),
        ({"tolerated_drop": 0}, "greater than 0"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(quality, message):
    with pytest.raises(ValidationError, match=message):
        pipeline(**quality)
