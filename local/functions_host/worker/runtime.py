"""Microsoft's runtime library behind two calls: index the app, run an invocation."""

from types import SimpleNamespace

import azure_functions_runtime as runtime

from local.functions_host import messages
from local.functions_host.messages import (
    InvocationRequest,
    InvocationResponse,
    StatusResult,
    WorkerIndexed,
    WorkerInitRequest,
)


async def index(request: WorkerInitRequest) -> WorkerIndexed:
    """Import the app and list its functions; a failure carries the runtime's message and stack trace."""
    runtime.start_threadpool_executor()
    initialized = await runtime.worker_init_request(_streaming(worker_init_request=request))
    if initialized.result.status != StatusResult.Success:
        return WorkerIndexed(result=initialized.result)
    listed = await runtime.functions_metadata_request(_streaming(functions_metadata_request=None))
    return WorkerIndexed(result=listed.result, functions=listed.function_metadata_results)


async def invoke(request: InvocationRequest) -> InvocationResponse:
    """Run one invocation; what the function raises is in the response's result."""
    # The library sets this for synchronous functions only; logs of asynchronous ones need it as well.
    runtime.invocation_id_cv.set(request.invocation_id)
    response: InvocationResponse = await runtime.invocation_request(_streaming(invocation_request=request))
    return response


def _streaming(**request: object) -> SimpleNamespace:
    return SimpleNamespace(
        request=SimpleNamespace(**request), properties={"protos": messages, "host": "127.0.0.1"}
    )
