"""One HTTP stream, watched from the first byte of the request to the last of the reply."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import anthropic
import httpx2
from anthropic._streaming import ServerSentEvent

from generation.cancellation import CancellationSignal
from generation.errors import (
    ContentFiltered,
    ProviderError,
    ProviderRefused,
    StaleConnection,
    StreamCut,
    StreamStalled,
)
from generation.model_call import StreamEvent
from providers.answer_bounds import check_nesting, limited
from providers.client import CALL_FAILURES
from providers.error_answers import is_error
from providers.failures import as_provider_error
from providers.messages import CacheTtl
from providers.numbers import name
from providers.read_pacing import ReadPacing
from providers.reply import REFUSAL, Reply, UnreadableReply
from providers.transport import MAX_REPLY_BYTES, Overdue, Transport, requesting_on, retire_connections


class RawStream(anthropic.Stream[object]):
    """The SDK's stream, which raises TooDeep for an event before it is decoded, and TooLong for a reply without end.

    A gateway's error may come without the event's name, which the SDK would pass over: it is named here.
    """

    def _iter_events(self) -> Iterator[Any]:
        # A few compressed bytes, which the transport counts, may stand for very many.
        for event in self._decoder.iter_bytes(limited(self.response.iter_bytes(), MAX_REPLY_BYTES)):
            check_nesting(event.data)
            yield ServerSentEvent(event="error", data=event.data) if is_error(event.data) else event


_FAILURES = (*CALL_FAILURES, UnreadableReply)

#: After the stop reason only goodbyes are missing; having read them, the connection can be reused.
_GOODBYE_S = 0.2


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """How long one attempt may go without text, and how long it may take altogether."""

    stall_timeout_s: float
    deadline_s: float


@dataclass(frozen=True, slots=True)
class Call:
    """One attempt: what is sent, through which client, in whose name."""

    client: anthropic.Anthropic
    provider: str
    body: dict[str, Any]
    cache_ttl: CacheTtl
    limits: StreamLimits
    read_pacing: ReadPacing | None = None  #: for a reply whose words nobody waits for: how often to read them
    #: Called once with what came back first: status, headers, and the error's code if it was one.
    answered: Callable[[int, Mapping[str, str], str | None], None] = lambda *_: None


@contextmanager
def streaming(call: Call, stop: CancellationSignal) -> Iterator[Iterator[StreamEvent]]:
    """The reply to one request, as it comes: StreamStarted, TextDeltas, StreamEnded.

    The connection is closed on leaving the block, unless the reply was read to its end. When `stop` is
    set, also while nothing comes, the iterator ends at once and without StreamEnded.
    Raises ProviderError and nothing else, from entering the block or from the iterator: StreamStalled when
    no text came for the stall timeout (pings do not count), StreamCut when the reply broke off or took
    longer than the deadline, ProviderRefused when the model declined; failures.py has the rest.
    """
    with _transport(call) as transport, stop.waking(transport.cut):
        raw = _open(call, transport, stop)
        if raw is None:
            yield iter(())
            return
        try:
            yield _events(raw, call, transport, stop=stop)
        finally:
            raw.close()


@contextmanager
def _transport(call: Call) -> Iterator[Transport]:
    stall_timeout_s, deadline_s = call.limits.stall_timeout_s, call.limits.deadline_s
    if call.read_pacing is None:
        yield Transport(stall_timeout_s=stall_timeout_s, deadline_s=deadline_s)
        return
    with call.read_pacing.reading():
        yield Transport(
            stall_timeout_s=stall_timeout_s, deadline_s=deadline_s, gather_s=call.read_pacing.gather_s
        )


def _open(call: Call, transport: Transport, stop: CancellationSignal) -> RawStream | None:
    """The stream once its headers are there; None when the run was cancelled before or meanwhile."""
    if stop.reason is not None:
        return None
    try:
        with requesting_on(transport):
            raw = _post(call)
    except _FAILURES as err:
        if isinstance(err, anthropic.APIStatusError):
            call.answered(err.status_code, err.response.headers, err.error_code)
        if stop.reason is not None:
            return None
        raise _unopened(err, call, transport) from err
    call.answered(raw.response.status_code, raw.response.headers, None)
    return raw


def _unopened(error: Exception, call: Call, transport: Transport) -> ProviderError:
    failure = as_provider_error(
        error, provider=call.provider, request_id=None, started=False, is_stale=transport.is_stale
    )
    if isinstance(failure, StaleConnection):
        retire_connections(call.client._client)  # noqa: SLF001  the SDK hands it out nowhere else
    return failure


def _post(call: Call) -> RawStream:
    # `messages.create` would send the same request, and before it a DeprecationWarning for some models:
    # an exception where warnings are errors, and repeated for every call where not. We warn once, at start.
    raw: RawStream = call.client.post(
        "/v1/messages",
        body=call.body,
        cast_to=object,
        stream=True,
        stream_cls=RawStream,
    )
    if "json" in raw.response.headers.get("content-type", ""):  # an error under status 200, and no stream
        raise call.client._make_status_error_from_response(raw.response)  # noqa: SLF001  as the SDK makes them
    return raw


def _events(
    raw: RawStream, call: Call, transport: Transport, *, stop: CancellationSignal
) -> Iterator[StreamEvent]:
    reply = Reply(
        request_id=_request_id(raw.response), cache_ttl=call.cache_ttl, asked_model=call.body["model"]
    )
    try:
        for sent in raw:
            if stop.reason is not None:
                return
            event = reply.take(sent)
            if event is not None:
                yield event
                transport.grew()  # the time that our reader took is not the provider's
            if reply.stop_reason is not None:
                transport.hurry(_GOODBYE_S)
    except _FAILURES as err:
        # Once the stop reason is known the answer is complete; what breaks after that is of no interest.
        if stop.reason is None and reply.stop_reason is None:
            raise _failure(err, call, reply, transport=transport) from err
    if stop.reason is None:
        yield _end(reply, call)


def _end(reply: Reply, call: Call) -> StreamEvent:
    if reply.stop_reason is None:
        raise StreamCut(provider=call.provider, request_id=reply.request_id)
    if reply.stop_reason == REFUSAL or reply.is_filtered:
        kind = ProviderRefused if reply.stop_reason == REFUSAL else ContentFiltered
        raise kind(
            provider=call.provider,
            request_id=reply.request_id,
            category=reply.refusal_category,
            usage=reply.usage if reply.is_reported else None,  # it is billed too
        )
    return reply.ended()


def _failure(error: Exception, call: Call, reply: Reply, *, transport: Transport) -> ProviderError:
    if transport.overdue is Overdue.DEADLINE:
        return StreamCut(
            "The reply was not complete within the time one call may take, so it was cut; "
            "the questions that were complete are kept.",
            provider=call.provider,
            request_id=reply.request_id,
            deadline_s=call.limits.deadline_s,
        )
    if isinstance(error, httpx2.TimeoutException):
        return StreamStalled(provider=call.provider, request_id=reply.request_id)
    return as_provider_error(error, provider=call.provider, request_id=reply.request_id, started=True)


def _request_id(response: httpx2.Response) -> str | None:
    """The provider's name for this call, for its support and its bill. OpenRouter's own before the one it
    passes on: its bill knows no other.
    """
    return name(response.headers.get("x-generation-id")) or name(response.headers.get("request-id"))
