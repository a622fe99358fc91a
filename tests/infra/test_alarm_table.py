from tests.infra.alarm_table import documented, rows_of_monitoring, rows_of_others


def test_the_document_lists_every_alarm_as_the_templates_have_it(synthesised):
    """If not: python -m tests.infra.alarm_table."""
    if synthesised.fields.get("stream"):
        expected = [*rows_of_monitoring().values(), *rows_of_others(synthesised).values()]
        assert documented() == expected
    else:
        assert rows_of_others(synthesised) == {}
