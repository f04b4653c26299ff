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
from generation.prompts.version import prompt_version
from generation.rules.table import TEXT_RULES, stated

PROJECT = Path(__file__).parents[3]

# A changed text invalidates every cached prefix once and may change every exam: change it only deliberately.
GOLDEN_BLOCKS = {
    "rules.md": "4335229932076914be7201db3d3b665bb9b8d5effa2a52b5f2a5c790a5bfeeb1",
    "section-quantitative.md": "1818e35421ebf6a74611862df25374de2014ae5cf81adf7bcdaee5ece2cd7e4d",
    "section-verbal.md": "b3e9120ed4d3eda0c614780c76536c4a4932f07d08efde6b0436e10ced51b223",
    "examples-quantitative.md": "32e652f8d2cd393e8b11f3a3927954b71cf38d1fede448a1f4359907efde4512",
    "examples-verbal.md": "0d8326b0b9c83341ca31486a8f1e5ef2c2f80252a7e8c4f17d803d129515a05b",
    "solver.md": "64df7e087538b4727a1853c166a5122df766d318f90f6a2e04d94e0619ced57c",
}

#: The list that the rules' text gets of the table of rules, pinned for the same reason.
GOLDEN_LIST = "b5fac65f03e002ac4cd8d98adc978823f3267ab93c7c75801a31cf6445928651"

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


def test_the_versions_of_today_s_prompts_are_described() -> None:
    described = (PROJECT / "docs" / "prompts.md").read_text("utf-8")
    assert [section for section in Section if f"`{prompt_version(section)}`" not in described] == []


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
