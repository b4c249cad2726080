"""One invocation of one function, from any trigger: ask a worker, write its output bindings, log how it went."""

import secrets
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from local.functions_host.host.functions import Function
from local.functions_host.host.logs import HOST
from local.functions_host.host.worker_pool import FunctionTimedOut, WorkerPool
from local.functions_host.host.worker_process import WorkerLost
from local.functions_host.messages import (
    InvocationRequest,
    InvocationResponse,
    ParameterBinding,
    RetryContext,
    RpcTraceContext,
    StatusResult,
    TypedData,
)

type WriteOutputs = Callable[[Function, InvocationResponse], Awaitable[None]]


class FunctionFailed(RuntimeError):
    """The function raised, ran too long, or an output could not be written."""


@dataclass(frozen=True, slots=True)
class Call:
    """What a trigger hands to its function. `instance` pins it to one worker."""

    data: TypedData
    metadata: Mapping[str, TypedData]
    reason: str
    instance: int | None = None
    retry: RetryContext | None = None
    trace_parent: str | None = None


class Invoker:
    """Runs invocations and knows which are running."""

    def __init__(self, pool: WorkerPool, write_outputs: WriteOutputs) -> None:
        self._pool = pool
        self._write_outputs = write_outputs
        self._running: dict[str, str] = {}

    def function_of(self, invocation_id: str | None) -> str | None:
        """The name of the function that runs under this id."""
        return self._running.get(invocation_id) if invocation_id else None

    async def invoke(self, function: Function, call: Call) -> InvocationResponse:
        """Run it once. Raises FunctionFailed, or WorkerLost when its worker died."""
        invocation_id = str(uuid.uuid4())
        HOST.info("Executing '%s' (Reason='%s', Id=%s)", function.name, call.reason, invocation_id)
        self._running[invocation_id] = function.name
        started = time.monotonic()
        outcome = "Failed"
        try:
            response = await self._ask(function, call, invocation_id)
            await self._write_outputs(function, response)
            outcome = "Succeeded"
            return response
        except WorkerLost as error:
            HOST.error("'%s' (Id=%s): %s", function.name, invocation_id, error)
            raise
        except FunctionFailed as error:
            HOST.error("'%s' (Id=%s): %s", function.name, invocation_id, error)
            raise
        finally:
            del self._running[invocation_id]
            milliseconds = round(1000 * (time.monotonic() - started))
            HOST.info(
                "Executed '%s' (%s, Id=%s, Duration=%dms)",
                function.name,
                outcome,
                invocation_id,
                milliseconds,
            )

    async def _ask(self, function: Function, call: Call, invocation_id: str) -> InvocationResponse:
        request = _request(function, call, invocation_id)
        try:
            response = await self._pool.invoke(request, call.instance)
        except FunctionTimedOut as error:
            raise FunctionFailed(str(error)) from error
        if response.result.status != StatusResult.Success:
            exception = response.result.exception
            raise FunctionFailed(
                f"{exception.message}\n{exception.stack_trace}" if exception else "no reason given"
            )
        return response


def _request(function: Function, call: Call, invocation_id: str) -> InvocationRequest:
    return InvocationRequest(
        invocation_id=invocation_id,
        function_id=function.id,
        input_data=[ParameterBinding(function.trigger.name, call.data)],
        trigger_metadata=dict(call.metadata),
        trace_context=RpcTraceContext(call.trace_parent or _new_trace_parent()),
        retry_context=call.retry or RetryContext(),
    )


def _new_trace_parent() -> str:
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
