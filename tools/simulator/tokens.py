"""A token estimate that is cheap and always the same.

One token stands for 2.2 letters outside ASCII (Arabic) and for 3.5 within it. The real tokenizer is not
public; what matters here is that prompts, replies and bills are measured with one rule.
"""

from __future__ import annotations


def count_tokens(text: str) -> int:
    """At least one for any text that is not empty."""
    return tokens_of(len(text), beyond_ascii(text))


def tokens_of(letters: int, beyond_ascii: int) -> int:
    """Of a text of so many letters, so many of them outside ASCII."""
    return -(-(beyond_ascii * 35 + (letters - beyond_ascii) * 22) // 77)


def beyond_ascii(text: str) -> int:
    """Every Arabic letter takes two bytes in UTF-8, every ASCII letter one."""
    return len(text.encode("utf-8", "replace")) - len(text)
