"""Who may read a partition in one consumer group: epochs (owner levels) and the limit of five."""

from collections.abc import Callable
from dataclasses import dataclass

from local.events.hubs.refusal import Refused

MAX_READERS = 5
STOLEN = "amqp:link:stolen"


@dataclass(frozen=True, slots=True, eq=False)
class Reader:
    """One attached consumer link. `disconnect` detaches it with the given error."""

    epoch: int | None
    disconnect: Callable[[Refused], None]


class Readers:
    """The readers of one partition in one consumer group.

    One reader with an epoch excludes all others; a newcomer with the same or a higher epoch takes its place.
    Without epochs up to five read side by side. Texts and conditions as users of Event Hubs report them.
    """

    def __init__(self) -> None:
        self._readers: list[Reader] = []

    def admit(self, newcomer: Reader) -> None:
        """Let a reader in and disconnect whom it replaces. Raises Refused."""
        highest = max((reader.epoch for reader in self._readers if reader.epoch is not None), default=None)
        if newcomer.epoch is None:
            self._check_room_without_epoch(highest)
        elif highest is not None and highest > newcomer.epoch:
            raise Refused(
                STOLEN,
                f"Receiver 'nil' with a higher epoch '{highest}' already exists. Receiver 'nil' with epoch "
                f"{newcomer.epoch} cannot be created. Make sure you are creating receiver with increasing epoch "
                "value to ensure connectivity, or ensure all old epoch receivers are closed or disconnected.",
            )
        else:
            self._replace_all(newcomer.epoch)
        self._readers.append(newcomer)

    def leave(self, reader: Reader) -> None:
        """Forget a reader; nothing happens if it was replaced already."""
        if reader in self._readers:
            self._readers.remove(reader)

    def _check_room_without_epoch(self, highest: int | None) -> None:
        if highest is not None:
            raise Refused(
                STOLEN,
                f"At least one receiver for the endpoint is created with epoch of '{highest}', and so non-epoch "
                "receiver is not allowed. Either reconnect with a higher epoch, or make sure all epoch receivers "
                "are closed or disconnected.",
            )
        if len(self._readers) >= MAX_READERS:
            raise Refused(
                "amqp:resource-limit-exceeded",
                "Exceeded the maximum number of allowed receivers per partition in a consumer group which is "
                f"{MAX_READERS}. List of connected receivers - {', '.join(['nil'] * MAX_READERS)}.",
            )

    def _replace_all(self, epoch: int) -> None:
        replaced, self._readers = self._readers, []
        for reader in replaced:
            reader.disconnect(
                Refused(
                    STOLEN,
                    f"New receiver 'nil' with higher epoch of '{epoch}' is created hence current receiver 'nil' "
                    f"with epoch '{reader.epoch or 0}' is getting disconnected. If you are recreating the "
                    "receiver, make sure a higher epoch is used.",
                )
            )
