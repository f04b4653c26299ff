"""Scenes in which an operator's own limit stops the work."""

from __future__ import annotations

from tests.support.alert_drill.load import hurried, students
from tests.support.alert_drill.record import Record
from tests.support.alert_drill.ward import Ward

#: Of a day: reached with the first batches, and not within a drill.
LITTLE, PLENTY = {"SPEND_LIMIT_DAY_USD": "0.02"}, {"SPEND_LIMIT_DAY_USD": "100"}


def spent_up(ward: Ward, record: Record) -> None:
    record.calm("SpendLimitReached", "DayLimitNear")
    with students(ward.api_url, 3, hurried):
        record.fault("Three students, and `SPEND_LIMIT_DAY_USD=0.02`.")
        record.fires("SpendLimitReached", "DayLimitNear")
        record.remedy("`SPEND_LIMIT_DAY_USD=100`, and API and workers are restarted.")
        ward.restart_workers(**PLENTY)
        ward.kill_api()
        ward.start_api()
        record.ends("SpendLimitReached", "DayLimitNear")


def cap_near(ward: Ward, record: Record) -> None:
    record.calm("ClaudeCapNear")
    with students(ward.api_url, 3, hurried):
        record.fault("Three students, and the workers are restarted with `CLAUDE_MONTH_CAP_USD=0.02`.")
        ward.restart_workers(CLAUDE_MONTH_CAP_USD="0.02")
        record.fires("ClaudeCapNear")
        record.remedy(
            "The limit at Claude is raised: `CLAUDE_MONTH_CAP_USD=1000`, and the workers are restarted."
        )
        ward.restart_workers(CLAUDE_MONTH_CAP_USD="1000")
        record.ends("ClaudeCapNear")
