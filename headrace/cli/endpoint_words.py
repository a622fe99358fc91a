"""Words for what kinds of endpoints cost, on the screen and on the page."""

from __future__ import annotations

from typing import Any

from headrace.ml.serving_costs import MONTH_S


def break_even_text(requests: float | None) -> str:
    """Say from which volume a real-time endpoint is cheaper than a serverless one.

    Examples
    --------
    >>> break_even_text(105_120_000)
    'From 105,120,000 requests a month (40 a second), realtime costs less than serverless.'
    """
    if requests is None:
        return "At no volume realtime costs less than serverless."
    second = rate(requests / MONTH_S)
    return f"From {requests:,.0f} requests a month ({second} a second), realtime costs less than serverless."


def yaml_text(endpoint: dict[str, Any]) -> str:
    """Return the lines for the pipeline file.

    Examples
    --------
    >>> print(yaml_text({"kind": "realtime", "scaling": {"min": 2, "max": 8}}))
    endpoint:
      kind: realtime
      scaling:
        min: 2
        max: 8
    """
    return "\n".join(["endpoint:", *_lines(endpoint, "  ")])


def _lines(block: dict[str, Any], indent: str) -> list[str]:
    lines = []
    for name, value in block.items():
        if isinstance(value, dict):
            lines += [f"{indent}{name}:", *_lines(value, indent + "  ")]
        else:
            lines.append(f"{indent}{name}: {value}")
    return lines


def rate(per_second: float) -> str:
    """Return a number a second, with as many digits as say something.

    Examples
    --------
    >>> rate(0.00381), rate(3.81), rate(381.2)
    ('0.0038', '3.8', '381')
    """
    return f"{per_second:.2g}" if per_second < 10 else f"{per_second:,.0f}"  # noqa: PLR2004
