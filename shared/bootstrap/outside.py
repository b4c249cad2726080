"""What lies outside: the adapters that the settings choose, each made once. None connects to anything yet."""

from shared.adapters.arm.resource_manager import ArmResourceManager
from shared.adapters.clock import SystemClock
from shared.adapters.credentials import LazyCredential
from shared.adapters.event_hub import EventHubConnection, EventHubStream
from shared.adapters.event_reader import EventHubReader
from shared.adapters.instruments import Instruments
from shared.adapters.log_analytics import LogAnalytics
from shared.adapters.probes import EventHubProbe, QueueProbe, ResourceManagerProbe, TablesProbe
from shared.adapters.queue import StorageWorkQueue
from shared.adapters.storage import StorageConnection
from shared.adapters.tables.addresses import TableAddressBook
from shared.adapters.tables.alerts import TableAlertStore
from shared.adapters.tables.dead_letters import TableDeadLetters
from shared.adapters.tables.edges import TableEdgeStore
from shared.adapters.tables.history import TableHistory
from shared.adapters.tables.hubs import TableHubStore
from shared.adapters.tables.leases import TableLeases
from shared.adapters.tables.nodes import TableNodeStore
from shared.adapters.tables.rosters import TableRosters
from shared.adapters.tables.schema import GuardedStorage, SchemaProbe, Step
from shared.adapters.tables.silences import TableSilences
from shared.adapters.tables.trends import TableTrends
from shared.adapters.tables.volumes import TableVolumes
from shared.adapters.tables.windows import TableWindows
from shared.domain.mesh import RECONCILE_QUEUE
from shared.ports import Probe
from shared.settings import Settings
from shared.version import VERSION


class Outside:
    """One of each adapter."""

    def __init__(self, settings: Settings) -> None:
        self.clock = SystemClock()
        self.instruments = Instruments()
        self.credential = LazyCredential()
        self.arm = ArmResourceManager(
            settings.resource_manager, self.credential, settings.resource_manager_scope
        )
        self._storage(settings)
        self._streams(settings)
        self.logs = LogAnalytics(
            settings.logs.endpoint,
            settings.logs.scope,
            [hub.workspace for hub in settings.mesh.hubs],
            self.credential,
        )
        self.probes: tuple[Probe, ...] = (
            TablesProbe(self.tables),
            SchemaProbe(self.tables.schema),
            QueueProbe(self.queue),
            EventHubProbe(self.events, settings.event_hub.mesh_events),
            EventHubProbe(self.telemetry, settings.event_hub.telemetry),
            *(ResourceManagerProbe(self.arm, s) for s in settings.mesh.subscriptions),
        )

    def _storage(self, settings: Settings) -> None:
        account = settings.storage
        storage = StorageConnection(
            account.connection_string, account.tables_endpoint, account.queues_endpoint
        )
        self.queue = StorageWorkQueue(storage, RECONCILE_QUEUE, self.credential)
        self.tables = GuardedStorage(storage, self.credential, self.clock, VERSION)
        self.nodes = TableNodeStore(self.tables)
        self.history = TableHistory(self.tables)
        self.leases = TableLeases(self.tables, self.clock)
        self.dead_letters = TableDeadLetters(self.tables)
        self.hubs = TableHubStore(self.tables)
        self.edges = TableEdgeStore(self.tables)
        self.addresses = TableAddressBook(self.tables, self.clock)
        self.rosters = TableRosters(self.tables)
        self.alerts = TableAlertStore(self.tables)
        self.silences = TableSilences(self.tables)
        self.windows = TableWindows(self.tables)
        self.trends = TableTrends(self.tables)
        self.volumes = TableVolumes(self.tables, self.clock)

        self.tables.schema.learn([Step(2, "index rows of nodes and edges", self._index_rows, oldest=2)])

    async def _index_rows(self) -> int:
        return await self.nodes.index() + await self.edges.index()

    def _streams(self, settings: Settings) -> None:
        names = settings.event_hub
        hub = EventHubConnection(names.connection_string, names.namespace)
        self.events = EventHubStream(hub, names.mesh_events, self.credential)
        self.telemetry = EventHubStream(hub, names.telemetry, self.credential)
        self.reader = EventHubReader(hub, names.telemetry, names.replay_group, self.credential)
