"""A request as handlers see it: who calls, and its parameters, read and checked."""

from collections.abc import Mapping

import msgspec

from functions.answers import BadRequest
from functions.parameters import CONTINUATION, GROUP, SUBSCRIPTION, TOP, Parameter
from shared.bootstrap import Application
from shared.domain.actor import Actor
from shared.domain.ids import NodeKey


class Call(msgspec.Struct, frozen=True):
    """`values` has every parameter that the route declares, `others` those that it takes without declaring them."""

    app: Application
    actor: Actor
    values: Mapping[str, str]
    others: Mapping[str, str] = {}

    def text(self, parameter: Parameter) -> str:
        """A parameter that the route declares; empty where the request leaves it out."""
        return self.values[parameter.name]

    @property
    def top(self) -> int:
        """The page size asked for."""
        return int(self.values[TOP.name])

    @property
    def continuation(self) -> str:
        """Where the page begins."""
        return self.values[CONTINUATION.name]

    @property
    def node(self) -> NodeKey:
        """The node that the path names. Raises BadRequest."""
        try:
            return NodeKey.of(self.text(SUBSCRIPTION), self.text(GROUP))
        except ValueError as error:
            raise BadRequest(f"{error}.") from None
