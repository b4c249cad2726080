"""What is kept of an undecodable piece shows its shape and the decoded fields, and nothing of a person."""

import json

import pytest

from shared.telemetry.redact import KEPT, redacted
from tests.unit.telemetry.samples import VAULT, sample

CLAIMS = {
    "upn": "ada@example.org",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname": "Lovelace",
    "ipaddr": "203.0.113.7",
    "groups": ["6ba7b810-9dad-11d1-80b4-00c04fd430c8"],
    "puid": 10030000801,
}
SECRETS = ("ada@", "Lovelace", "203.0.113", "6ba7b810", "10030000801", "hunter2")


def test_decoded_fields_stay_and_claims_go_whatever_breaks_the_text() -> None:
    text = json.dumps(sample(identity={"claims": CLAIMS}, properties={"password": "hunter2"}))
    for broken in (text[:-1], text.replace(":", " ", 1), text + "}", "x" + text, text.replace('"', "'")):
        kept = redacted(broken.encode()).decode()
        assert not [s for s in SECRETS if s in kept]
    assert VAULT in redacted(text[:-1].encode()).decode()


@pytest.mark.parametrize("quoted", ['"', "'"])
def test_a_quote_missing_or_added_anywhere_gives_nothing_away(quoted: str) -> None:
    text = json.dumps(sample(identity={"claims": CLAIMS}, properties={"password": "hunter2"}))
    text = text.replace('"', quoted)
    missing = [text[:n] + text[n + 1 :] for n, character in enumerate(text) if character == quoted]
    added = [text[:n] + quote + text[n:] for n in range(len(text)) for quote in "\"'"]
    for broken in (*missing, *added):
        kept = redacted(broken.encode()).decode()
        assert not [s for s in SECRETS if s in kept], broken


def test_a_plain_line_of_a_log_keeps_no_address() -> None:
    kept = redacted(
        b"2026-01-05 08:15:30 GET /index.html ada@example.org 203.0.113.7 Bearer eyJ0eXAi.hunter2"
    )
    assert not [s for s in (*SECRETS, "eyJ") if s in kept.decode()]


def test_what_is_no_text_is_not_kept_and_a_long_text_is_cut() -> None:
    assert redacted(b"\x1f\x8b\x08\xff\xfe") == b""
    assert len(redacted(b'{"level": "' + b"x" * 10 * KEPT)) <= KEPT


def test_a_string_that_only_stands_where_a_name_would_is_withheld() -> None:
    kept = redacted(b'{"ada@example.org": 1, "203.0.113.7": 2, "level": 2, "ada@example.org"')
    assert kept == b'{"(withheld)": 1, "(withheld)": 2, "level": 2, "(withheld)"'
