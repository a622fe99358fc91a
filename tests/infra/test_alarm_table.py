from tests.infra.alarm_table import (
    STRICT,
    documented,
    rows_of_monitoring,
    rows_of_others,
    rows_of_strictness,
)


def test_the_document_lists_every_alarm_as_the_templates_have_it(synthesised):
    """If not: python -m tests.infra.alarm_table."""
    if synthesised.fields.get("compliance") == "strict":
        assert rows_of_strictness(synthesised) == [row for row in documented() if STRICT in row]
    elif synthesised.fields.get("stream"):
        expected = [*rows_of_monitoring().values(), *rows_of_others(synthesised).values()]
        assert [row for row in documented() if STRICT not in row] == expected
    else:
        assert rows_of_others(synthesised) == {}
