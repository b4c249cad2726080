"""Rosters: lists of nodes with room for so many. Pure."""

import msgspec

from shared.domain.ids import NodeKey


class Member(msgspec.Struct, frozen=True):
    """A node on a roster, with its virtual networks."""

    key: NodeKey
    networks: tuple[str, ...]


def joined(members: tuple[Member, ...], member: Member, limit: int) -> tuple[Member, ...]:
    """The members with this one, unless there is no room; one that is there keeps its place, with its networks."""
    if any(m.key == member.key for m in members):
        return tuple(member if m.key == member.key else m for m in members)
    return (*members, member) if len(members) < limit else members


def left(members: tuple[Member, ...], key: NodeKey) -> tuple[Member, ...]:
    """The members without this one."""
    return tuple(m for m in members if m.key != key)
