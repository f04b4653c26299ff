"""What no text of a question may hold, whichever text it is: traces of markup, of escapes and of wrong encodings.

Each function takes one text as the model wrote it. All patterns are linear in its length.
"""

from __future__ import annotations

import re
from typing import Final


def lost_a_letter(text: str) -> bool:
    r"""Whether JSON read the beginning of a LaTeX command as an escape: `\times` became a tab and `imes`.

    A tab has no other use here. A line break has, so what follows it decides. The other escapes give control
    characters, which the schema rejects.
    """
    return "\t" in text or _AFTER_LINE_BREAK.search(text) is not None


def has_literal_escape(text: str) -> bool:
    r"""Whether an escape is there as text, as `\n` or `\u0627`, or a text is percent-encoded."""
    return ("\\" in text and _ESCAPE.search(text) is not None) or _BARE_ESCAPE.search(text) is not None


def has_latex(text: str) -> bool:
    """Whether the text holds a backslash, a pair of dollar signs, or an index in braces."""
    return "\\" in text or text.count("$") > 1 or _LATEX_BRACE.search(text) is not None


def has_markdown(text: str) -> bool:
    return _MARKDOWN.search(text) is not None or len(_BULLET.findall(text)) > 1


def has_html(text: str) -> bool:
    """Whether the text holds a tag, a comment or an entity; a < b is no tag."""
    return _HTML.search(text) is not None


def is_wrongly_encoded(text: str) -> bool:
    """Whether the text holds replacement characters, or UTF-8 that was read as another encoding."""
    return _MOJIBAKE.search(text) is not None or len(_ARABIC_MOJIBAKE.findall(text)) > 1


def has_stray_direction(text: str) -> bool:
    """Whether the text holds an embedding, an override or an unbalanced isolate. LRM, RLM and ALM may stay."""
    if _EMBEDDING.search(text):
        return True
    depth = 0
    for mark in _ISOLATE.findall(text):
        depth += -1 if mark == "\u2069" else 1
        if depth not in {0, 1}:
            return True
    return depth != 0


def has_invisible(text: str) -> bool:
    """Whether the text holds what has no shape or no meaning: zero width, tags, private use, noncharacters."""
    return _INVISIBLE.search(text) is not None


def has_presentation_forms(text: str) -> bool:
    """Whether Arabic letters are there as shapes; the few signs that have no other code may stay."""
    return _SHAPES.search(text) is not None


def has_foreign_sign(text: str) -> bool:
    """Whether the text holds letters of other scripts and languages than Arabic, plain Latin and Greek, or pictures."""
    return _FOREIGN.search(text) is not None


def is_in_visual_order(text: str) -> bool:
    """Whether Arabic words are there with their letters reversed.

    Telling are a letter that begins no word, small words that make sense only backwards, and articles at the end.
    """
    if _ENDING_FIRST.search(text):
        return True
    words = _ARABIC_WORD.findall(text)
    if any(word.startswith("ال") or word in _SMALL_WORDS for word in words):
        return False
    small = sum(word[::-1] in _SMALL_WORDS for word in words)
    articles = [word.endswith("لا") for word in words if len(word) > _ARTICLE_CHARS]
    begins_with_end = text.lstrip().startswith("؟")
    return small + begins_with_end >= _TELLING_WORDS or (
        sum(articles) > _TELLING_WORDS and 4 * sum(articles) > 3 * len(articles)
    )


_TELLING_WORDS: Final = 2
_ARTICLE_CHARS: Final = 3
#: Words of most sentences that are no words when reversed.
_SMALL_WORDS: Final = frozenset(
    [
        "في",
        "من",
        "على",
        "إلى",
        "عن",
        "ما",
        "هو",
        "هي",
        "إذا",
        "كان",
        "كم",
        "أن",
        "إن",
        "التي",
        "الذي",
        "بين",
        "بعد",
        "قبل",
        "ثم",
        "أكثر",
        "أقل",
        "ليس",
        "هذا",
        "هذه",
        "عدد",
        "قيمة",
    ]
)

#: What LaTeX commands that begin with n leave when `\n` is read as a line break.
_TAILS: Final = (
    "eq eg otin ot abla mid geq leq geqslant leqslant parallel subseteq supseteq sim ewline olimits onumber "
    "ormalsize earrow warrow Rightarrow rightarrow leftarrow prec succ ess otag ewcommand exists cong vdash"
)
#: A line may begin with an unknown: `u = 3`.
_AFTER_LINE_BREAK: Final = re.compile(rf"\n(?:[uei](?!\s?=)|{'|'.join(_TAILS.split())})(?![A-Za-z])")

