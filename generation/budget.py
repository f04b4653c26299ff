"""What one batch may cost: so many calls, and so much money in proportion to its expected price.

The budget holds over all runs, lanes and requests for the batch. What was spent is read from the ledger when a
run claims the batch, and each run adds its own calls.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from generation.batch_history import Spent
from generation.call import COMPLETE
from generation.cancellation import StopReason
from generation.errors import ContentFiltered, ProviderMisused, ProviderRefused, StreamCut, StreamStalled
from generation.model_call import Prompt, SystemBlock, Usage
from generation.ports import ProviderClient

#: One question with its solution, and its share of a passage or a figure: 310 are usual.
EXPECTED_TOKENS_PER_QUESTION = 320
#: The slots, and the stems to avoid, of one call.
EXPECTED_TOKENS_PER_USER_MESSAGE = 350
#: Each of two providers has a cache of its own, in which a batch may be the first to write the prefix.
CACHES = 2
#: Arabic text has more characters a token: counts of tokens made with this are rather too high.
CHARS_PER_TOKEN = 2

#: The outcomes of a call that was answered. Every other call met a provider that was away or a run that was stopped:
#: an outage or a deploy must not use up a batch's calls.
ANSWERED = frozenset(
    {
        COMPLETE,
        StopReason.FRUITLESS.value,
        *(
            error.code
            for error in (ProviderRefused, ContentFiltered, ProviderMisused, StreamCut, StreamStalled)
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Budget:
    """The limits of one batch."""

    factor: Decimal  #: how often the batch may cost its expected price
    slots: int  #: of the whole batch
    lanes: int  #: calls that such a batch usually takes

    @property
    def calls(self) -> int:
        """A batch of ten may take 30 calls at a factor of 3: ten lanes, each again, and as many at the fallback."""
        return int(self.factor * self.slots)

    def affordable(self, provider: ProviderClient, calls: Sequence[Prompt], spent: Spent) -> int:
        """How many of these calls, in their order, the budget allows even if each reply is as long as it may be."""
        if not calls:
            return 0
        left = self.microdollars(provider, calls[0].system, spent.cache_writes) - spent.microdollars
        most = max(0, min(len(calls), self.calls - spent.calls))
        for number, prompt in enumerate(calls[:most]):
            left -= _highest_price(provider, prompt)
            if left < 0:
                return number
        return most

    def microdollars(
        self, provider: ProviderClient, system: Iterable[SystemBlock], cache_writes: int = 0
    ) -> Decimal:
        """The factor times the expected price with a warm cache, and what fills the caches.

        A provider may lose a prefix that counts as warm. Then all lanes write it at once, which is not the batch's
        doing: `cache_writes` calls have written it, and one write a lane is allowed.
        """
        prefix = _tokens(system)
        warm = Usage(
            input=self.lanes * EXPECTED_TOKENS_PER_USER_MESSAGE,
            cache_read=self.lanes * prefix,
            output=self.slots * EXPECTED_TOKENS_PER_QUESTION,
        )
        price = provider.cost_microdollars
        writes = max(CACHES, min(cache_writes, self.lanes))
        cold = price(provider.model, Usage(cache_write_1h=prefix * writes))
        return self.factor * price(provider.model, warm) + cold


def _highest_price(provider: ProviderClient, prompt: Prompt) -> Decimal:
    user = len(prompt.user) // CHARS_PER_TOKEN
    usage = Usage(input=user, cache_read=_tokens(prompt.system), output=prompt.max_tokens)
    return provider.cost_microdollars(provider.model, usage)


def spent_with(spent: Spent, outcome: str, microdollars: Decimal, *, wrote_cache: bool) -> Spent:
    """What is spent after one more call."""
    return Spent(
        spent.calls + (outcome in ANSWERED),
        spent.microdollars + microdollars,
        spent.cache_writes + wrote_cache,
    )


def _tokens(system: Iterable[SystemBlock]) -> int:
    return sum(len(block.text) for block in system) // CHARS_PER_TOKEN
