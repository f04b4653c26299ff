"""The doctor's check of the project's signing keys: whether the endpoint publishes keys that the API can use."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from runtime.api_settings import SigningKeySettings
from runtime.jwks import KeySetUnavailable, fetch_key_set
from worker.doctor import Finding, Health, well

_ABOUT = "signing keys"


def examine_signing_keys(settings: SigningKeySettings) -> Iterator[Finding]:
    """Fetch the keys once, as the API does; no finding when no address is set."""
    if settings.supabase_jwks_url is None:
        return
    try:
        keys = asyncio.run(fetch_key_set(settings.supabase_jwks_url))
    except KeySetUnavailable as problem:
        yield Finding(
            _ABOUT,
            Health.BROKEN,
            str(problem),
            "Correct SUPABASE_JWKS_URL, or see why it does not answer. An API process with older keys uses them for "
            f"{settings.supabase_jwks_max_age_h:g} h; one that starts now answers 503 to students.",
        )
    else:
        yield well(_ABOUT, f"{len(keys)} usable keys are published")
