from __future__ import annotations

import itertools
import json
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from tools.demo.events import ServerEvent, lines_of, read_events

STREAM = [
    "retry: 2000",
    "",
    "id: 1",
    "event: session",
    'data: {"status": "in_progress"}',
    "",
    ": still here",
    "",
    "id: 2",
    "event: batch-ready",
    'data: {"batchIndex": 0}',
    "",
]


def test_events_are_read_and_comments_passed_over() -> None:
    assert list(read_events(STREAM)) == [
        ServerEvent(1, "session", {"status": "in_progress"}),
        ServerEvent(2, "batch-ready", {"batchIndex": 0}),
    ]


@given(st.integers(0, len(STREAM)))
def test_a_stream_cut_anywhere_yields_whole_events_only(lines: int) -> None:
    whole = list(read_events(STREAM))

    assert list(read_events(STREAM[:lines])) == whole[: STREAM[:lines].count("") - (lines > 1) - (lines > 7)]


@given(st.dictionaries(st.text(), st.text() | st.integers()))
def test_whatever_fits_into_json_comes_through(data: dict[str, str | int]) -> None:
    def lines() -> Iterator[str]:
        yield from ("id: 7", "event: question", f"data: {json.dumps(data)}", "")

    assert list(read_events(lines())) == [ServerEvent(7, "question", data)]


@given(st.text(), st.data())
def test_lines_do_not_depend_on_how_the_text_was_cut(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)))))
    chunks = [text[start:end] for start, end in itertools.pairwise([0, *cuts, len(text)])]

    assert list(lines_of(chunks)) == text.split("\n")[:-1]
