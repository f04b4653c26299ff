"""Property tests of this package: 50 examples, and no deadline, because a slow machine is not a defect."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("generation", deadline=None, max_examples=50)
settings.load_profile("generation")
