"""Property tests of this room: many examples, and no deadline, because a loaded machine is no defect."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("generation", deadline=None, max_examples=50)
settings.load_profile("generation")
