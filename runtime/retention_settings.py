"""For how long the rows of our own tables are kept, in days. Students may be minors: no longer than they are needed."""

from __future__ import annotations

from pydantic import Field

from runtime.settings import SettingsSlice


class RetentionSettings(SettingsSlice):
    #: plans with their slots, batches, questions and events, since anything last moved in the session: a school year,
    #: in which a student gets no question twice.
    retain_sessions_days: int = Field(365, ge=2, le=3650)
    #: What a student wrote about a question, since they wrote it.
    retain_reports_days: int = Field(180, ge=2, le=3650)
    #: A client that reconnects after so long loads the session again.
    retain_events_days: int = Field(30, ge=2, le=3650)
    #: The ledger: costs of a month need whole months, and are compared with those of a year before.
    retain_attempts_days: int = Field(400, ge=62, le=3650)
    retain_corrections_days: int = Field(400, ge=62, le=3650)
    #: For how long a repeated request finds the session that the first one created.
    retain_idempotency_keys_days: int = Field(7, ge=1, le=365)
