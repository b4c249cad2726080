"""Tags at scope, as `az tag update` and the recordings use them."""

import pytest

from tests.support.local_arm import Answer, LocalArm, group_path

TAGS = group_path("node-a") + "/providers/Microsoft.Resources/tags/default"


async def _patch(arm: LocalArm, operation: str, tags: dict[str, str]) -> Answer:
    return await arm.call("PATCH", TAGS, {"operation": operation, "properties": {"tags": tags}})


async def test_merge_replace_delete(arm: LocalArm) -> None:
    """The sequence of the recorded `az tag update`, ending with the group itself."""
    await arm.make_group("node-a")
    await arm.call("PUT", TAGS, {"properties": {"tags": {"n1": "v1", "n2": "v2"}}})
    merged = await _patch(arm, "Merge", {"N1": "w1", "n3": "v3"})
    assert merged.body == {
        "id": TAGS,
        "name": "default",
        "type": "Microsoft.Resources/tags",
        "properties": {"tags": {"n1": "w1", "n2": "v2", "n3": "v3"}},
    }
    replaced = await _patch(arm, "Replace", {"n1": "v1", "n4": "v4"})
    assert replaced.body["properties"] == {"tags": {"n1": "v1", "n4": "v4"}}
    deleted = await _patch(arm, "Delete", {"n4": "v4", "n1": "another value"})
    assert deleted.body["properties"] == {"tags": {"n1": "v1"}}
    assert (await arm.call("GET", group_path("node-a"))).body["tags"] == {"n1": "v1"}
    assert (await arm.call("DELETE", TAGS)).status == 200
    assert (await arm.call("GET", TAGS)).body["properties"] == {"tags": {}}


async def test_tags_of_a_resource(arm: LocalArm) -> None:
    """The same operations at the scope of a resource change that resource."""
    await arm.make_group("node-a")
    vault = await arm.make("node-a", "Microsoft.KeyVault/vaults/kv", tags={"a": "1"})
    scope = vault + "/providers/Microsoft.Resources/tags/default"
    await arm.call("PATCH", scope, {"operation": "Merge", "properties": {"tags": {"b": "2"}}})
    assert (await arm.call("GET", vault)).body["tags"] == {"a": "1", "b": "2"}
    missing = scope.replace("/kv/", "/absent/")
    assert (await arm.call("GET", missing)).error == "ResourceNotFound"


@pytest.mark.parametrize(
    ("tags", "code"),
    [
        ({f"n{i}": "" for i in range(51)}, "InvalidTags"),
        ({"n" * 513: ""}, "InvalidTagNameLength"),
        ({"n": "v" * 257}, "InvalidTagValueLength"),
        ({"a/b": ""}, "InvalidTagNameCharacters"),
    ],
)
async def test_limits(arm: LocalArm, tags: dict[str, str], code: str) -> None:
    """Too many tags, and names and values that Azure does not take, are refused and change nothing."""
    await arm.make_group("node-a", tags={"kept": "yes"})
    refused = await _patch(arm, "Replace", tags)
    assert (refused.status, refused.error) == (400, code)
    assert (await arm.call("GET", group_path("node-a"))).body["tags"] == {"kept": "yes"}


async def test_an_unknown_operation_is_refused(arm: LocalArm) -> None:
    """Only Merge, Replace and Delete exist."""
    await arm.make_group("node-a")
    assert (await _patch(arm, "Append", {"a": "b"})).error == "InvalidTagsPatchOperation"
