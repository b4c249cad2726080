"""What infra/ leaves open, tells, or takes from old APIs: each check gives its faults for a file."""

import tomllib
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from tests.infra.reader.evaluate import Evaluator, Unknowable, Value
from tests.infra.reader.expressions import Access, Call, Expression, Loop, Name, Object, When, every
from tests.infra.reader.file import BicepFile, Parameter, Resource, read
from tests.infra.sources import where

SECRET_MEMBERS = {
    "connectionstring",
    "primarykey",
    "secondarykey",
    "primaryconnectionstring",
    "secondaryconnectionstring",
    "instrumentationkey",
    "sharedkey",
    "accountkey",
    "password",
    "publishingpassword",
}
CLOSED: dict[str, dict[str, Value]] = {
    "Microsoft.Storage/storageAccounts": {
        "allowBlobPublicAccess": False,
        "allowSharedKeyAccess": False,
        "minimumTlsVersion": "TLS1_2",
        "supportsHttpsTrafficOnly": True,
        "networkAcls.defaultAction": "Deny",
        "publicNetworkAccess": "Disabled",
    },
    "Microsoft.Storage/storageAccounts/blobServices/containers": {"publicAccess": "None"},
    "Microsoft.EventHub/namespaces": {
        "disableLocalAuth": True,
        "minimumTlsVersion": "1.2",
        "publicNetworkAccess": "Disabled",
    },
    "Microsoft.EventHub/namespaces/networkRuleSets": {
        "defaultAction": "Deny",
        "publicNetworkAccess": "Disabled",
    },
    "Microsoft.Web/sites": {
        "httpsOnly": True,
        "publicNetworkAccess": "Disabled",
        "siteConfig.minTlsVersion": "1.2",
        "siteConfig.ipSecurityRestrictionsDefaultAction": "Deny",
        "siteConfig.scmIpSecurityRestrictionsDefaultAction": "Deny",
    },
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies": {"allow": False},
    "Microsoft.OperationalInsights/workspaces": {
        "features.disableLocalAuth": True,
        "publicNetworkAccessForIngestion": "Disabled",
        "publicNetworkAccessForQuery": "Disabled",
    },
    "Microsoft.Insights/components": {
        "DisableLocalAuth": True,
        "publicNetworkAccessForIngestion": "Disabled",
        "publicNetworkAccessForQuery": "Disabled",
    },
}
"""What each type has to say, under `properties`: being silent is to take Azure's default, which is mostly open."""


def open_by_default(file: BicepFile, evaluator: Evaluator) -> list[str]:
    """What is not closed as CLOSED wants it, as `file type property`: with main.bicep's defaults."""
    return [
        f"{where(file)} {resource.type} {path}"
        for resource in file.resources.values()
        if not resource.is_existing
        for path, closed in CLOSED.get(resource.type, {}).items()
        if _known(evaluator, resource, path) != closed
    ]


def _known(evaluator: Evaluator, resource: Resource, path: str) -> Value:
    found = resource.body.get("properties", *path.split("."))
    if found is None:
        return "(not there)"
    try:
        return evaluator.value(found)
    except Unknowable as unknowable:
        return f"(only a deployment knows: {unknowable})"


def told_secrets(file: BicepFile) -> list[str]:
    """Keys that are read anywhere, and secrets that reach an output, through variables too."""
    keys = [c.name for v in file.values() for c in every(v) if isinstance(c, Call) and _gives_keys(c)]
    outputs = [
        f"{where(file, output.line)} {output.name}: {found}"
        for output in file.outputs.values()
        for found in _secrets(file, output.value)
        if not output.decorator("secure")
    ]
    return [f"{where(file)} {name}" for name in keys] + outputs


def _gives_keys(call: Call) -> bool:
    return (call.name.startswith("list") and call.name[4:5].isupper()) or call.name == "getSecret"


def _secrets(file: BicepFile, value: Expression, seen: frozenset[str] = frozenset()) -> Iterator[str]:
    for found in every(value):
        match found:
            case Access(_, name) if name.lower() in SECRET_MEMBERS:
                yield name
            case Name(name) if name in file.parameters and _is_secure(file, file.parameters[name]):
                yield name
            case Name(name) if name in file.variables and name not in seen:
                yield from _secrets(file, file.variables[name].value, seen | {name})


def _is_secure(file: BicepFile, parameter: Parameter) -> bool:
    """By its own decorator, or by that of its type: the compiler takes none on what has a type of somebody's making."""
    kind = parameter.type.removesuffix("?")
    origin = read(file.path.parent / file.imports[kind]) if kind in file.imports else file
    declared = (parameter, origin.types.get(kind))
    return any(d is not None and d.decorator("secure") for d in declared)


def passed_secrets(file: BicepFile, target_of: "Mapping[str, BicepFile]") -> list[str]:
    """Secure parameters that are handed to a module's parameter that is not."""
    faults = []
    for module in file.modules.values():
        given = module.body.get("params")
        target = target_of[module.path]
        for key, value in given.entries if isinstance(given, Object) else ():
            secret = any(True for _ in _secrets(file, value)) and not isinstance(value, Loop | When)
            taken = target.parameters.get(key.plain or "")
            if secret and taken and not _is_secure(target, taken) and not _only_asked(value):
                faults.append(f"{where(file, module.line)} {module.name}.{key.plain}")
    return faults


def _only_asked(value: Expression) -> bool:
    """`empty(secret)` tells nothing."""
    return isinstance(value, Call) and value.name == "empty"


@cache
def _table() -> Mapping[str, Any]:
    return tomllib.loads((Path(__file__).parent / "api_versions.toml").read_text())


def listed_version(kind: str) -> tuple[str, str]:
    """The entry of the table for a type, the nearest of those above it, and its version; both empty without."""
    parts = kind.split("/")
    for length in range(len(parts), 0, -1):
        name = "/".join(parts[:length])
        if name in _table()["versions"]:
            return name, _table()["versions"][name]
    return "", ""


def wrong_versions(file: BicepFile) -> list[str]:
    """API versions that the table does not have."""
    return [
        f"{where(file, r.line)} {r.type}@{r.version}"
        for r in file.resources.values()
        if r.version and r.version != listed_version(r.type)[1]
    ]


def versions_without_reason() -> list[str]:
    """Of the table: previews and versions older than three years on the day of the look."""
    oldest = _table()["looked_up"] - timedelta(days=3 * 365)
    return [
        f"{kind}@{version}"
        for kind, version in _table()["versions"].items()
        if _is_doubtful(version, oldest) and not _table()["reasons"].get(kind)
    ]


def idle_entries(used: set[str]) -> list[str]:
    """Of the table: what nothing uses, and reasons for what needs none."""
    oldest = _table()["looked_up"] - timedelta(days=3 * 365)
    versions, reasons = _table()["versions"], _table()["reasons"]
    idle = [kind for kind in versions if kind not in used]
    return idle + [k for k in reasons if k not in versions or not _is_doubtful(versions[k], oldest)]


def _is_doubtful(version: str, oldest: date) -> bool:
    day = version.removesuffix("-preview")
    return day != version or not day[:1].isdigit() or date.fromisoformat(day) < oldest
