"""YAML as a tree with line numbers, of files that may be anything: nothing is built that the text does not spell out.

Anchors, aliases and tags are refused, so that a small text cannot grow and no type but JSON's can be named. What is
too large or nested too deep is refused before it is composed.
"""

from collections.abc import Iterator

import msgspec
import yaml

try:
    from yaml import CSafeLoader as _Loader
except ImportError:  # PyYAML was installed without libyaml; ten times as slow, else the same
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]

LARGEST = 256 * 1024
"""Bytes of a file of rules; the whole library has about 60 thousand."""
_DEEPEST = 12
_MOST_EVENTS = 50_000


class Fault(msgspec.Struct, frozen=True, order=True):
    """What is wrong in a file, and where: lines are counted from 1."""

    line: int
    text: str


class Refused(Exception):
    """A text that is no YAML, or none that is taken."""

    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.fault = Fault(line, text)


def documents(content: bytes) -> list[yaml.Node]:
    """The documents of a text, empty ones left out. Raises Refused for the first thing that cannot be taken."""
    if len(content) > LARGEST:
        raise Refused(1, f"is larger than {LARGEST // 1024} KiB")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise Refused(line, "is not UTF-8") from error
    try:
        _refuse_what_grows(text)
        return [node for node in yaml.compose_all(text, Loader=_Loader) if not _is_empty(node)]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Refused(mark.line + 1 if mark else 1, f"is not YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise Refused(1, f"is not YAML: {' '.join(str(error).split())[:200]}") from error


def line_of(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _is_empty(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def _refuse_what_grows(text: str) -> None:
    depth = 0
    for count, event in enumerate(_events(text)):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _DEEPEST:
            raise Refused(line, f"is nested more than {_DEEPEST} deep")
        if count > _MOST_EVENTS:
            raise Refused(line, f"has more than {_MOST_EVENTS} parts")
        if isinstance(event, yaml.NodeEvent) and event.anchor is not None:
            raise Refused(
                line, "anchors and aliases (& and *) are not taken: write it out, or put it in quotes"
            )
        if getattr(event, "tag", None) is not None:
            raise Refused(line, "tags (!) are not taken: leave it out, or put it in quotes")


def _events(text: str) -> Iterator[yaml.Event]:
    events: Iterator[yaml.Event] = yaml.parse(text, Loader=_Loader)
    return events
