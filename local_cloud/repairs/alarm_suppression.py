"""Decides whether a composite alarm's actions wait for, or are explained by, its suppressor.

References
----------
.. [1] CloudWatch API reference, ``CompositeAlarm``: ``ActionsSuppressedBy``, ``ActionsSuppressorWaitPeriod``,
   ``ActionsSuppressorExtensionPeriod``.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Hold:
    """Why actions do not run now.

    Parameters
    ----------
    by : str
        ``Alarm``, ``WaitPeriod`` or ``ExtensionPeriod``, as AWS names them.
    until : float or None
        When the period ends, in seconds since 1970; None for as long as the suppressor is in ALARM.
    """

    by: str
    until: float | None = None

    @property
    def reason(self) -> str:
        """AWS's words."""
        return f"Actions suppressed by {self.by}"


@dataclass(frozen=True)
class Periods:
    """How long actions wait for the suppressor to go off, and after it is over, in seconds."""

    wait_s: float
    extension_s: float


def begin(suppressing: bool, periods: Periods, now: float) -> Hold | None:
    """Decide what happens to the actions when the composite alarm goes off: None lets them run.

    Examples
    --------
    >>> begin(False, Periods(120, 180), now=1000.0)
    Hold(by='WaitPeriod', until=1120.0)
    >>> begin(True, Periods(120, 180), now=1000.0).reason
    'Actions suppressed by Alarm'
    """
    if suppressing:
        return Hold("Alarm")
    return Hold("WaitPeriod", now + periods.wait_s) if periods.wait_s else None


def go_on(hold: Hold, suppressing: bool, periods: Periods, now: float) -> Hold | None:
    """Decide whether actions that are held go on being held, while the composite alarm stays on: None lets them run.

    Examples
    --------
    >>> periods = Periods(120, 180)
    >>> go_on(Hold("WaitPeriod", 1120.0), False, periods, now=1120.0) is None
    True
    >>> go_on(Hold("Alarm"), False, periods, now=2000.0)
    Hold(by='ExtensionPeriod', until=2180.0)
    >>> go_on(Hold("ExtensionPeriod", 2180.0), True, periods, now=2100.0)
    Hold(by='Alarm', until=None)
    """
    if suppressing:
        return Hold("Alarm")
    if hold.by == "Alarm":
        return Hold("ExtensionPeriod", now + periods.extension_s) if periods.extension_s else None
    return hold if hold.until is not None and now < hold.until else None
