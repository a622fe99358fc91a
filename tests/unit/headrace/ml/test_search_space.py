"""Ranges say what may be tried, and refuse what is no range."""

import json

import pytest

from headrace.ml.search_space import (
    Choice,
    Continuous,
    Integer,
    SearchSpaceError,
    read_search_space,
    search_space_documents,
)

SPACE = {
    "learning_rate": Continuous(0.01, 0.3, "log"),
    "depth": Integer(2, 12),
    "booster": Choice(("gbtree", "dart")),
}


def test_a_search_space_survives_json():
    documents = json.loads(json.dumps(search_space_documents(SPACE)))

    assert read_search_space(documents) == SPACE


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Continuous(1, 1), "from a lower to a higher"),
        (lambda: Continuous(2.0, 1.0), "from a lower to a higher"),
        (lambda: Continuous(0.0, 1.0, "log"), "begins above 0"),
        (lambda: Continuous(0.0, float("inf")), "finite"),
        (lambda: Continuous(0.0, float("nan")), "finite"),
        (lambda: Continuous(0.0, 1.0, "square"), "linear or log"),
        (lambda: Integer(1, 2.5), "whole ends"),
        (lambda: Integer(False, 3), "whole ends"),
        (lambda: Choice(()), "at least one"),
        (lambda: Choice(("a", "a")), "twice"),
    ],
)
def test_what_is_no_range_is_refused(make, told):
    with pytest.raises(SearchSpaceError, match=told):
        make()


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({"kind": "gaussian"}, "alpha: the kind of a range is"),
        ({"kind": "integer", "low": 1}, "alpha: a range of kind integer is not written so"),
        ({"kind": "choice", "values": []}, "alpha: a choice needs"),
    ],
)
def test_a_document_that_is_no_range_names_its_hyperparameter(document, told):
    with pytest.raises(SearchSpaceError, match=told):
        read_search_space({"alpha": document})


def test_a_range_knows_its_values():
    assert SPACE["learning_rate"].contains(0.3)
    assert not SPACE["learning_rate"].contains(0.31)
    assert SPACE["depth"].contains(12.0)
    assert not SPACE["depth"].contains(True)
    assert not SPACE["booster"].contains("linear")
    assert Choice((1, True)).contains(True)
    assert not Choice((1,)).contains(True)
