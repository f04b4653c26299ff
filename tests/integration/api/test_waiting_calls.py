"""Design section 7: the first call for a batch joins what is under way; a second one is the other tab."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from uuid import UUID, uuid4

import httpx2
import pytest

from api.redis_script import CONCURRENT_CALLS
from api.waiting_calls import TTL_S, SharedWaitingCalls
from generation.model import Urgency
from runtime.settings import RedisSettings
from tests.integration.api.conftest import Serve
from tests.integration.api.served import Served, Writer
from tests.integration.api.test_batches import ask
from tests.integration.api.test_limits import connections

NEXT_TO_LAST = {"questionIndex": 8}


@pytest.fixture
def prefetched(student: httpx2.Client, writer: Writer, exam_id: str) -> str:
    """An exam whose second batch is enqueued as a prefetch."""
    writer.finish()
    student.post(f"/exams/{exam_id}/progress", json=NEXT_TO_LAST)
    return exam_id


def calls(redis_url: str, *, timeout_s: float = 5) -> SharedWaitingCalls:
    return SharedWaitingCalls(RedisSettings(redis_url=redis_url), timeout_s=timeout_s)


def test_the_first_call_joins_a_prefetch_that_is_being_written_and_the_other_tab_gets_409(
    served: Served, student: httpx2.Client, writer: Writer, prefetched: str
) -> None:
    """N16: the old page's three tries were over before the prefetch was ready."""
    claim = writer.claim()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(ask, student, prefetched, 1)
        served.until_subscribed()
        second = ask(student, prefetched, 1)
        writer.write(claim)
        writer.batches.finish(claim)

    assert (second.status_code, second.json()["code"]) == (409, "generation_in_progress")
    assert int(second.headers["Retry-After"]) > 0
    assert first.result().status_code == 200
    assert first.result().json()["meta"]["batchIndex"] == 1


def test_twelve_calls_at_once_over_two_processes_are_one_200_and_eleven_409(
    serve: Serve, redis_url: str
) -> None:
    settings = {"api_default_wait_s": 20, "api_poll_s": 0.05}
    one, two = (serve(waiting_calls=calls(redis_url), **settings) for _ in range(2))
    user = uuid4()
    with one.client(user) as here, two.client(user) as there, ThreadPoolExecutor(12) as pool:
        created = here.post("/exams", json={"track": "literary"}, headers={"Prefer": "respond-async"})
        exam_id = created.json()["id"]
        one.writer.finish()
        here.post(f"/exams/{exam_id}/progress", json=NEXT_TO_LAST)
        claim = one.writer.claim()

        asked = [pool.submit(ask, client, exam_id, 1) for client in (here, there) * 6]
        rejected = list(_ended(asked, but_for=1))
        one.writer.write(claim)
        one.writer.batches.finish(claim)
        statuses = sorted(call.result(timeout=20).status_code for call in asked)

    assert len(rejected) == 11
    assert statuses == [200, *[409] * 11]
    messages = [message[2] for message in list(one.writer.messages.queue) + list(two.writer.messages.queue)]
    assert messages in ([], [Urgency.INTERACTIVE]), "the prefetch was claimed; at most its urgency was raised"


def _ended(asked: list[Future[httpx2.Response]], *, but_for: int) -> Iterator[httpx2.Response]:
    ended = as_completed(asked, timeout=20)
    for _ in range(len(asked) - but_for):
        yield next(ended).result()


def test_after_the_waiting_call_hung_up_the_next_one_waits(
    served: Served, student: httpx2.Client, writer: Writer, exam_id: str
) -> None:
    claim = writer.claim()
    with ThreadPoolExecutor(1) as pool, served.client(student_id(student)) as hasty:
        hung_up = pool.submit(hasty.post, f"/exams/{exam_id}/questions", json={"batchIndex": 0}, timeout=1)
        assert isinstance(hung_up.exception(), httpx2.ReadTimeout)
        served.until_subscribed(0)
        retried = pool.submit(ask, student, exam_id, 0)
        served.until_subscribed()
        writer.write(claim)
        writer.batches.finish(claim)
        assert retried.result().status_code == 200


def student_id(student: httpx2.Client) -> UUID:
    return UUID(student.headers["X-User-Id"])


def test_a_stated_preference_overrules_the_other_tab(
    served: Served, student: httpx2.Client, writer: Writer, exam_id: str
) -> None:
    claim = writer.claim()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(ask, student, exam_id, 0)
        served.until_subscribed()
        second = pool.submit(ask, student, exam_id, 0, "wait=20")
        served.until_subscribed(2)
        writer.write(claim)
        writer.batches.finish(claim)

        assert [first.result().status_code, second.result().status_code] == [200, 200]


def test_where_redis_does_not_answer_every_call_joins(serve: Serve) -> None:
    away = calls("redis://127.0.0.1:1/0", timeout_s=0.25)
    served = serve(waiting_calls=away, api_default_wait_s=20, api_poll_s=0.05)
    with served.client(uuid4()) as student, ThreadPoolExecutor(2) as pool:
        created = student.post("/exams", json={"track": "literary"}, headers={"Prefer": "respond-async"})
        asked = [pool.submit(ask, student, created.json()["id"], 0) for _ in range(2)]
        served.until_subscribed(2)
        served.writer.finish()

        assert [call.result().status_code for call in asked] == [200, 200]


def test_a_silent_redis_delays_many_calls_by_one_timeout_only() -> None:
    async def entered(waiting: SharedWaitingCalls) -> bool:
        async with waiting.entered(uuid4(), 0) as is_first:
            return is_first

    async def all_entered(url: str) -> list[bool]:
        waiting = calls(url, timeout_s=0.1)
        return await asyncio.gather(*(entered(waiting) for _ in range(5 * CONCURRENT_CALLS)))

    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"

        assert all(asyncio.run(all_entered(url)))
        assert connections(silent) == CONCURRENT_CALLS


def test_the_key_lives_while_its_call_waits_and_ends_with_it(redis_url: str) -> None:
    async def waited() -> None:
        mine, other = calls(redis_url), calls(redis_url)
        session_id = uuid4()
        async with mine.entered(session_id, 0) as first:
            assert first
            await asyncio.sleep(TTL_S * 1.2)  # it would have expired by itself
            async with other.entered(session_id, 0) as second:
                assert not second
            async with other.entered(session_id, 1) as elsewhere:
                assert elsewhere
        assert await entered_soon(other, session_id)
        await mine.close()
        await other.close()

    asyncio.run(waited())


async def entered_soon(waiting: SharedWaitingCalls, session_id: UUID) -> bool:
    """Whether a call may wait within the key's time to live."""
    deadline = asyncio.get_running_loop().time() + TTL_S * 2
    while asyncio.get_running_loop().time() < deadline:
        async with waiting.entered(session_id, 0) as is_first:
            if is_first:
                return True
        await asyncio.sleep(0.05)
    return False


def test_the_key_of_a_killed_process_expires_by_itself(redis_url: str) -> None:
    async def killed() -> None:
        gone, other = calls(redis_url), calls(redis_url)
        session_id = uuid4()
        async with gone.entered(session_id, 0) as first:
            assert first
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()  # nothing renews the key and nothing gives it up, as after SIGKILL
            async with other.entered(session_id, 0) as second:
                assert not second
            assert await entered_soon(other, session_id)
        await gone.close()
        await other.close()

    asyncio.run(killed())
