"""Why a figure is rejected: a stable snake_case name for each kind of fault."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """The names that `check` returns, and that a log or a statistic may count."""

    UNKNOWN_PATTERN = "unknown_pattern"  #: the catalogue has no such pattern
    WRONG_PARAMETERS = "wrong_parameters"  #: a type, a bound or a name that the pattern does not have
    UNDETERMINED = "undetermined"  #: too few parameters to draw the figure
    INCONSISTENT = "inconsistent"  #: two parameters that cannot both hold (radius 3 and diameter 10)
    TRIANGLE_INEQUALITY = "triangle_inequality"  #: no triangle has these sides
    ANGLE_SUM = "angle_sum"  #: the angles do not add up to what they must
    NOT_CONTAINED = "not_contained"  #: a part does not fit into what it must lie in
    NOT_TANGENT = "not_tangent"  #: what must touch does not
    NOT_THE_NAMED_SHAPE = "not_the_named_shape"  #: another shape than the pattern's name says
    WRONG_POINT_NAMES = "wrong_point_names"  #: too many, too few or equal letters
    UNKNOWN_QUANTITY = "unknown_quantity"  #: `ask` or `hide` names what the figure does not have
    SHOWS_THE_ANSWER = "shows_the_answer"  #: what is asked for can be read off the figure
    SHOWS_NOTHING = "shows_nothing"  #: no measure is left that the student can see
    CONTRADICTS_STEM = "contradicts_stem"  #: the stem states another number for the same quantity
    WRONG_ANSWER = "wrong_answer"  #: the key is not the value of what the figure asks for
    UNSOLVABLE = "unsolvable"  #: arithmetic fails on its numbers: a fault of ours rather than the writer's
    UNREADABLE = "unreadable"  #: too thin, too small or too full for a legible drawing
    WRONG_TOTAL = "wrong_total"  #: the parts of a chart do not add up to their whole
    WRONG_LABELS = "wrong_labels"  #: labels of a chart that are equal, too long, too many or too few


class FigureRejected(Exception):
    """A figure that cannot be drawn as it is written; `reason` says why."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else str(reason))
        self.reason = reason
