import pytest

from local_cloud.repairs.metric_math import Grid, MetricMathError, evaluate, names_in

GRID = Grid((0.0, 60.0, 120.0), 60)
M1 = {0.0: 1.0, 60.0: -4.0, 120.0: 9.0}
M2 = {0.0: 2.0, 120.0: 3.0}


def math(expression, **known):
    return evaluate(expression, {"m1": M1, "m2": M2, **known}, GRID)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("m1 + m2", {0.0: 3.0, 120.0: 12.0}),
        ("m1 / 0", {}),
        ("-m2 ^ 2", {0.0: -4.0, 120.0: -9.0}),
        ("(m2 + 1) * 2", {0.0: 6.0, 120.0: 8.0}),
        ("m1 > 0", {0.0: 1.0, 60.0: 0.0, 120.0: 1.0}),
        ("m1 > 0 AND m2 >= 3", {0.0: 0.0, 120.0: 1.0}),
        ("m1 > 0 || m2 > 5", {0.0: 1.0, 120.0: 1.0}),
        ("ABS(m1)", {0.0: 1.0, 60.0: 4.0, 120.0: 9.0}),
        ("CEIL(m2 / 2)", {0.0: 1.0, 120.0: 2.0}),
        ("FLOOR(m2 / 2)", {0.0: 1.0, 120.0: 1.0}),
        ("LOG10(100 * m2 / m2)", {0.0: 2.0, 120.0: 2.0}),
        ("LOG(m1 + 4)", {0.0: pytest.approx(1.6094, abs=1e-4), 120.0: pytest.approx(2.5649, abs=1e-4)}),
        ("IF(m1 > 0, m1, 0)", {0.0: 1.0, 60.0: 0.0, 120.0: 9.0}),
        ("IF(m1 > 0, m1)", {0.0: 1.0, 120.0: 9.0}),
        ("FILL(m2, 0)", {0.0: 2.0, 60.0: 0.0, 120.0: 3.0}),
        ("FILL(m2, REPEAT)", {0.0: 2.0, 60.0: 2.0, 120.0: 3.0}),
        ("FILL(m2, LINEAR)", {0.0: 2.0, 60.0: 2.5, 120.0: 3.0}),
        ("FILL(m2, m1)", {0.0: 2.0, 60.0: -4.0, 120.0: 3.0}),
    ],
)
def test_arithmetic_has_a_datapoint_where_all_operands_have_one(expression, expected):
    assert math(expression) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("MAX(m1)", 9.0),
        ("MIN(m1)", -4.0),
        ("SUM(m2)", 5.0),
        ("AVG(m1)", 2.0),
        ("STDDEV(m2)", 0.5),
        ("DATAPOINT_COUNT(m2)", 2.0),
        ("METRIC_COUNT(METRICS())", 2.0),
        ("PERIOD(m1)", 60.0),
        ("m1 - MIN(m1)", {0.0: 5.0, 60.0: 0.0, 120.0: 13.0}),
    ],
)
def test_an_aggregation_of_one_time_series_is_a_scalar(expression, expected):
    assert math(expression) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("SUM([m1, m2])", {0.0: 3.0, 60.0: -4.0, 120.0: 12.0}),
        ("AVG(METRICS())", {0.0: 1.5, 60.0: -4.0, 120.0: 6.0}),
        ('MAX(METRICS("2"))', {0.0: 2.0, 120.0: 3.0}),
        ("STDDEV([m1, m2])", {0.0: 0.5, 60.0: 0.0, 120.0: 3.0}),
        ("DATAPOINT_COUNT([m1, m2])", {0.0: 2.0, 60.0: 1.0, 120.0: 2.0}),
        ("SUM(METRICS() * 2)", {0.0: 6.0, 60.0: -8.0, 120.0: 24.0}),
        ("MAX(FILL(METRICS(), 0))", {0.0: 2.0, 60.0: 0.0, 120.0: 9.0}),
    ],
)
def test_an_aggregation_of_an_array_uses_the_datapoints_that_exist(expression, expected):
    assert math(expression) == expected


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("m1 +", "Invalid syntax"),
        ("m9 * 2", "names 'm9'"),
        ("SQRT(m1)", "unknown metric math function SQRT"),
        ("__import__('os').system('true')", "unknown metric math function"),
        ("m1.__class__", "no attribute"),
        ("'text'", "not a number"),
        ("0 < m1 < 5", "cannot be chained"),
        ("m1 % 2", "no operator"),
    ],
)
def test_what_cloudwatch_does_not_know_is_refused(expression, words):
    with pytest.raises(MetricMathError, match=words):
        math(expression)


def test_the_names_of_an_expression_leave_out_functions_and_fillings():
    assert names_in("IF(m1 > 5 OR e2, FILL(m3, LINEAR), 'AND')") == {"m1", "e2", "m3"}
