"""What the demo reads from the environment, beyond what the stack does."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from tools.stack.stack_settings import StackSettings

#: How long the student looks at a question. The simulator writes fast, and so the student is quick as well.
SIMULATED_PACE_S = 0.6
REAL_PACE_S = 12


class ExamTrack(StrEnum):
    SCIENTIFIC = "scientific"
    LITERARY = "literary"


class DemoSettings(StackSettings):
    track: ExamTrack = ExamTrack.SCIENTIFIC
    #: With a key: the whole exam, and not its first batch only.
    full: bool = False
    #: The simulator's factor after the first batch: fast enough to watch a whole exam, slow enough to see it grow.
    speed: float = Field(30, gt=0, le=1000)

    @property
    def is_whole_exam(self) -> bool:
        return self.full or self.needs_simulator

    @property
    def pace_s(self) -> float:
        return SIMULATED_PACE_S if self.needs_simulator else REAL_PACE_S
