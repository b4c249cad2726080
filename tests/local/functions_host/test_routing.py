"""Route templates, as ASP.NET Core matches them."""

import pytest

from local.functions_host.host.routing import Route


@pytest.mark.parametrize(
    ("template", "path", "values"),
    [
        ("api/nodes", "/api/nodes", {}),
        ("api/nodes", "/API/Nodes/", {}),
        ("api/nodes", "/api/nodes/x", None),
        ("api/nodes/{subscription}/{group}", "/api/nodes/s/g", {"subscription": "s", "group": "g"}),
        ("api/nodes/{subscription}/{group}", "/api/nodes/s", None),
        ("api/nodes/{name}", "/api/nodes/a%20b%2Fc%C3%A9", {"name": "a b%2Fcé"}),
        ("api/items/{id?}", "/api/items", {}),
        ("api/items/{id?}", "/api/items/4", {"id": "4"}),
        ("api/items/{id:int}", "/api/items/4", {"id": "4"}),
        ("api/items/{id:int}", "/api/items/four", None),
        ("api/items/{id:int}", "/api/items/4000000000", None),
        ("api/items/{id:int:min(5)?}", "/api/items/4", None),
        ("api/items/{id:int:min(5)?}", "/api/items", {}),
        ("api/items/{id=7}", "/api/items", {"id": "7"}),
        (
            "api/{id:guid}",
            "/api/7c9e6679-7425-40de-944b-e07fc1f90ae7",
            {"id": "7c9e6679-7425-40de-944b-e07fc1f90ae7"},
        ),
        ("api/{id:guid}", "/api/7", None),
        ("api/{name:alpha}", "/api/abc", {"name": "abc"}),
        ("api/{name:alpha}", "/api/ab1", None),
        ("api/{flag:bool}", "/api/TRUE", {"flag": "TRUE"}),
        ("api/{size:decimal}", "/api/1.5", {"size": "1.5"}),
        ("api/{name:length(2,3)}", "/api/abcd", None),
        ("api/{name:maxlength(3)}", "/api/abc", {"name": "abc"}),
        ("api/{age:range(1,9)}", "/api/10", None),
        ("api/{code:regex(^x\\d+$)}", "/api/x12", {"code": "x12"}),
        ("api/{code:regex(^x\\d+$)}", "/api/y12", None),
        ("api/{file}.{kind}", "/api/a.b.txt", {"file": "a.b", "kind": "txt"}),
        ("api/{*rest}", "/api/a/b%20c", {"rest": "a/b c"}),
        ("api/{*rest}", "/api", {}),
        ("api/{**rest}", "/api/a/b", {"rest": "a/b"}),
        ("/", "/", {}),
    ],
)
def test_matching(template: str, path: str, values: dict[str, str] | None) -> None:
    """A path fits with these values, or does not fit."""
    assert Route.parse(template).match(path) == values


def test_precedence() -> None:
    """Literal before constrained before free before catch-all, segment by segment."""
    templates = ["a/{*rest}", "a/{x}", "a/b", "a/{x:int}", "{y}/b", "a/{x}/c"]
    ordered = sorted((Route.parse(template) for template in templates), key=lambda route: route.precedence)
    assert [route.template for route in ordered] == [
        "a/b",
        "a/{x:int}",
        "a/{x}",
        "a/{x}/c",
        "a/{*rest}",
        "{y}/b",
    ]


def test_an_unknown_constraint_is_refused() -> None:
    """A typo must not become a route that takes anything."""
    with pytest.raises(ValueError, match="integer"):
        Route.parse("items/{id:integer}")
