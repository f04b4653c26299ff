"""Limits of spending at list prices, in dollars. A day and a month are those of UTC."""

from __future__ import annotations

from decimal import Decimal
from typing import Self

from pydantic import Field, model_validator

from runtime.setting_values import Dollars, DollarsOrOff
from runtime.settings import SettingsSlice

#: A whole exam must fit into one user's limit.
_EXAM_QUESTIONS = 96


class SpendSettings(SettingsSlice):
    """Unset: no limit, but for one user's, which has a default."""

    spend_limit_session_usd: Dollars = None
    spend_limit_day_usd: Dollars = None
    #: One user's. An exam costs 0.40 and reserves 0.48: six whole exams, 9 to 12 hours of work.
    spend_limit_user_day_usd: DollarsOrOff = Decimal("2.50")
    #: What a question that is not written yet is expected to cost: reserved until it is written.
    spend_estimate_question_usd: Decimal = Field(Decimal("0.005"), gt=0, le=10, allow_inf_nan=False)
    #: The monthly limit that is set at Claude, which refuses all calls beyond it. Only watched here.
    claude_month_cap_usd: Dollars = None

    @model_validator(mode="after")
    def _an_exam_for_everybody(self) -> Self:
        exam_usd = self.spend_estimate_question_usd * _EXAM_QUESTIONS
        if self.spend_limit_user_day_usd is not None and self.spend_limit_user_day_usd < exam_usd:
            raise ValueError(
                f"SPEND_LIMIT_USER_DAY_USD={self.spend_limit_user_day_usd} refuses every exam, because one reserves "
                f"{exam_usd} dollars. Raise it, lower SPEND_ESTIMATE_QUESTION_USD, or set it to off"
            )
        return self
