"""What the worker says the app holds: functions, their triggers, outputs and retry policies."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import msgspec

from local.functions_host.messages import RpcFunctionMetadata, RpcRetryOptions


@dataclass(frozen=True, slots=True)
class Binding:
    """A trigger or output binding; `properties` as in function.json."""

    name: str
    type: str
    properties: Mapping[str, object]

    def text(self, name: str, default: str = "") -> str:
        value = self.properties.get(name)
        return value if isinstance(value, str) and value else default

    @property
    def is_binary(self) -> bool:
        """Whether the function asked for bytes; otherwise Azure decodes payloads as UTF-8 text."""
        return self.text("dataType").lower() == "binary"


@dataclass(frozen=True, slots=True)
class Function:
    """One function of the app. `id` is the same in every worker."""

    name: str
    id: str
    trigger: Binding
    outputs: Mapping[str, Binding] = field(default_factory=dict)
    retry: RpcRetryOptions | None = None


def functions(metadata: Iterable[RpcFunctionMetadata]) -> list[Function]:
    """The functions in what a worker indexed, in its order."""
    return [_function(entry) for entry in metadata]


def _function(metadata: RpcFunctionMetadata) -> Function:
    raw = [msgspec.json.decode(binding, type=dict[str, object]) for binding in metadata.raw_bindings]
    bindings = [Binding(str(entry["name"]), str(entry["type"]), entry) for entry in raw]
    return Function(
        name=metadata.name,
        id=metadata.function_id,
        trigger=next(binding for binding in bindings if binding.type.lower().endswith("trigger")),
        outputs={
            binding.name: binding for binding in bindings if not binding.type.lower().endswith("trigger")
        },
        retry=metadata.retry_options,
    )
