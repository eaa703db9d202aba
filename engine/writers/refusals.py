"""What it means when a model server does not start to write: a sentence, and whether to try again.

Nothing of what the server said is repeated; its words only choose among ours.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from engine.errors import ProviderFailed

LONGEST_WAIT_S = 60.0
"""A server that asks for more patience than this is not waited for."""

_WAIT_UNKNOWN_S = 30
_A_DAY_S = 86_400.0

_TOO_LONG = re.compile(
    rb"context[_ ](length|window|size)|maximum context|prompt is too long|too many tokens",
    re.IGNORECASE,
)
_NO_CREDIT = re.compile(rb"insufficient_quota|billing_hard_limit|credit balance", re.IGNORECASE)


class Refusal(Exception):
    """A try that ended before any text.

    `failure` is what it comes to when it was the last try; `first_wait_s` is the wait before a
    second one, doubled before each later one; `asked_s` is what the server asked for.
    """

    def __init__(
        self,
        failure: ProviderFailed,
        *,
        is_passing: bool = False,
        first_wait_s: float = 1.0,
        asked_s: float = 0.0,
    ) -> None:
        """Take the failure, and whether it may pass by itself and when."""
        super().__init__(failure.message)
        self.failure = failure
        self.is_passing = is_passing
        self.first_wait_s = first_wait_s
        self.asked_s = asked_s

    def wait_s(self, *, attempt: int, previous_s: float, chance: float) -> float:
        """Return how long to wait after the failed try `attempt`; waits of one request grow.

        `chance` is from 0 to 1 and spreads clients that failed together.
        """
        grown: float = self.first_wait_s * 2 ** (attempt - 1)
        return max(self.asked_s, grown, previous_s) * (1.1 + 0.2 * chance)


class TooLong(Refusal):
    """The prompt is longer than the model can read."""


def unreachable(*, is_passing: bool) -> Refusal:
    """Return the refusal for a server that cannot be connected to."""
    failure = ProviderFailed(
        "The model server cannot be reached. Try again in half a minute.",
        code="SERVICE_UNAVAILABLE",
        retry_after_s=_WAIT_UNKNOWN_S,
    )
    return Refusal(failure, is_passing=is_passing, first_wait_s=0.5)


def not_a_stream() -> Refusal:
    """Return the refusal for an answer that is a page or a document, not a stream of text."""
    return Refusal(
        ProviderFailed(
            "The model server sent a page instead of text. "
            "Ask the administrator to check FOOTNOTE_LLM_URL."
        )
    )


def refused(status: int, headers: Mapping[str, str], body: bytes, now: datetime) -> Refusal:
    """Return the refusal for an answer with `status`; `body` is its beginning, `now` is aware."""
    asked_s = asked_wait_s(headers.get("retry-after", ""), now)
    if status == 402 or (status == 429 and _NO_CREDIT.search(body)):
        return _lasting(
            "The account at the model server has no credit left. "
            "Ask the administrator to check the account of FOOTNOTE_LLM_KEY."
        )
    if status == 429:
        return _busy(asked_s)
    if status >= 500:
        return _broken(status, asked_s)
    if status == 413 or (status in (400, 422) and _TOO_LONG.search(body)):
        return TooLong(ProviderFailed(_TOO_LONG_SENTENCE, retryable=False))
    return _lasting(_SENTENCES.get(status) or _SENTENCES.get(status // 100) or _SENTENCES[4])


_TOO_LONG_SENTENCE = (
    "The request and its sources are too long for this model. "
    "Choose fewer sources or a model with a larger context."
)
_SENTENCES = {
    401: "The model server refused the key. Ask the administrator to check FOOTNOTE_LLM_KEY.",
    403: "The model server refused the key. Ask the administrator to check FOOTNOTE_LLM_KEY.",
    404: "The model server does not know this model or address. "
    "Ask the administrator to check FOOTNOTE_LLM_URL and FOOTNOTE_LLM_MODEL.",
    2: "The model server sent an empty answer. Ask the administrator to check FOOTNOTE_LLM_URL.",
    3: "The model server points to another address, which is not followed. "
    "Ask the administrator to check FOOTNOTE_LLM_URL.",
    4: "The model server refused the request. "
    "Ask the administrator to check FOOTNOTE_LLM_URL and FOOTNOTE_LLM_MODEL.",
}


def _lasting(message: str) -> Refusal:
    return Refusal(ProviderFailed(message, retryable=False))


def _busy(asked_s: float) -> Refusal:
    after_s = max(1, round(asked_s + 0.5)) if asked_s else _WAIT_UNKNOWN_S
    failure = ProviderFailed(
        f"The model server has too much to do. Try again in {_spoken(after_s)}.",
        code="RATE_LIMITED",
        retry_after_s=after_s,
    )
    return Refusal(failure, is_passing=asked_s <= LONGEST_WAIT_S, asked_s=asked_s)


def _broken(status: int, asked_s: float) -> Refusal:
    failure = ProviderFailed("The model server has a problem of its own. Try again later.")
    if status == 503:
        failure.code, failure.retry_after_s = "SERVICE_UNAVAILABLE", _WAIT_UNKNOWN_S
    return Refusal(failure, is_passing=asked_s <= LONGEST_WAIT_S, asked_s=asked_s)


def _spoken(seconds: int) -> str:
    if seconds < 120:
        return f"{seconds} seconds"
    return f"{-(-seconds // 60)} minutes"


def asked_wait_s(retry_after: str, now: datetime) -> float:
    """Return the seconds a Retry-After header asks for (RFC 9110, 10.2.3), 0 when it says nothing.

    The value is a whole number of seconds or a date; more than a day counts as a day.
    """
    value = retry_after.strip()
    if value.isascii() and value.isdigit():
        return min(float(value), _A_DAY_S)
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return 0.0
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    return min(max((date - now).total_seconds(), 0.0), _A_DAY_S)
