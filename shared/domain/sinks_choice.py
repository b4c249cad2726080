"""Which sinks a node's resources are to report to, by its tag, their regions, and the mesh's policy. Pure."""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Self

import msgspec

from shared.domain.diagnostics import Category
from shared.domain.ids import normal_id
from shared.domain.mesh import Mesh
from shared.domain.sinks import ASKED, KINDS, CategoryRule, Sink, SinkKind, region_of


class Wanted(msgspec.Struct, frozen=True):
    """What one resource is to send: the names of categories by sink, and the kinds of sink that it has none of."""

    sinks: Mapping[Sink, frozenset[str]]
    lacking: tuple[SinkKind, ...] = ()

    @property
    def kinds(self) -> tuple[SinkKind, ...]:
        """What is asked for, whether there is such a sink or not."""
        there = {sink.kind for sink, names in self.sinks.items() if names}
        return tuple(k for k in KINDS if k in there or k in self.lacking)


class NodeSinks(msgspec.Struct, frozen=True):
    """The sinks of one node.

    `workspace` is its hub's, `asked` what its tag asks for, `location` its group's region. `sinks` and `rules` are
    the mesh's; `known` are the roots of all sinks that the mesh has, other hubs' workspaces too, with their rank.
    """

    workspace: str
    asked: tuple[SinkKind, ...] = ASKED["logs"]
    domain: str = ""
    location: str = ""
    sinks: tuple[Sink, ...] = ()
    rules: tuple[CategoryRule, ...] = ()
    known: Mapping[str, int] = {}

    def wanted(
        self, resource_id: str, resource_type: str, location: str, categories: Iterable[Category]
    ) -> Wanted:
        """What a resource of a type and region is to send to which sink."""
        sinks: dict[Sink, set[str]] = {}
        lacking: set[SinkKind] = set()
        for category in categories:
            for kind in self._kinds(resource_id, resource_type, location, category.name):
                if not self.may_report(resource_id, kind):
                    continue
                sink = self.sink(kind, location)
                if sink:
                    sinks.setdefault(sink, set()).add(category.name)
                else:
                    lacking.add(kind)
        found = {s: frozenset(names) for s, names in sorted(sinks.items(), key=lambda i: _rank(i[0].kind))}
        return Wanted(found, tuple(k for k in KINDS if k in lacking))

    def sink(self, kind: SinkKind, location: str) -> Sink | None:
        """The sink of a kind for what lies in a region: that of the node's domain first, then that of the region."""
        region = region_of(location)
        fits = [s for s in self.sinks if s.kind == kind and self._serves(s, region)]
        near = region or region_of(self.location)
        best = min(
            fits,
            key=lambda s: (not s.domain, region_of(s.region) != near, not s.region, s.region, s.id),
            default=None,
        )
        if best or kind != "workspace" or not self.workspace:
            return best
        return Sink("workspace", self.workspace)

    def may_report(self, resource_id: str, kind: SinkKind) -> bool:
        """Whether records of a resource may go to a kind of sink: a sink's own only to sinks of a lower rank."""
        rank = self.known.get(_top(resource_id))
        return rank is None or _rank(kind) < rank

    def is_ours(self, place: str) -> bool:
        """Whether a destination, as `Sink.place`, belongs to the mesh."""
        return place in self._workspaces or any(place == s.place for s in self.sinks)

    @classmethod
    def of(cls, mesh: Mesh, workspace: str, telemetry: str, domain: str, location: str) -> Self:
        """Those of a node with this hub's workspace, value of `mesh-telemetry`, domain and region."""
        known = roots(mesh.sinks, [*(h.workspace for h in mesh.hubs), workspace])
        asked = ASKED.get(telemetry, ASKED["logs"])
        return cls(workspace, asked, domain, location, mesh.sinks, mesh.categories, known)

    @property
    def mark(self) -> str:
        """What is the same as long as nothing is decided differently: the workspace, and a digest of what is beside."""
        served = [s for s in self.sinks if s.domain.lower() in ("", self.domain.lower())]
        if self.asked == ASKED["logs"] and not self.rules and not served:
            return self.workspace
        facts = msgspec.json.encode([self.asked, served, self.rules, region_of(self.location)])
        return f"{self.workspace} {sha256(facts).hexdigest()[:16]}"

    @property
    def _workspaces(self) -> frozenset[str]:
        return frozenset(root for root, rank in self.known.items() if rank == 0)

    def _serves(self, sink: Sink, region: str) -> bool:
        if sink.domain and sink.domain.lower() != self.domain.lower():
            return False
        if sink.kind == "workspace":
            return not sink.region or region_of(sink.region) == (region or region_of(self.location))
        return not region or region_of(sink.region) == region

    def _kinds(
        self, resource_id: str, resource_type: str, location: str, category: str
    ) -> tuple[SinkKind, ...]:
        rule = next((r for r in self.rules if r.applies(resource_type, category)), None)
        if rule is None:
            return self.asked
        if rule.action == "exclude":
            return ()
        if not self.may_report(resource_id, "storage"):
            return self.asked
        # Nothing is lost for want of an archive: what it is to take goes where the node asks for meanwhile.
        return ("storage",) if self.sink("storage", location) else (*self.asked, "storage")


def _rank(kind: SinkKind) -> int:
    return KINDS.index(kind)


def _top(resource_id: str) -> str:
    """The resource directly in its group that an id belongs to: an account, of its blob service."""
    return "/".join(normal_id(resource_id).split("/")[:9])


def roots(sinks: Iterable[Sink], workspaces: Iterable[str]) -> dict[str, int]:
    """The resources that are sinks, with their rank."""
    return {s.root: _rank(s.kind) for s in sinks} | {normal_id(w): 0 for w in workspaces if w}