_ESCAPE: Final = re.compile(r"\\(?:u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|[nrtbf](?![a-zA-Z])|[\"'/]|\\n)")
_BARE_ESCAPE: Final = re.compile(
    r"(?:^|[\s.،؛:])/{1,2}n(?![A-Za-z])|(?<![A-Za-z0-9])(?:u0[0-9a-fA-F]{3}){2}|(?:%[dD][0-9a-fA-F]%[0-9a-fA-F]{2}){2}"
)
_LATEX_BRACE: Final = re.compile(r"[\^_]\{|(?:frac|sqrt|text|mathrm|mathbf|overline|vec|hat|bar)\{")

_MARKDOWN: Final = re.compile(
    r"\*\*|`|~~|\]\((?:[^()\s]{1,300})\)|https?://|www\.|^>[ \t]+[^\W\d_]{2}|^[ \t]{0,3}#{1,6}[ \t]+\S|^[ \t]{0,3}[*+•][ \t]+[^\W\d_]{2}"
    r"|^[ \t]{0,3}\|?[ \t]*:?-{3,}:?[ \t]*\|"
    r"|(?<![\w*)])\*[^\s*\d][^*\n]{0,200}\*(?![\w*(])|(?<!\w)__?[^\s_][^_\n]{0,200}__?(?!\w)",
    re.MULTILINE,
)
_BULLET: Final = re.compile(r"^[ \t]{0,3}-[ \t]+[^\W\d_]{2}", re.MULTILINE)

_HTML: Final = re.compile(
    r"</[A-Za-z]|<!--|<[A-Za-z][A-Za-z0-9:-]{1,30}(?:\s[^<>\n]{0,200})?/?>|(?<!\w)<[abiupsqABIUPSQ](?:\s[^<>\n]{0,200})?/?>"
    r"|&(?:nbsp|lt|gt|amp|quot|times|divide|deg)\b|&(?:[A-Za-z][A-Za-z0-9]{1,30}|#\d{1,7}|#[xX][0-9a-fA-F]{1,6});"
)

#: What the second byte of a UTF-8 letter looks like in Latin-1 or in Windows-1252.
_SECOND: Final = "\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ"
_MOJIBAKE: Final = re.compile(
    rf"\ufffd|[ÂÃÎÏÐÑØÙÚÛ][{_SECOND}]|â[{_SECOND}]|\?{{3,}}|[\u0621-\u064a]\?[\u0621-\u064a]"
)
#: The same in Windows-1256, without what may follow a word: two in one text are no accident.
_ARABIC_MOJIBAKE: Final = re.compile("[طظ][§¨©ھ¬®¯´µ¶·¸¹¼½¾€پ‚ƒ„†‡ˆ‰ٹ‹Œچژڈگک™ڑ›œں¢£¤¥¦±²³]")

#: Of Latin letters with marks only the sign of a diameter may stay; ★ and its like are operations and shapes.
#: Persian and Urdu have their own kaf, heh and yeh; letters that Arabic borrows for foreign names may stay.
_FOREIGN: Final = re.compile(
    "[\u06a9\u06aa\u06be\u06c0-\u06c2\u06cc\u06d0\u06d2\u06d3\u00c0-\u00d6\u00d9-\u00f6\u00f8-\u02af\u0400-\u05ff\u0700-\u074f\u0780-\u08ff\u0900-\u1dff"
    "\u2c00-\u2dff\u2e80-\ud7ff\uff01-\uffdc\U00010000-\U000dffff]"
)

_EMBEDDING: Final = re.compile("[\u202a-\u202e]")
_ISOLATE: Final = re.compile("[\u2066-\u2069]")

#: A zero-width joiner may end a word: it keeps the shape of the letter in an abbreviation.
_INVISIBLE: Final = re.compile(
    "[\u00ad\u115f\u1160\u17b4\u17b5\u180e\u200b\u200c\u2028\u2029\u2060-\u2065\u206a-\u206f\u2800\u3164"
    "\ue000-\uf8ff\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\U0001fffe\U0001ffff\U0002fffe\U0002ffff\U000e0000-\U0010ffff]"
    "|(?<![\u0621-\u064a])\u200d|\u200d(?=\\w)"
)

_SHAPES: Final = re.compile("[\ufb50-\ufbff\ufc00-\ufd3d\ufd50-\ufdcf\ufdf0-\ufdf9\ufe70-\ufefc]")

_LETTER: Final = "\u0621-\u063a\u0641-\u064a"
#: Letters that only end a word, at its beginning.
_ENDING_FIRST: Final = re.compile(rf"(?<![{_LETTER}\u064b-\u0652])[ةىؤئء](?=[{_LETTER}])")
_ARABIC_WORD: Final = re.compile(rf"[{_LETTER}]+")
