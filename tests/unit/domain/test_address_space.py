"""Where address spaces meet."""

import pytest

from shared.domain.address_space import overlaps


@pytest.mark.parametrize(
    ("left", "right", "meeting"),
    [
        (["10.1.0.0/16"], ["10.0.0.0/16"], []),
        (["10.0.128.0/20"], ["10.0.0.0/16"], [("10.0.128.0/20", "10.0.0.0/16")]),
        (
            ["10.0.0.0/8"],
            ["10.1.0.0/16", "10.2.0.0/16"],
            [("10.0.0.0/8", "10.1.0.0/16"), ("10.0.0.0/8", "10.2.0.0/16")],
        ),
        (["10.0.0.0/16", "fd00::/48"], ["fd00::/64"], [("fd00::/48", "fd00::/64")]),
        (["0.0.0.0/0"], ["fd00::/64"], []),
        ([], ["10.0.0.0/16"], []),
    ],
)
def test_every_pair_that_shares_an_address_is_named(
    left: list[str], right: list[str], meeting: list[tuple[str, str]]
) -> None:
    assert overlaps(left, right) == meeting
