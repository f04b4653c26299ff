"""What the providers brought for one batch, and so who is asked next, and for which slots.

A provider that brings nothing is in trouble for this batch like one that failed: it is asked once more, with a
small part of the slots and the reasons why nothing was accepted; then the next provider is asked. A slot that a
provider leaves open twice, beside others that it filled, is asked of that provider no more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from generation.attempt import AttemptResult
from generation.error_kinds import AskNext, Scope
from generation.errors import ContentFiltered, ProviderDenied, ProviderError, ProviderThrottled
from generation.lanes import Lane, share_out
from generation.model import Slot

#: Why a provider is given up that answered and brought nothing.
NO_YIELD = "no_yield"
#: The reason when a complete reply held no object at all: it was empty, a refusal in words, or unreadable.
NO_OBJECTS = "no_objects"

#: How often a provider may leave a slot open.
_VAIN_ASKS = 2
#: The part of the open slots with which a provider in trouble is asked once more.
_PROBE_SHARE = 3
#: Reasons named in a prompt: the most frequent ones.
_REASONS = 5

#: Errors that concern the provider as a whole, even if it answered other lanes of the round.
_OF_THE_PROVIDER = (ProviderThrottled, ProviderDenied)


class Yields:
    """The state of one run. `in_trouble`: the run before brought nothing, so that this one begins carefully.

    `run` is the run's number: each one tries a provider in trouble with another part of the slots, because one
    slot among them may be the reason why a whole reply is refused.
    """

    def __init__(self, *, in_trouble: bool, run: int) -> None:
        self._begins_carefully = in_trouble
        self._run = run
        self._in_trouble: set[str] = set()
        self._forgiven: set[str] = set()
        self._failed: set[str] = set()
        self._fruitless: set[str] = set()
        self._exhausted: set[str] = set()
        self._vain: Counter[tuple[str, int]] = Counter()  # by provider and position
        self._together: dict[int, int] = {}  # by position: the most slots of one call, after a filter struck
        self._reasons: dict[str, Counter[str]] = {}

    @property
    def given_up(self) -> frozenset[str]:
        """The providers that are asked no more."""
        return frozenset(self._failed | self._fruitless | self._exhausted)

    @property
    def were_vain(self) -> bool:
        """Whether a provider answered, and could not fill the slots that are open."""
        return bool(self._fruitless or self._exhausted)

    def reasons(self, provider: str) -> tuple[str, ...]:
        """Why the provider's last round brought too little, for its next prompt."""
        return tuple(reason for reason, _ in self._reasons.get(provider, Counter()).most_common(_REASONS))

    def lanes(self, provider: str, slots: Iterable[Slot], at_once: int) -> list[Lane]:
        """The slots to ask this provider for, by call; empty when it left each of them open twice.

        Usually at most `at_once` calls. A provider in trouble gets one small call. Slots that were asked for
        together when a filter struck are asked for in halves.
        """
        wanted = [slot for slot in slots if self._vain[provider, slot.position] < _VAIN_ASKS]
        if not wanted:
            return []
        free = [slot for slot in wanted if slot.position not in self._together]
        lanes = share_out(free, at_once) if free else []
        for most in sorted(set(self._together.values())):
            divided = [slot for slot in wanted if self._together.get(slot.position) == most]
            if divided:
                lanes += share_out(divided, -(-len(divided) // most))
        if free and (self._begins_carefully or provider in self._in_trouble):
            parts = share_out(wanted, _PROBE_SHARE)
            return [parts[self._run % len(parts)]]
        return lanes

    def judge(self, provider: str, lanes: Sequence[Lane], results: Sequence[AttemptResult]) -> str | None:
        """Take in a round; returns why the provider is given up for the rest of the run, or None."""
        errors = [result.error for result in results if result.error is not None]
        brought = any(result.committed for result in results)
        self._note_reasons(provider, results)
        for lane, result in zip(lanes, results, strict=True):
            self._note_slots(provider, lane, result, brought=brought)
        if brought:
            self._begins_carefully = False
            self._in_trouble.discard(provider)
        own = [error for error in errors if error.scope is not Scope.SLOT]
        if own and not _is_bad_luck(own, calls=len(results)):
            return self._note_failure(provider, own)
        return None if brought else self._note_fruitless(provider)

    def _note_failure(self, provider: str, errors: Sequence[ProviderError]) -> str | None:
        """A broken reply is forgiven once in a run."""
        if provider not in self._forgiven and all(error.ask_next is AskNext.SAME for error in errors):
            self._forgiven.add(provider)
            return None
        self._failed.add(provider)
        return errors[0].code

    def _note_fruitless(self, provider: str) -> str | None:
        if provider not in self._in_trouble:
            self._in_trouble.add(provider)
            return None
        self._fruitless.add(provider)
        return NO_YIELD

    def exhaust(self, provider: str) -> None:
        """Ask this provider no more: it has left every open slot open twice."""
        self._exhausted.add(provider)

    def forget_slots(self) -> None:
        """Other slots take the place of the open ones: ask again the providers that could not fill those."""
        self._vain.clear()
        self._together.clear()
        self._in_trouble -= self._fruitless
        self._fruitless.clear()
        self._exhausted.clear()

    def _note_reasons(self, provider: str, results: Sequence[AttemptResult]) -> None:
        reasons: Counter[str] = Counter()
        for result in results:
            reasons.update(result.rejections)
            if result.is_empty:
                reasons[NO_OBJECTS] += 1
        self._reasons[provider] = reasons

    def _note_slots(self, provider: str, lane: Lane, result: AttemptResult, *, brought: bool) -> None:
        filled = {question.slot.position for question in result.committed}
        left = [slot for slot in lane if slot.position not in filled]
        is_declined = result.error is not None and result.error.scope is Scope.SLOT
        is_alone = len(share_out(lane, len(lane))) == 1
        for slot in left:
            if is_declined and not is_alone:
                self._together[slot.position] = max(1, len(left) // 2)
            elif isinstance(result.error, ContentFiltered):
                self._vain[provider, slot.position] = _VAIN_ASKS
            elif brought and (result.ended or is_declined):
                self._vain[provider, slot.position] += 1


def _is_bad_luck(errors: Sequence[ProviderError], *, calls: int) -> bool:
    """Whether other lanes of the round were answered: then the errors concern these calls, not the provider.

    A pause that the provider asked for is handled by its circuit breaker, so it may still not be picked.
    """
    return len(errors) < calls and not any(isinstance(error, _OF_THE_PROVIDER) for error in errors)
