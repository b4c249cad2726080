"""A function's retry policy, carried out by the host for the triggers that have one (timers and Event Hubs).

Source: https://learn.microsoft.com/azure/azure-functions/functions-bindings-error-pages (Retry policies).
"""

import asyncio
import random
from dataclasses import replace

from local.functions_host.host.functions import Function
from local.functions_host.host.invocation import Call, FunctionFailed, Invoker
from local.functions_host.host.logs import HOST
from local.functions_host.messages import RetryContext, RpcException, RpcRetryOptions

FOREVER = -1


def delay(policy: RpcRetryOptions, retry: int, jitter: float = 1.0) -> float:
    """Seconds to wait before the `retry`-th retry, counted from 1.

    Exponential back-off doubles the minimum interval each time up to the maximum; `jitter` multiplies it.
    """
    if policy.delay_interval is not None:
        return policy.delay_interval.total_seconds()
    shortest = policy.minimum_interval.total_seconds() if policy.minimum_interval else 0.0
    longest = policy.maximum_interval.total_seconds() if policy.maximum_interval else float("inf")
    # The exponent is bounded because 2.0 ** 1024 overflows, and a policy may retry for ever.
    return min(longest, shortest * 2.0 ** min(retry - 1, 64) * jitter)


async def invoke_with_retries(invoker: Invoker, function: Function, call: Call) -> bool:
    """Run until it succeeds or the retries are used up; whether it succeeded. Raises WorkerLost."""
    policy = function.retry
    retries = policy.max_retry_count if policy else 0
    failure: RpcException | None = None
    attempt = 0
    while True:
        try:
            await invoker.invoke(function, replace(call, retry=RetryContext(attempt, retries, failure)))
            return True
        except FunctionFailed as error:
            failure = RpcException(message=str(error))
        attempt += 1
        if policy is None or (retries != FOREVER and attempt > retries):
            return False
        wait = delay(policy, attempt, random.uniform(0.8, 1.2))
        HOST.info("'%s' will be retried in %.1f s (retry %d)", function.name, wait, attempt)
        await asyncio.sleep(wait)
