"""The questions that the simulator writes: valid for the real validator, varied, and flawed only when asked to be."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from generation.catalogue import load_catalogue
from generation.figure_plan import ALL_FIGURES, WEB_APP_FIGURES, FigureChoice
from generation.figures.catalogue import CHARTS, PATTERNS, check, parse, web_app
from generation.figures.web_app import WEB_APP_SAFE
from generation.model import EarlierQuestion, Plan, Question, QuestionType, Slot, Track
from generation.plan import plan_exam
from generation.prompts.request import build_prompt
from generation.repeats.seen import Seen
from generation.validator import Rejected, Validator, known_passages
from tests.support.figure_rules import web_app_faults
from tools.simulator.asked import Asked, Wanted, last_user_text, read_asked
from tools.simulator.config import SimulatorConfig
from tools.simulator.content.draft import COMPARISONS, counted, shown
from tools.simulator.content.memory import Memory
from tools.simulator.content.scene import Scene, data
from tools.simulator.content.writer import TOKENS, write_questions
from tools.simulator.reply import SMALL_TALK, SURPLUS_SLOT, write_reply
from tools.simulator.tokens import count_tokens

LANE = 3


def wanted(slot: int = 0, **changes: Any) -> Wanted:
    return Wanted(**{"slot": slot, "type": "mcq", "topic": "algebra", "section": "quantitative", **changes})


def objects(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def every_kind() -> Iterator[Wanted]:
    """One slot for every subtopic and question type that a plan can ask for."""
    slot = 0
    for topic, planned in load_catalogue().topics.items():
        for kind in planned.types:
            for share in planned.subtopics:
                for name in share.names:
                    slot += 1
                    yield wanted(
                        slot,
                        type=kind.value,
                        topic=topic.value,
                        section=topic.section.value,
                        subtopic=name,
                        group=slot if kind is QuestionType.READING else None,
                    )


def lanes(slots: tuple[Slot, ...]) -> list[list[Slot]]:
    """Runs of a few slots; those that share a passage stay together."""
    found: list[list[Slot]] = []
    for slot in slots:
        last = found[-1] if found else []
        together = (
            bool(last) and slot.passage_group is not None and last[-1].passage_group == slot.passage_group
        )
        if together or (last and len(last) < LANE and slot.passage_group is None):
            last.append(slot)
        else:
            found.append([slot])
    return found


def take_exam(plan: Plan, config: SimulatorConfig) -> tuple[list[Question], list[str]]:
    """Ask for every slot once, lane by lane as a worker would, and judge what comes."""
    seen, earlier = Seen(), list[EarlierQuestion]()
    accepted, reasons = list[Question](), list[str]()
    memory = Memory()
    for batch in plan.batches:
        known, fresh = known_passages(earlier), list[EarlierQuestion]()
        for lane in lanes(plan.slots_of(batch)):
            prompt = build_prompt(track=plan.track, slots=lane, passages=known, earlier=earlier)
            gate = Validator(lane, seen=seen, seed=plan.seed, passages=known)
            provider = hashlib.sha256(prompt.user.encode()).hexdigest()
            for raw in objects(write_reply(read_asked(prompt.user), config, provider, memory)):
                verdict = gate.judge(raw)
                if isinstance(verdict, Rejected):
                    reasons.append(verdict.reason)
                    continue
                accepted.append(verdict.question)
                fresh.append(as_earlier(verdict.question))
        earlier += fresh
    return accepted, reasons


def as_earlier(question: Question) -> EarlierQuestion:
    return EarlierQuestion(
        position=question.slot.position,
        question_type=question.slot.question_type,
        stem=question.stem,
        choices=question.choices,
        passage=question.passage,
        passage_group=question.slot.passage_group,
        diagram=question.diagram,
    )


@pytest.mark.parametrize("track", list(Track))
@pytest.mark.parametrize("seed", range(3))
def test_a_whole_exam_passes_the_gate(track: Track, seed: int) -> None:
    plan = plan_exam(track, batch_size=10, seed=seed, figures=ALL_FIGURES)
    accepted, reasons = take_exam(plan, SimulatorConfig(seed=seed))
    assert len(reasons) <= 1, Counter(reasons)
    assert len(accepted) + len(reasons) == 96


@pytest.mark.parametrize("track", list(Track))
@pytest.mark.parametrize("choice", [WEB_APP_FIGURES, ALL_FIGURES], ids=["web app", "all"])
def test_no_figure_of_an_exam_is_rejected_whatever_the_page_can_draw(
    track: Track, choice: FigureChoice
) -> None:
    for seed in range(3, 6):
        plan = plan_exam(track, batch_size=10, seed=seed, figures=choice)
        accepted, reasons = take_exam(plan, SimulatorConfig(seed=seed))
        assert [reason for reason in reasons if "figure" in reason or "answer" in reason] == []
        drawn = [question.diagram for question in accepted if question.diagram is not None]
        assert len(drawn) >= len([slot for slot in plan.slots if slot.pattern]) - len(reasons)
        if choice.web_app_only:
            assert [web_app_faults(dict(figure)) for figure in drawn] == [[]] * len(drawn)


def drawn(pattern: str, slot: int, **changes: Any) -> Wanted:
    kind, topic = ("chart", "statistics") if pattern in CHARTS else ("diagram", "geometry")
    return wanted(slot, type=kind, topic=topic, pattern=pattern, **changes)


@pytest.mark.parametrize("pattern", sorted(PATTERNS))
def test_every_pattern_is_written_as_a_writer_should(pattern: str) -> None:
    written = set()
    for slot in range(24):
        for difficulty in ("easy", "medium", "hard"):
            asked = Asked((drawn(pattern, slot, difficulty=difficulty),))
            (question,) = write_questions(asked, seed=f"{slot}")
            figure = parse(question["f"])
            assert figure.pattern == pattern
            assert check(figure, stem=question["q"], answer=question["a"]) == ()
            if pattern in WEB_APP_SAFE:
                assert web_app_faults(web_app(figure) or {}) == []
            written.add(json.dumps({**question["f"], "points": "", "unit": ""}, ensure_ascii=False))
    assert len(written) >= 8, "the parameters hardly vary"


@pytest.mark.parametrize("pattern", sorted(PATTERNS))
def test_on_demand_a_figure_is_impossible_or_contradicts_its_question(pattern: str) -> None:
    config = SimulatorConfig(impossible_rate=1)
    for slot in range(12):
        asked = Asked((drawn(pattern, slot),))
        (good,), (bad,) = (
            objects(write_reply(asked, SimulatorConfig(), "x")),
            objects(write_reply(asked, config, "x")),
        )
        assert check(good["f"], stem=good["q"], answer=good["a"]) == ()
        assert check(bad["f"], stem=bad["q"], answer=bad["a"]) != ()
        assert {**bad, "f": good["f"]} == good


def test_an_impossible_figure_leaves_other_questions_alone() -> None:
    asked = asked_ten()
    assert write_reply(asked, SimulatorConfig(impossible_rate=1), "x") == write_reply(
        asked, SimulatorConfig(), "x"
    )


def test_every_kind_of_slot_gets_a_well_formed_question() -> None:
    for slot in every_kind():
        (question,) = write_questions(Asked((slot,)), seed="kinds")
        assert list(question) == [
            key for key in ("slot", "p", "q", "f", "w", "e", "a", "d") if key in question
        ]
        assert ("f" in question) == (slot.type in {"diagram", "chart"})
        assert ("p" in question) == (slot.type == "reading")
        if slot.type == "comparison":
            assert question["a"] in COMPARISONS
            assert "d" not in question
        else:
            assert len({question["a"], *question["d"]}) == 4


def test_a_question_is_as_long_as_a_model_would_make_it() -> None:
    lengths = []
    for slot in every_kind():
        (question,) = write_questions(Asked((slot,)), seed="long")
        question.pop("p", None)
        lengths.append(count_tokens(json.dumps(question, ensure_ascii=False, separators=(",", ":"))))
    mean = sum(lengths) / len(lengths)
    assert TOKENS[0] <= mean <= TOKENS[1]
    assert max(lengths) < TOKENS[1] + 50


def test_equal_seeds_write_equal_text_and_other_seeds_other_text() -> None:
    asked = Asked(tuple(wanted(i) for i in range(5)))
    config = SimulatorConfig(seed=1)
    assert write_reply(asked, config, "a") == write_reply(asked, config, "a")
    assert write_reply(asked, config, "a") != write_reply(asked, config, "b")
    assert write_reply(asked, config, "a") != write_reply(asked, SimulatorConfig(seed=2), "a")


def test_stems_to_avoid_are_avoided() -> None:
    slot = wanted(4, type="analogy", topic="analogy", section="verbal", subtopic="التضاد")
    (first,) = write_questions(Asked((slot,)), seed="x")
    (second,) = write_questions(Asked((slot,), avoid=(first["q"],)), seed="x")
    assert second["q"] != first["q"]


def test_a_known_passage_is_used_and_not_written_again() -> None:
    slots = tuple(wanted(i, type="reading", topic="reading-comprehension", group=0) for i in range(3))
    written = list(write_questions(Asked(slots), seed="x"))
    assert ["p" in question for question in written] == [True, False, False]
    later = wanted(3, type="reading", topic="reading-comprehension", group=0)
    (question,) = write_questions(Asked((later,), passages={0: written[0]["p"]}), seed="y")
    assert "p" not in question
    assert question["q"].split(":")[0] == written[0]["q"].split(":")[0]


def test_a_passage_of_another_writer_gets_a_question_too() -> None:
    passage = "هذه جملة أولى من نص غريب. وهذه جملة ثانية فيه تكفي للسؤال. وهذه ثالثة تختم النص."
    slot = wanted(0, type="reading", topic="reading-comprehension", group=0)
    (question,) = write_questions(Asked((slot,), passages={0: passage}), seed="x")
    assert question["a"] in passage
    assert all(wrong not in passage for wrong in question["d"])


def test_passages_differ_even_when_there_are_more_groups_than_texts() -> None:
    slots = tuple(wanted(i, type="reading", topic="reading-comprehension", group=i) for i in range(40))
    passages = [question["p"].split(" يقول: ")[1] for question in write_questions(Asked(slots), seed="x")]
    assert len(set(passages)) == 40


def test_names_of_two_slots_of_an_exam_differ() -> None:
    names = [Scene(wanted(slot), seed="x").first for slot in range(96)]
    assert len(set(names)) == 96


def test_numbers_take_the_form_that_arabic_wants() -> None:
    assert counted(5, "ريال") == "5 ريالات"
    assert counted(15, "ريال") == "15 ريالًا"
    assert counted(100, "ريال") == "100 ريال"
    assert counted(7, "كم") == "7 كم"
    assert shown(3) == "3"


def test_error_sentences_hold_their_words_and_pairs_are_pairs() -> None:
    for sentence, answer, others in data("errors"):
        words = sentence.split()
        assert {answer, *others.split()} <= set(words)
        assert len({answer, *others.split()}) == 4
    for pairs in data("relations").values():
        assert all(pair.count(":") == 1 for pair in pairs.split())
        assert len(set(pairs.split())) == len(pairs.split())


def test_the_request_is_read_from_its_lines_only() -> None:
    text = (
        "المسار: علمي\n"
        '{"slot":12,"type":"reading","section":"verbal","topic":"reading-comprehension","group":3}\n'
        '{"broken\n'
        '{"group":3,"passage":"نص"}\n'
        '{"other":1}\n'
        "أسئلة سابقة:\n- سؤال أول\n- سؤال ثان\n"
    )
    asked = read_asked(text)
    assert [(slot.slot, slot.group) for slot in asked.wanted] == [(12, 3)]
    assert asked.passages == {3: "نص"}
    assert asked.avoid == ("سؤال أول", "سؤال ثان")


def test_the_last_user_message_counts_whatever_its_shape() -> None:
    blocks = [{"type": "text", "text": "أول"}, {"type": "image"}, {"type": "text", "text": "ثان"}]
    messages = [{"role": "user", "content": "قديم"}, {"role": "user", "content": blocks}]
    assert last_user_text({"messages": messages}) == "أول\nثان"
    assert last_user_text({"messages": [{"role": "assistant", "content": "س"}]}) == ""


def test_a_request_without_slots_gets_small_talk() -> None:
    assert write_reply(Asked(), SimulatorConfig(), "x") == SMALL_TALK


def asked_ten() -> Asked:
    kinds = ("mcq", "comparison")
    return Asked(tuple(wanted(i, type=kinds[i % 2]) for i in range(10)))


def verdicts(text: str) -> list[str]:
    """What the validator says of each line: accepted, broken, or the reason."""
    slots = plan_exam(Track.SCIENTIFIC, batch_size=10, seed=1).slots
    kinds = {"mcq": [s for s in slots if s.question_type is QuestionType.MCQ]}
    kinds["comparison"] = [s for s in slots if s.question_type is QuestionType.COMPARISON]
    seen, found = Seen(), list[str]()
    for line in text.splitlines():
        try:
            raw = json.loads(line)
        except json.JSONDecodeError:
            found.append("broken")
            continue
        slot = kinds["mcq" if "d" in raw else "comparison"][0]
        verdict = Validator([slot], seen=seen, seed=1).judge({**raw, "slot": slot.position})
        found.append(verdict.reason if isinstance(verdict, Rejected) else "accepted")
    return found


def test_without_flaws_every_line_is_accepted() -> None:
    assert set(verdicts(write_reply(asked_ten(), SimulatorConfig(), "x"))) == {"accepted"}


def test_rejects_are_json_that_no_gate_accepts() -> None:
    assert "accepted" not in verdicts(write_reply(asked_ten(), SimulatorConfig(reject_rate=1), "x"))


def test_broken_lines_are_no_json() -> None:
    assert set(verdicts(write_reply(asked_ten(), SimulatorConfig(broken_rate=1), "x"))) == {"broken"}


def test_repeats_are_caught_as_repeats() -> None:
    found = verdicts(write_reply(asked_ten(), SimulatorConfig(repeat_rate=1), "x"))
    assert sum(reason.startswith("repeated") for reason in found) >= 8


def test_a_repeat_may_be_of_a_stem_that_was_to_be_avoided() -> None:
    asked = Asked((wanted(0),), avoid=("سؤال قديم عن عدد", "القيمة الأولى: 1. القيمة الثانية: 2."))
    (question,) = objects(write_reply(asked, SimulatorConfig(repeat_rate=1), "x"))
    assert question["q"] == "سؤال قديم عن عدد"


def test_missing_and_surplus_questions_are_counted_by_their_rates() -> None:
    assert write_reply(asked_ten(), SimulatorConfig(missing_rate=1), "x").strip() == ""
    lines = objects(write_reply(asked_ten(), SimulatorConfig(surplus_rate=1), "x"))
    assert len(lines) == 20
    assert sum(line["slot"] >= SURPLUS_SLOT for line in lines) == 10


def test_a_wrong_key_is_well_formed_and_differs_from_the_right_one() -> None:
    right = objects(write_reply(asked_ten(), SimulatorConfig(), "x"))
    wrong = objects(write_reply(asked_ten(), SimulatorConfig(wrong_key_rate=1), "x"))
    for good, bad in zip(right, wrong, strict=True):
        assert good["q"] == bad["q"]
        assert good["a"] != bad["a"]
        if "d" in good:
            assert {good["a"], *good["d"]} == {bad["a"], *bad["d"]}
        else:
            assert bad["a"] in COMPARISONS
