"""The data can be corrected without code changes, and the error names a wrong correction."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import pytest

from generation.catalogue import CURRENT_VERSION, load_catalogue, parse_catalogue
from generation.errors import PlanError
from generation.model import QuestionType, Section, Topic, Track


@pytest.fixture
def data() -> dict[str, Any]:
    text = (files("generation") / "data" / f"plan-{CURRENT_VERSION}.json").read_text("utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def error_message(data: dict[str, Any]) -> str:
    with pytest.raises(PlanError) as rejected:
        parse_catalogue(json.dumps(data), "plan-test.json")
    assert rejected.value.code == "invalid_plan"
    return str(rejected.value)


def test_the_current_data_is_complete_and_read_once() -> None:
    catalogue = load_catalogue()
    assert catalogue is load_catalogue()
    assert catalogue.version == CURRENT_VERSION
    assert catalogue.exam[Track.SCIENTIFIC] == {Section.QUANTITATIVE: 57, Section.VERBAL: 39}
    assert catalogue.exam[Track.LITERARY] == {Section.QUANTITATIVE: 29, Section.VERBAL: 67}


def test_weights_of_a_section_add_up_to_a_hundred() -> None:
    for section in Section:
        assert sum(data.weight for data in load_catalogue().topics_of(section).values()) == 100


def test_every_question_type_is_asked_somewhere() -> None:
    asked = {kind for data in load_catalogue().topics.values() for kind in data.types}
    assert asked == set(QuestionType)


def test_there_are_enough_angles_for_a_whole_exam() -> None:
    for section in Section:
        most = max(totals[section] for totals in load_catalogue().exam.values())
        assert len(load_catalogue().angles[section]) >= most


def test_no_subtopic_occurs_twice_in_a_topic_of_one_track() -> None:
    for topic, data in load_catalogue().topics.items():
        for track in Track:
            names = [name for pool in data.subtopics if track in pool.tracks for name in pool.names]
            assert len(names) == len(set(names)), topic


def test_a_file_that_is_no_json_is_named() -> None:
    with pytest.raises(PlanError, match=r"plan-test\.json"):
        parse_catalogue("{", "plan-test.json")


@pytest.mark.parametrize(
    "field", ["version", "exam", "difficulty", "topics", "angles", "practice", "passage_group"]
)
def test_a_missing_field_is_named(data: dict[str, Any], field: str) -> None:
    del data[field]
    assert field in error_message(data)


def test_a_wrong_weight_is_named_with_its_place(data: dict[str, Any]) -> None:
    data["topics"]["algebra"]["weight"] = "much"
    assert "topics.algebra.weight" in error_message(data)


def test_a_misspelt_field_is_named(data: dict[str, Any]) -> None:
    data["topics"]["algebra"]["wieght"] = 3
    assert "topics.algebra.wieght" in error_message(data)


def test_a_topic_left_out_is_named(data: dict[str, Any]) -> None:
    del data["topics"]["analogy"]
    assert "analogy" in error_message(data)


def test_reading_shares_its_topic_with_no_other_type(data: dict[str, Any]) -> None:
    data["topics"]["reading-comprehension"]["types"]["mcq"] = 5
    assert "reading" in error_message(data)


def test_a_type_without_a_subtopic_for_a_track_is_named(data: dict[str, Any]) -> None:
    for pool in data["topics"]["analogy"]["subtopics"]:
        pool["tracks"] = ["scientific"]
    assert "literary" in error_message(data)


def test_a_fixed_mix_must_add_up(data: dict[str, Any]) -> None:
    data["difficulty"]["fixed_mixes"]["10"]["easy"] = 4
    assert "fixed mix of 10" in error_message(data)


def test_shares_must_name_every_difficulty(data: dict[str, Any]) -> None:
    del data["difficulty"]["shares"]["hard"]
    assert "difficulty" in error_message(data)


def test_group_sizes_must_be_able_to_split_any_count(data: dict[str, Any]) -> None:
    data["passage_group"] = {"smallest": 3, "largest": 4}
    assert "passage_group" in error_message(data)


def test_an_angle_may_occur_only_once(data: dict[str, Any]) -> None:
    data["angles"]["verbal"].append(data["angles"]["verbal"][0])
    assert "angles of verbal" in error_message(data)


def test_a_section_without_any_weight_is_rejected(data: dict[str, Any]) -> None:
    for topic in Topic:
        if topic.section is Section.VERBAL:
            data["topics"][topic.value]["weight"] = 0
    assert "verbal" in error_message(data)
