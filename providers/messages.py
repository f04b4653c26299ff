"""The body of a Messages request: what we ask, in words this model does not refuse.

Never sent, because at least one model or API version answers 400: sampling parameters, a prefilled
assistant turn, tools and forced tools, a thinking budget, an output format.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Literal

from generation.model_call import Prompt, SystemBlock
from providers.profiles import ModelProfile

CacheTtl = Literal["5m", "1h"]

#: A process has a handful of prefixes; anything beyond is one that drifts, and no memory is kept of it.
PREFIXES_KEPT = 64

#: The API refuses a request with more.
MAX_BREAKPOINTS = 4


def request_body(
    prompt: Prompt, profile: ModelProfile, *, model: str, effort: str, cache_ttl: CacheTtl
) -> dict[str, Any]:
    """The JSON body of a streaming request for this prompt.

    Everything before the last breakpoint depends on the prompt's blocks alone, so equal blocks give equal
    bytes. Thinking and effort are part of what the provider caches by: keep them constant for a model.
    """
    body: dict[str, Any] = {
        "model": model,
        "max_tokens": min(prompt.max_tokens, profile.max_output_tokens),
        "system": _system(prompt.system, cache_ttl),
        "messages": [{"role": "user", "content": prompt.user}],
        "stream": True,
    }
    if (thinking := profile.thinking_off.request_field) is not None:
        body["thinking"] = dict(thinking)
    if effort in profile.efforts:
        body["output_config"] = {"effort": effort}
    return body


def prefix_levels(body: dict[str, Any]) -> tuple[str, ...]:
    """A digest of each part of this body that the provider caches, the shortest first.

    Covers everything that goes into the provider's own key, and not the lifetime asked for.
    """
    about = [body["model"], body.get("thinking"), body.get("output_config")]
    digest = hashlib.sha256(json.dumps(about).encode())
    levels = []
    for block in body["system"]:
        text = block["text"].encode()
        digest.update(len(text).to_bytes(8))
        digest.update(text)
        if "cache_control" in block:
            levels.append(digest.hexdigest()[:32])
    return tuple(levels)


def _system(blocks: tuple[SystemBlock, ...], cache_ttl: CacheTtl) -> list[dict[str, Any]]:
    """Every block that says something, in order. Of too many breakpoints the last ones stay:
    they cover the longest prefixes.
    """
    spoken = [block for block in blocks if block.text]
    wanted = [index for index, block in enumerate(spoken) if block.cached][-MAX_BREAKPOINTS:]
    return [_block(block, cache_ttl if index in wanted else None) for index, block in enumerate(spoken)]


def _block(block: SystemBlock, cache_ttl: CacheTtl | None) -> dict[str, Any]:
    content: dict[str, Any] = {"type": "text", "text": block.text}
    if cache_ttl is not None:
        content["cache_control"] = {"type": "ephemeral", "ttl": cache_ttl}
    return content
