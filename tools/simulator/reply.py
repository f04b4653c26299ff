"""The model's answer to one request, with as many flaws as the configuration asks for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from copy import copy
from random import Random
from typing import Any

from tools.simulator.asked import Asked
from tools.simulator.config import SimulatorConfig
from tools.simulator.content.draft import COMPARISONS
from tools.simulator.content.figures import impossible
from tools.simulator.content.memory import Memory
from tools.simulator.content.planting import planted
from tools.simulator.content.writer import write_questions

#: Takes a question unflawed, and the key that is written beside it.
Keep = Callable[[dict[str, Any], str], None]

#: Drawn in this order for every question.
FLAWS = (
    "missing",
    "repeat",
    "reject",
    "wrong_key",
    "broken",
    "surplus",
    "impossible",
    "mistaken_declared",
    "planted",
    "undeclared",
)
SURPLUS_SLOT = 9000  #: far above any slot that is ever asked for
SMALL_TALK = "أنا محاكٍ محلي لواجهة الرسائل، وأكتب أسئلة اختبار القدرات عندما تُطلب مني بصيغتها المتفق عليها."


def write_reply(asked: Asked, config: SimulatorConfig, source: str, memory: Memory | None = None) -> str:
    """The whole text. The same seed, `source` and memory give the same text."""
    return "".join(write_lines(asked, config, source, keep=lambda _question, _key: None, memory=memory))


def write_lines(
    asked: Asked, config: SimulatorConfig, source: str, keep: Keep, memory: Memory | None = None
) -> Iterator[str]:
    """The same text line by line, each question thought of when its turn comes.

    `keep` is given each question unflawed and the key that is written beside it, before its line.
    """
    if not asked.wanted:
        return iter([SMALL_TALK])
    as_it_is_now = copy(config)  # an operator may change it while the reply leaves
    return _lines(asked, as_it_is_now, source, keep, memory)


def _lines(
    asked: Asked, config: SimulatorConfig, source: str, keep: Keep, memory: Memory | None
) -> Iterator[str]:
    """With their line feeds; at least one of these."""
    rng = Random(f"{config.seed}:flaws:{source}")
    earlier: list[dict[str, Any]] = []
    blank = True
    for question in write_questions(asked, seed=f"{config.seed}:{source}", memory=memory):
        key, written = _with_flaws(question, earlier, asked, config, rng)
        keep(question, key)
        for line in written:
            yield f"{line}\n"
            blank = False
    if blank:
        yield "\n"


def _with_flaws(
    question: dict[str, Any],
    earlier: list[dict[str, Any]],
    asked: Asked,
    config: SimulatorConfig,
    rng: Random,
) -> tuple[str, list[str]]:
    """The key as it is written, and no line, one line, or two. Every rate is drawn for every question, so that one leaves others alone.

    A good question joins the earlier ones, so that a later one can repeat it.
    """
    draws = {name: rng.random() for name in FLAWS}
    hit = {name for name, draw in draws.items() if draw < getattr(config, f"{name}_rate")}
    if "missing" in hit:
        return question["a"], []
    question = _flawed(question, hit, earlier, asked, config=config, rng=rng)
    if not hit & {"reject", "broken", "impossible", "planted"}:
        earlier.append(question)
    line = _line(question)
    lines = [_broken(line, rng) if "broken" in hit else line]
    if "surplus" in hit:
        lines.append(_line({**question, "slot": SURPLUS_SLOT + int(question["slot"])}))
    return question["a"], lines


def _flawed(
    question: dict[str, Any],
    hit: set[str],
    earlier: list[dict[str, Any]],
    asked: Asked,
    *,
    config: SimulatorConfig,
    rng: Random,
) -> dict[str, Any]:
    if "undeclared" in hit:
        question = {name: value for name, value in question.items() if name != "e"}
    if "repeat" in hit:
        question = _repeated(question, earlier, asked, rng)
    elif "reject" in hit:
        question = _invalid(question, rng)
    elif "impossible" in hit and "f" in question:
        question = {**question, "f": impossible(question["f"], rng)}
    elif "wrong_key" in hit:
        question = _wrongly_keyed(question, rng)
        if "mistaken_declared" in hit and "e" in question:
            question = question | {"e": _declaring(question["a"])}
    elif "planted" in hit:
        question = planted(question, config.planted(), rng)
    return question


def _line(question: dict[str, Any]) -> str:
    return json.dumps(question, ensure_ascii=False, separators=(",", ":"))


def _repeated(
    question: dict[str, Any], earlier: list[dict[str, Any]], asked: Asked, rng: Random
) -> dict[str, Any]:
    """An earlier question of this reply under another slot, or an avoided stem again."""
    alike = [old for old in earlier if "p" not in old and ("f" in old) == ("f" in question)]
    alike = [old for old in alike if ("d" in old) == ("d" in question)]
    if alike:
        return {**rng.choice(alike), "slot": question["slot"]}
    avoided = [stem for stem in asked.avoid if ("القيمة الأولى" in stem) != ("d" in question)]
    return {**question, "q": rng.choice(avoided)} if avoided else question


def _invalid(question: dict[str, Any], rng: Random) -> dict[str, Any]:
    """Well-formed JSON that is no acceptable question."""
    wrong = question.get("d")
    flaws: list[dict[str, Any]] = [{"q": ""}, {"w": ""}, {"a": ""}]
    if wrong:
        flaws += [
            {"d": [question["a"], *wrong[1:]]},
            {"d": [wrong[0], wrong[0], wrong[2]]},
            {"d": wrong[:2]},
            {"d": [*wrong[:2], "جميع ما سبق"]},
        ]
    else:
        flaws += [{"a": "لا أعرف"}]
    return question | rng.choice(flaws)


def _wrongly_keyed(question: dict[str, Any], rng: Random) -> dict[str, Any]:
    """Nothing a schema can see: the key and a distractor have changed places, and the solution ends at the wrong one."""
    wrong = question.get("d")
    if not wrong:
        others = ("القيمة الأولى أكبر", "القيمة الثانية أكبر", "القيمتان متساويتان")
        return _keyed(question, rng.choice([text for text in others if text != question["a"]]))
    i = rng.randrange(len(wrong))
    return {**_keyed(question, wrong[i]), "d": [*wrong[:i], question["a"], *wrong[i + 1 :]]}


def _keyed(question: dict[str, Any], key: str) -> dict[str, Any]:
    """The solution agrees with the wrong key, as a model's does; its last words tell a test which it is."""
    solution = question["w"].removesuffix(f"إذن الجواب: {question['a']}.")
    return {**question, "a": key, "w": f"{solution}والجواب: {key}."}


def _declaring(key: str) -> str:
    """An expression that arrives at this key, as of a writer who is wrong in the reasoning and not in a slip."""
    fixed = ("5*2 | 3*2", "3*2 | 5*2", "5*2 | 2*5", "5*2 | 3*2 || 3*2 | 5*2")
    return dict(zip(COMPARISONS, fixed, strict=True)).get(key) or f"{key.split(maxsplit=1)[0]}*1"


def _broken(line: str, rng: Random) -> str:
    """A line that no JSON parser takes, of the kinds that models write."""
    return rng.choice(
        (
            line.replace('","', '""', 1),
            line[: -rng.randint(2, 40)],
            line.replace('"q":"', '"q":', 1),
            line.replace('"slot":', "'slot':", 1),
        )
    )
