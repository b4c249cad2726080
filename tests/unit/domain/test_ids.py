"""Identities: any spelling is one key, and what is no group is none."""

import pytest

from shared.domain.ids import (
    NodeKey,
    name_of,
    normal_id,
    observed_resource,
    same_id,
    type_of,
)

SUB = "00000000-0000-0000-0000-00000000000A"
GROUP = f"/subscriptions/{SUB}/resourceGroups/Sales"
VAULT = f"{GROUP}/providers/Microsoft.KeyVault/vaults/V"


@pytest.mark.parametrize(
    "resource",
    [
        GROUP,
        GROUP + "/",
        GROUP.upper(),
        GROUP.replace("resourceGroups", "resourcegroups"),
        VAULT,
        VAULT.lower(),
    ],
)
def test_any_spelling_of_a_group_or_of_something_in_it_gives_one_key(resource: str) -> None:
    assert NodeKey.containing(resource) == NodeKey.of(SUB, "sales")


@pytest.mark.parametrize(
    "resource",
    [
        "",
        "/",
        f"/subscriptions/{SUB}",
        f"/subscriptions/{SUB}/resourceGroups",
        f"/subscriptions/{SUB}/resourceGroups/",
        f"/subscriptions/{SUB}/resourceGroupsX/sales",
        "/subscriptions/not-a-guid/resourceGroups/sales",
        f"/subscriptions/{SUB}/resourceGroups/a b",
        f"/subscriptions/{SUB}/resourceGroups/ends.",
        f"/subscriptions/{SUB}/resourceGroups/{'x' * 91}",
        f"/subscriptions/{SUB}/resourceGroups/sales\n",
        f"/providers/x/subscriptions/{SUB}/resourceGroups/sales",
    ],
)
def test_what_lies_in_no_group_has_no_key(resource: str) -> None:
    assert NodeKey.containing(resource) is None


@pytest.mark.parametrize("name", ["sales\n", "", ".", "a/b", "<script>", "x" * 91, "İstanbul"])
def test_a_name_that_a_key_could_not_carry_back_is_refused(name: str) -> None:
    """The last one grows by a character that no group name has when it is written in lower case."""
    with pytest.raises(ValueError):
        NodeKey.of(SUB, name)


@pytest.mark.parametrize("name", ["sales", "a.b-c_(d)", "X" * 90, "données", "数据"])
def test_a_key_reads_back_from_its_text(name: str) -> None:
    key = NodeKey.of(SUB, name)
    assert NodeKey.parse(str(key)) == key


@pytest.mark.parametrize(
    "text", ["", "node", "node/a/b", "edge/a", f"node/{SUB}/a/b", f"node/{SUB}/", f"x/{SUB}/a"]
)
def test_text_of_another_shape_is_no_key(text: str) -> None:
    with pytest.raises(ValueError):
        NodeKey.parse(text)


def test_ids_are_compared_without_case_and_trailing_slash() -> None:
    assert same_id(VAULT, VAULT.upper() + "/")
    assert not same_id(VAULT, VAULT + "2")
    assert normal_id(VAULT + "/") == VAULT.lower()


def test_the_name_is_the_last_segment_as_it_was_spelled() -> None:
    assert name_of(VAULT + "/") == "V"


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (VAULT, "microsoft.keyvault/vaults"),
        (f"{GROUP}/providers/Microsoft.Sql/servers/s/databases/d", "microsoft.sql/servers/databases"),
        (
            f"{VAULT}/providers/Microsoft.Insights/diagnosticSettings/x",
            "microsoft.insights/diagnosticsettings",
        ),
    ],
)
def test_the_type_names_every_level(resource: str, expected: str) -> None:
    assert type_of(resource) == expected


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (f"{VAULT}/providers/microsoft.insights/diagnosticSettings/x", VAULT),
        (VAULT, VAULT),
        (
            f"{GROUP}/providers/Microsoft.Insights/components/c",
            f"{GROUP}/providers/Microsoft.Insights/components/c",
        ),
        (
            f"{GROUP}/providers/Microsoft.Insights/components/c/providers/Microsoft.Insights/diagnosticSettings/x",
            f"{GROUP}/providers/Microsoft.Insights/components/c",
        ),
    ],
)
def test_a_setting_is_about_the_resource_it_is_attached_to(resource: str, expected: str) -> None:
    assert observed_resource(resource) == expected.lower()


@pytest.mark.parametrize("name", ["ข้อมูล", "डेटा", "cafe\u0301", "données"])
def test_a_name_with_marks_is_a_group_name(name: str) -> None:
    """Letters of many scripts are written with combining marks."""
    assert NodeKey.parse(str(NodeKey.of(SUB, name))).group == name.lower()
