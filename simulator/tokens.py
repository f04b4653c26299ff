"""A token estimate that is cheap and always the same.

One token stands for 2.2 letters outside ASCII (Arabic) and for 3.5 within it. The real tokenizer is not
public; what matters here is that prompts, replies and bills are measured with one rule.
"""

from __future__ import annotations


def count_tokens(text: str) -> int:
    """At least one for any text that is not empty."""
    beyond_ascii = _beyond_ascii(text)
    ascii_letters = len(text) - beyond_ascii
    return -(-(beyond_ascii * 35 + ascii_letters * 22) // 77)


def _beyond_ascii(text: str) -> int:
    """Every Arabic letter takes two bytes in UTF-8, every ASCII letter one."""
    return len(text.encode("utf-8", "replace")) - len(text)
