"""What to do with an event after a delivery attempt: pure, in unscaled seconds.

Source: "Event Grid message delivery and retry" in Azure's documentation.
"""

from dataclasses import dataclass
from http import HTTPStatus

_MINUTE, _HOUR = 60.0, 3600.0
# After the last of these, every 12 hours, as long as the policy allows.
SCHEDULE = (
    10.0,
    30.0,
    _MINUTE,
    5 * _MINUTE,
    10 * _MINUTE,
    30 * _MINUTE,
    _HOUR,
    3 * _HOUR,
    6 * _HOUR,
    12 * _HOUR,
)
ACCEPTED = frozenset({200, 201, 202, 203, 204})
# Errors of configuration, which no later attempt would mend.
NEVER_RETRIED = frozenset({400, 401, 403, 413})
_SLOWER = {408: 2 * _MINUTE, 503: 30.0}
# A dead-lettered event waits, so that an event accepted late is not written as dead.
DEAD_LETTER_DELAY = 5 * _MINUTE
DEAD_LETTER_PATIENCE = 4 * _HOUR
ENDPOINT_TIMEOUT = 30.0


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how long an event is tried; Azure allows 1 to 30 attempts and 1 to 1440 minutes."""

    max_attempts: int = 30
    time_to_live_minutes: int = 1440


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended; `status` is None when there was no answer, and `name` is Event Grid's word for it."""

    status: int | None
    name: str

    @property
    def delivered(self) -> bool:
        return self.status in ACCEPTED


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again after so many seconds."""

    after: float


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Stop; the reason is the `deadLetterReason` of the dead letter."""

    reason: str


TIMED_OUT = Outcome(None, "TimedOut")
UNREACHABLE = Outcome(None, "SocketError")


def answered(status: int) -> Outcome:
    """The outcome of an attempt that got an HTTP answer."""
    if status in ACCEPTED:
        return Outcome(status, "Delivered")
    if status == HTTPStatus.REQUEST_TIMEOUT:
        return Outcome(status, TIMED_OUT.name)
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        return Outcome(status, "Busy")
    return Outcome(status, _pascal_case(status))


def decide(outcome: Outcome, attempts: int, age: float, policy: RetryPolicy) -> Retry | GiveUp:
    """What follows after `attempts` failed attempts, the last with `outcome`, of an event `age` seconds old."""
    if outcome.status in NEVER_RETRIED:
        return GiveUp(f"UndeliverableDueToHttp{outcome.name}")
    if attempts >= policy.max_attempts:
        return GiveUp("MaxDeliveryAttemptsExceeded")
    wait = SCHEDULE[min(attempts, len(SCHEDULE)) - 1]
    if outcome.status is not None:
        wait = max(wait, _SLOWER.get(outcome.status, 0.0))
    if age + wait >= policy.time_to_live_minutes * _MINUTE:
        return GiveUp("TimeToLiveExceeded")
    return Retry(wait)


def _pascal_case(status: int) -> str:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        return "GenericError"
    return phrase.title().replace(" ", "").replace("-", "")
