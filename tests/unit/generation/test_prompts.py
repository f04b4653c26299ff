"""The shared prefix of every call: the same bytes everywhere, long enough to be cached."""

from __future__ import annotations

import re
import subprocess
import sys
import unicodedata
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

import pytest

from generation.catalogue import load_catalogue
from generation.model import (
    COMPARISON_CHOICES,
    QuestionType,
    Section,
    Topic,
)
from generation.prompts.blocks import system_blocks
from generation.text_rules import TEXT_RULES, stated

PROJECT = Path(__file__).parents[3]

# A changed text invalidates every cached prefix once and may change every exam: change it only deliberately.
GOLDEN_BLOCKS = {
    "rules.md": "ec0bda600b293b4a083aa0eb251e2720661b185fdfdb618105cf20ea38110bc9",
    "section-quantitative.md": "7a189dfe86c007c686e3b827e40d5bf7147563d41c5745011a18f685fbf13cdc",
    "section-verbal.md": "75080c2fcbeda3c042afaecbb75f5bf4fb2fedcb36309f1ed334337c21b7752a",
    "examples-quantitative.md": "4aa9f55d2bc236435cf1c4b6c35fecadedf08d3d9db78961b48473aa366f1df9",
    "examples-verbal.md": "99014bb7157b4998a2a397e483b6f802ff8fa1ed66d6c049bc8484dd529bf67e",
    "solver.md": "64df7e087538b4727a1853c166a5122df766d318f90f6a2e04d94e0619ced57c",
}

#: The list that the rules' text gets of the table of rules, pinned for the same reason.
GOLDEN_LIST = "b5e49b36f005e328fe5d9af437ef0f5cfb0855fea67e463b5ba28ecc9c9d46be"

#: The largest minimum prefix of any model that may be configured.
LARGEST_CACHE_MINIMUM = 4_096
#: Fewer tokens than any known tokenizer makes of Arabic text; the estimate must not be too high.
ARABIC_CHARS_PER_TOKEN = 3
MAX_BREAKPOINTS = 4


@pytest.mark.parametrize("name", GOLDEN_BLOCKS)
def test_a_text_changes_only_together_with_its_golden_fingerprint(name: str) -> None:
    text = files("generation.prompts").joinpath("text", name).read_bytes()
    assert sha256(text).hexdigest() == GOLDEN_BLOCKS[name]


def test_the_list_of_rules_for_texts_changes_only_together_with_its_golden_fingerprint() -> None:
    assert sha256(stated().encode()).hexdigest() == GOLDEN_LIST


def test_every_rule_for_texts_is_stated_to_the_model_in_its_own_sentence_once() -> None:
    prompt = system_blocks(Section.VERBAL)[0].text
    assert "{text_rules}" not in prompt
    for rule in TEXT_RULES:
        # The order of the choices is the program's: the model is told nothing.
        expected = 0 if rule.name == "unordered_numbers" else 1
        assert bool(rule.sentence) is bool(expected)
        assert prompt.count(f"\n- {rule.sentence}\n") == expected


@pytest.mark.parametrize("section", Section)
def test_a_prefix_is_its_texts_whole_and_in_the_order_of_their_reuse(section: Section) -> None:
    names = ("rules.md", f"section-{section.value}.md", f"examples-{section.value}.md")
    texts = [files("generation.prompts").joinpath("text", name).read_bytes().decode() for name in names]
    assert [block.text for block in system_blocks(section)] == [
        text.replace("{text_rules}", stated()) for text in texts
    ]


@pytest.mark.parametrize("name", GOLDEN_BLOCKS)
def test_a_text_file_is_composed_unicode_with_bare_line_feeds(name: str) -> None:
    raw = files("generation.prompts").joinpath("text", name).read_bytes().decode()
    assert unicodedata.is_normalized("NFC", raw)
    assert "\r" not in raw
    assert "\ufeff" not in raw
    assert raw.endswith("\n")


def test_the_texts_of_the_package_are_all_pinned() -> None:
    present = {file.name for file in files("generation.prompts").joinpath("text").iterdir()}
    assert present == set(GOLDEN_BLOCKS)


@pytest.mark.parametrize("section", Section)
def test_a_prefix_is_long_enough_for_every_model_to_cache_it(section: Section) -> None:
    text = "".join(block.text for block in system_blocks(section))
    assert len(text) / ARABIC_CHARS_PER_TOKEN > LARGEST_CACHE_MINIMUM
    letters = len(re.findall(r"[\u0600-\u06ff]", text))
    others = len(re.findall(r"[^\u0600-\u06ff\s]", text))
    assert letters / ARABIC_CHARS_PER_TOKEN + others / 4 > LARGEST_CACHE_MINIMUM


@pytest.mark.parametrize("section", Section)
def test_a_prefix_takes_no_more_breakpoints_than_a_request_may_have(section: Section) -> None:
    blocks = system_blocks(section)
    assert 1 <= sum(block.cached for block in blocks) <= MAX_BREAKPOINTS
    assert blocks[-1].cached


def test_the_sections_share_their_first_block_and_nothing_else() -> None:
    quantitative, verbal = (system_blocks(section) for section in Section)
    assert quantitative[0] == verbal[0]
    assert not set(quantitative[1:]) & set(verbal[1:])


def test_another_process_builds_the_same_prefix() -> None:
    program = (
        "from generation.model import Section; from generation.prompts.blocks import system_blocks;"
        "print(ascii([system_blocks(section) for section in Section]))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, text=True, cwd=PROJECT
    )
    assert run.stdout.strip() == ascii([system_blocks(section) for section in Section])


def test_every_topic_and_type_is_explained_where_its_section_is() -> None:
    texts = {section: system_blocks(section)[1].text for section in Section}
    for topic in Topic:
        assert topic.value in texts[topic.section]
    for question_type in QuestionType:
        assert any(f"## {question_type.value}: " in text for text in texts.values())
    for choice in COMPARISON_CHOICES:
        assert f"\n{choice}\n" in texts[Section.QUANTITATIVE]


def test_every_relation_that_a_plan_asks_for_is_named_to_the_model() -> None:
    pools = load_catalogue().topics[Topic.ANALOGY].subtopics
    relations = [name for pool in pools for name in pool.names]
    assert len(relations) == 22
    assert f"{'، '.join(relations)}." in system_blocks(Section.VERBAL)[1].text
