"""The messages of the Functions worker protocol that host and worker exchange, as plain structs.

Names and fields are those of Microsoft's FunctionRpc.proto, because `azure-functions-runtime` builds and reads
them by name: this module is what it gets as `request.properties["protos"]`. A oneof is a struct whose unset
members are None, with `WhichOneof` as protobuf spells it.
"""

from datetime import timedelta
from typing import ClassVar, Literal

from msgspec import Struct, field

# TypedData and CollectionBytes have fields named like these types.
Octets = bytes
Integer = int


class CollectionBytes(Struct):
    bytes: list[Octets]


class CollectionString(Struct):
    string: list[str]


class CollectionSInt64(Struct):
    sint64: list[int]


class NullableString(Struct):
    value: str


class NullableBool(Struct):
    value: bool


class NullableDouble(Struct):
    value: float


class Timestamp(Struct):
    seconds: int


class NullableTimestamp(Struct):
    value: Timestamp


class SameSite:
    """Values of RpcHttpCookie.SameSite; the one named `None` is reached with getattr."""

    Lax = 1
    Strict = 2
    ExplicitNone = 3


setattr(SameSite, "None", 0)


class RpcHttpCookie(Struct, omit_defaults=True):
    SameSite: ClassVar[type[SameSite]] = SameSite
    name: str
    value: str
    domain: NullableString | None = None
    path: NullableString | None = None
    expires: NullableTimestamp | None = None
    secure: NullableBool | None = None
    http_only: NullableBool | None = None
    same_site: int = 0
    max_age: NullableDouble | None = None


class TypedData(Struct, omit_defaults=True):
    """One value: at most one member is set."""

    string: str | None = None
    json: str | None = None
    bytes: Octets | None = None
    http: "RpcHttp | None" = None
    int: Integer | None = None
    double: float | None = None
    collection_bytes: CollectionBytes | None = None
    collection_string: CollectionString | None = None
    collection_sint64: CollectionSInt64 | None = None

    def WhichOneof(self, _oneof: str) -> str | None:
        return next((name for name in self.__struct_fields__ if getattr(self, name) is not None), None)


class RpcHttp(Struct, omit_defaults=True):
    """A request (method, url, params, query) or a response (status_code, cookies)."""

    method: str = ""
    url: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    body: TypedData | None = None
    status_code: str = ""
    cookies: list[RpcHttpCookie] | None = None
    enable_content_negotiation: bool = False


class ParameterBinding(Struct):
    name: str
    data: TypedData | None

    def WhichOneof(self, _oneof: str) -> str:
        return "data"


class RpcException(Struct, omit_defaults=True):
    message: str
    stack_trace: str = ""
    source: str = ""


class StatusResult(Struct, omit_defaults=True):
    Failure: ClassVar[Literal[0]] = 0
    Success: ClassVar[Literal[1]] = 1
    status: int
    exception: RpcException | None = None


class BindingInfo(Struct):
    undefined: ClassVar[None] = None
    out: ClassVar[Literal[1]] = 1
    inout: ClassVar[Literal[2]] = 2
    type: str
    data_type: int | None
    direction: int


class RpcRetryOptions(Struct, omit_defaults=True):
    max_retry_count: int
    retry_strategy: str
    delay_interval: timedelta | None = None
    minimum_interval: timedelta | None = None
    maximum_interval: timedelta | None = None


class RpcFunctionMetadata(Struct):
    name: str
    function_id: str
    directory: str
    script_file: str
    entry_point: str
    language: str
    bindings: dict[str, BindingInfo]
    raw_bindings: list[str]
    managed_dependency_enabled: bool = False
    is_proxy: bool = False
    retry_options: RpcRetryOptions | None = None
    properties: dict[str, str] = field(default_factory=dict)


class WorkerMetadata(Struct):
    runtime_name: str
    runtime_version: str
    worker_version: str
    worker_bitness: str
    custom_properties: dict[str, str]


class WorkerInitResponse(Struct):
    capabilities: dict[str, str]
    worker_metadata: WorkerMetadata
    result: StatusResult


class FunctionMetadataResponse(Struct):
    use_default_metadata_indexing: bool
    function_metadata_results: list[RpcFunctionMetadata] | None
    result: StatusResult


class FunctionLoadResponse(Struct):
    function_id: str
    result: StatusResult


class RpcTraceContext(Struct):
    trace_parent: str = ""
    trace_state: str = ""
    attributes: dict[str, str] = field(default_factory=dict)


class RetryContext(Struct):
    retry_count: int = 0
    max_retry_count: int = 0
    exception: RpcException | None = None


class WorkerInitRequest(Struct, tag=True):
    """Host to worker, first: index the app in this directory."""

    function_app_directory: str
    capabilities: dict[str, str] = field(default_factory=dict)


class InvocationRequest(Struct, tag=True):
    """Host to worker: run a function once."""

    invocation_id: str
    function_id: str
    input_data: list[ParameterBinding]
    trigger_metadata: dict[str, TypedData]
    trace_context: RpcTraceContext
    retry_context: RetryContext


class WorkerIndexed(Struct, tag=True):
    """Worker to host: what the app holds, or why it cannot be indexed. Not in FunctionRpc.proto, which needs
    two round trips for it."""

    result: StatusResult
    functions: list[RpcFunctionMetadata] | None = None


class InvocationResponse(Struct, tag=True):
    """Worker to host: how an invocation ended."""

    invocation_id: str
    result: StatusResult
    return_value: TypedData | None = None
    output_data: list[ParameterBinding] = field(default_factory=list)


class RpcLog(Struct, tag=True):
    """Worker to host: one log record. `level` is that of Python's logging."""

    level: int
    category: str
    message: str
    invocation_id: str | None = None
    is_system: bool = False


type ToWorker = WorkerInitRequest | InvocationRequest
type ToHost = WorkerIndexed | InvocationResponse | RpcLog
