"""Whether students' reports and doubts are copied into the web app's own tables."""

from __future__ import annotations

from runtime.settings import SettingsSlice


class ReviewSettings(SettingsSlice):
    #: Copy reports into question_errors and doubtful questions into review_queue, where they exist in a shape that
    #: takes them. Ours stay the truth.
    review_tables: bool = False
