"""A reference as training leaves it behind: its profile, and how its own windows vary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.drift.twenty_columns import Frame
from headrace.ml.calibration import Calibration, block_slices, calibrate
from headrace.ml.column_schema import ColumnSchema
from headrace.ml.drift import DriftReport, compare
from headrace.ml.profile import Profile, profile_frame


@dataclass(frozen=True)
class Reference:
    """What a window is compared with."""

    schema: Sequence[ColumnSchema]
    profile: Profile
    calibration: Calibration

    @classmethod
    def of(cls, rows: Frame, schema: Sequence[ColumnSchema]) -> Reference:
        """Profile rows and their consecutive blocks."""
        profile = profile_frame(rows, schema, jointly=True)
        cuts = block_slices(profile.rows)
        parts = ({name: cells[cut] for name, cells in rows.items()} for cut in cuts)
        blocks = [profile_frame(part, schema, like=profile, ordered=False) for part in parts]
        return cls(schema, profile, calibrate(profile, blocks))

    def report(self, window: Frame, rate: float) -> DriftReport:
        """Compare a window with it."""
        return compare(
            self.profile,
            profile_frame(window, self.schema, like=self.profile),
            calibration=self.calibration,
            false_alarm_rate=rate,
        )

    def flagged(self, window: Frame, rate: float) -> set[str]:
        """Return the columns that have drifted, and ``joint`` if they no longer go together."""
        report = self.report(window, rate)
        joint = {"joint"} if report.joint and report.joint.drifted else set()
        return {feature.name for feature in report.features if feature.drifted} | joint
