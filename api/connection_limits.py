"""How long, and how much, the server waits for a client: pure, so that neither a clock nor a socket is needed.

The rule behind the numbers: whoever waits for us is served; for whoever we wait, there is a bound.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from typing import Generic, TypeVar

T = TypeVar("T")

#: Connections that are ending may be so many more than the limit of all; beyond that the oldest is cut off.
ENDING_BEYOND_LIMIT = 32


class Cut(StrEnum):
    """Why the server ended a connection before its client did. The label of a metric."""

    SILENT = "silent"  #: never sent a byte
    HEAD_TIMEOUT = "head_timeout"
    IDLE = "idle"  #: which is no fault, and not counted
    BODY_TIMEOUT = "body_timeout"  #: where nobody reads the body; whoever does answers 408 before
    UNREAD_BODY = "unread_body"  #: went on with a body after its answer
    SEND_TIMEOUT = "send_timeout"  #: does not read what it asked for
    MALFORMED = "malformed"
    URL_TOO_LONG = "url_too_long"
    HEAD_TOO_LARGE = "head_too_large"
    PIPELINED = "pipelined"  #: sent more calls ahead of their answers than we keep
    GAVE_WAY = "gave_way"  #: to a newcomer, when all places were taken
    FULL = "full"  #: a newcomer for whom there was no place


class Phase(Enum):
    """What a connection is about at the moment."""

    NEW = auto()  #: accepted, and not a byte yet
    HEAD = auto()  #: a head has begun
    BODY = auto()  #: a head is complete, its body is not
    CALL = auto()  #: a call is complete: the client waits for its answer
    OPEN = auto()  #: answered, and the rest of the body is still to come
    IDLE = auto()  #: between two calls
    LINGER = auto()  #: said its last word; it reads on for a moment, so that this word is not lost
    CLOSING = auto()  #: closed, apart from what is still to be sent


_ENDING = frozenset({Phase.LINGER, Phase.CLOSING})

#: Why it ends when it stays in a phase for too long.
_OVERDUE: Mapping[Phase, Cut] = {
    Phase.NEW: Cut.SILENT,
    Phase.HEAD: Cut.HEAD_TIMEOUT,
    Phase.BODY: Cut.BODY_TIMEOUT,
    Phase.OPEN: Cut.UNREAD_BODY,
    Phase.IDLE: Cut.IDLE,
    Phase.LINGER: Cut.UNREAD_BODY,
    Phase.CLOSING: Cut.SEND_TIMEOUT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """The bounds of one connection, in seconds and bytes."""

    head_s: float = 10.0  #: from accept, or from a later head's first byte, to the complete head
    body_s: float = 20.0  #: from the complete head to the complete body
    idle_s: float = 75.0  #: from an answer's end to the next head's first byte
    send_s: float = 30.0  #: for the client to take what waits for it
    open_s: float = 2.0  #: for the rest of a body after its answer, and for the last word to be read
    max_rest_bytes: int = 65_536  #: read as a body after the answer; the connection can be used again
    max_linger_bytes: int = 1_048_576  #: thrown away after the last word; then it is not read any more
    max_head_bytes: int = 32_768
    max_url_bytes: int = 8_192
    max_headers: int = 100
    max_pipelined: int = 16  #: calls that wait for the answer of the one before

    def seconds(self, phase: Phase) -> float:
        """How long a connection may stay in this phase; a call is bounded by its route."""
        return {
            Phase.NEW: self.head_s,
            Phase.HEAD: self.head_s,
            Phase.BODY: self.body_s,
            Phase.CALL: math.inf,
            Phase.OPEN: self.open_s,
            Phase.IDLE: self.idle_s,
            Phase.LINGER: self.open_s,
            Phase.CLOSING: self.send_s,
        }[phase]


class ConnectionClock:
    """The phase of one connection, and whether it has lasted too long. Every time is given, in seconds."""

    def __init__(self, limits: ConnectionLimits, now: float) -> None:
        self.phase = Phase.NEW
        self.has_answered = False
        self._limits = limits
        self._since = now
        self._bytes = 0  #: read in this phase
        self._blocked_since: float | None = None

    @property
    def is_ending(self) -> bool:
        return self.phase in _ENDING

    @property
    def waits_for_client(self) -> bool:
        return self.phase is not Phase.CALL or self._blocked_since is not None

    def read(self, now: float, size: int) -> None:
        """So many bytes have come."""
        if self.phase is Phase.NEW:
            self.phase = Phase.HEAD  # its time runs from the accept, so that a late first byte wins nothing
        elif self.phase is Phase.IDLE:
            self._enter(Phase.HEAD, now)
        self._bytes += size

    def called(self, now: float) -> None:
        """A head is complete. One that was sent ahead of the answer before it changes nothing yet."""
        if self.phase is not Phase.CALL and not self.is_ending:
            self._enter(Phase.BODY, now)

    def answered(self, now: float, *, calls_left: bool, body_left: bool, head_begun: bool) -> None:
        """An answer is complete. `calls_left`: others wait for theirs. `body_left`: the latest call's body is not
        in. `head_begun`: nor is a head that comes after it.
        """
        self.has_answered = True
        if self.is_ending:
            return
        if calls_left:
            self._enter(Phase.BODY if body_left else Phase.CALL, now)
        else:
            self._enter(Phase.OPEN if body_left else Phase.HEAD if head_begun else Phase.IDLE, now)

    def body_ended(self, now: float) -> None:
        """A body is complete, with or without its answer."""
        if self.phase is Phase.OPEN:
            self._enter(Phase.IDLE, now)
        elif self.phase is Phase.BODY:
            self._enter(Phase.CALL, now)

    def linger(self, now: float) -> None:
        self._enter(Phase.LINGER, now)

    def close(self, now: float) -> None:
        self._enter(Phase.CLOSING, now)

    def blocked(self, now: float) -> None:
        """The client does not take what is written."""
        self._blocked_since = now

    def unblocked(self) -> None:
        self._blocked_since = None

    def overdue(self, now: float) -> Cut | None:
        """Why the connection should end now, if it should."""
        if self._blocked_since is not None and now - self._blocked_since >= self._limits.send_s:
            return Cut.SEND_TIMEOUT
        if now - self._since >= self._limits.seconds(self.phase):
            return _OVERDUE[self.phase]
        return None

    @property
    def has_read_enough(self) -> bool:
        """Whether more came in this phase than is worth reading."""
        limits = self._limits
        return self._bytes > (limits.max_rest_bytes if self.phase is Phase.OPEN else limits.max_linger_bytes)

    def _enter(self, phase: Phase, now: float) -> None:
        self.phase = phase
        self._since = now
        self._bytes = 0


class ConnectionState(Enum):
    """How a connection stands among those that hold a place."""

    ENDING = auto()
    UNKNOWN = auto()  #: waited for, and never answered yet
    WAITING = auto()  #: waited for, after an answer
    SERVED = auto()  #: waits for us; never gives way


class ConnectionTable(Generic[T]):
    """Who holds a place. Every step costs the same, however many there are."""

    def __init__(self, max_connections: int) -> None:
        self._max = max_connections
        self._of: dict[T, ConnectionState] = {}
        self._ranks: dict[ConnectionState, dict[T, None]] = {state: {} for state in ConnectionState}

    def __len__(self) -> int:
        return len(self._of)

    def put(self, connection: T, state: ConnectionState) -> None:
        """It stands so from now on; nothing changes for one that stood so before."""
        before = self._of.get(connection)
        if before is state:
            return
        if before is not None:
            del self._ranks[before][connection]
        self._of[connection] = state
        self._ranks[state][connection] = None

    def remove(self, connection: T) -> None:
        state = self._of.pop(connection, None)
        if state is not None:
            del self._ranks[state][connection]

    @property
    def is_over(self) -> bool:
        """Whether more hold a place than may; those that are ending do not count."""
        return len(self._of) - len(self._ranks[ConnectionState.ENDING]) > self._max

    def gives_way_to(self, newcomer: T) -> T | None:
        """Who should end, so that the newcomer can stay; None when everybody is being served.

        Of the larger group the one that has stood longest: neither silent newcomers nor callers who keep their
        connections can push the others out.
        """
        groups = (ConnectionState.UNKNOWN, ConnectionState.WAITING)
        for state in sorted(groups, key=lambda group: len(self._ranks[group]), reverse=True):
            oldest = next(iter(self._ranks[state]), None)
            if oldest is not None and oldest is not newcomer:
                return oldest
        return None

    def overstays(self) -> T | None:
        """Who is ending, and should be gone at once, because too many are."""
        if len(self._of) <= self._max + ENDING_BEYOND_LIMIT:
            return None
        return next(iter(self._ranks[ConnectionState.ENDING]), None)
