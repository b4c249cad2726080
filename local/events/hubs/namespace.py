"""The event hubs of a namespace, and how an address names a part of one."""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from local.events.hubs.partition import Partition
from local.events.hubs.partition_key import partition_of
from local.events.hubs.readers import Readers
from local.events.hubs.refusal import bad_argument, not_found

DEFAULT_GROUP = "$Default"


@dataclass(frozen=True, slots=True)
class HubDescription:
    """What is asked for at start: name, number of partitions, consumer groups besides `$Default`."""

    name: str
    partitions: int
    consumer_groups: tuple[str, ...] = ()


class EventHub:
    """One event hub. `created_at` is milliseconds since 1970."""

    def __init__(self, description: HubDescription, now: Callable[[], int], retained_bytes: int) -> None:
        self.name = description.name
        self.created_at = now()
        self.partitions = [Partition(str(n), now, retained_bytes) for n in range(description.partitions)]
        self._turns = itertools.cycle(self.partitions)
        groups = (DEFAULT_GROUP, *description.consumer_groups)
        self._readers = {
            (group.lower(), partition.id): Readers() for group in groups for partition in self.partitions
        }

    def partition(self, id_: str) -> Partition:
        """The partition with this id. Raises Refused."""
        for partition in self.partitions:
            if partition.id == id_:
                return partition
        ids = f"0 to {len(self.partitions) - 1}"
        raise bad_argument(
            f"The specified partition is invalid for an EventHub partition sender or receiver. "
            f"It should be between {ids}. '{self.name}', '{id_}'"
        )

    def choose(self, key: str | None) -> Partition:
        """The partition for an event sent to the hub: by its key, or each in turn."""
        if key is None:
            return next(self._turns)
        return self.partitions[partition_of(key, len(self.partitions))]

    def readers(self, group: str, partition: Partition) -> Readers:
        """Who reads this partition in this consumer group. Raises Refused."""
        try:
            return self._readers[group.lower(), partition.id]
        except KeyError:
            raise not_found(f"{self.name}/ConsumerGroups/{group}") from None


@dataclass(frozen=True, slots=True)
class ProducerAddress:
    """`hub` or `hub/Partitions/0`."""

    hub: str
    partition: str | None


@dataclass(frozen=True, slots=True)
class ConsumerAddress:
    """`hub/ConsumerGroups/$Default/Partitions/0`."""

    hub: str
    group: str
    partition: str


def path_of(address: str) -> str:
    """The path of an address, which may be a whole URI: without host, without slashes at its ends."""
    _, scheme_ended, rest = address.partition("://")
    path = rest.partition("/")[2] if scheme_ended else address
    return unquote(path).strip("/")


def parse_producer(address: str) -> ProducerAddress:
    """The target of a producer's link. Raises Refused."""
    match path_of(address).split("/"):
        case [hub]:
            return ProducerAddress(hub, None)
        case [hub, kind, partition] if kind.lower() == "partitions":
            return ProducerAddress(hub, partition)
    raise not_found(path_of(address))


def parse_consumer(address: str) -> ConsumerAddress:
    """The source of a consumer's link. Raises Refused."""
    match path_of(address).split("/"):
        case [hub, groups, group, partitions, partition] if (groups.lower(), partitions.lower()) == (
            "consumergroups",
            "partitions",
        ):
            return ConsumerAddress(hub, group, partition)
    raise not_found(path_of(address))


class Namespace:
    """All event hubs of one endpoint; names are compared without case, as Azure does."""

    def __init__(self, hubs: list[EventHub]) -> None:
        self._hubs: Mapping[str, EventHub] = {hub.name.lower(): hub for hub in hubs}

    def hub(self, name: str) -> EventHub:
        """The event hub with this name. Raises Refused."""
        try:
            return self._hubs[name.lower()]
        except KeyError:
            raise not_found(name) from None
