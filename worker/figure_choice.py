"""The figures that plans may ask for, as the settings name them."""

from __future__ import annotations

from generation.errors import PlanError
from generation.figure_plan import FigureChoice
from runtime.settings import PlanSettings, SettingsError


def figure_choice(settings: PlanSettings) -> FigureChoice:
    """Raises SettingsError, which names the patterns that do not exist."""
    try:
        return FigureChoice.of(settings.figure_patterns, settings.figure_share)
    except PlanError as err:
        raise SettingsError(
            f"FIGURE_PATTERNS is not usable: {err} Correct it in the environment or in .env."
        ) from err
