"""A mesh to which anything happens: faults, dead workers, lost and doubled events, runs that interleave."""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field, replace

from shared.domain.errors import Conflict, Denied, MeshError, NotFound, Terminal, Transient, Waiting
from shared.domain.ids import NodeKey, name_of, normal_id
from shared.ports import WorkItem
from shared.reconcile.engine import Engine
from shared.reconcile.intake import Intake, ResourceEvent
from tests.fakes import Cloud
from tests.fakes.state import Network, Side
from tests.support.mesh import SUBSCRIPTION, VISIBILITY_SECONDS, InMemoryMesh
from tests.support.people import NAMES, People
from tests.support.trouble import Kind, Trouble, WorkerDied, troubled

POISONED_AT = 5
JUMPS = (1.0, 5.0, 35.0, 200.0, 4000.0, 90000.0)
ERRORS: tuple[MeshError, ...] = (
    Waiting("AnotherOperationInProgress", "busy"),
    Waiting("TooManyRequests", "slow down", retry_after=17),
    Transient("InternalServerError", "try again"),
    Transient("ConnectionDropped", "try again"),
    Terminal("RequestDisallowedByPolicy", "no"),
    Denied("AuthorizationFailed", "no"),
    Conflict("PreconditionFailed", "changed"),
    NotFound("ResourceNotFound", "gone"),
)
# Where 404 would be a lie about people's cloud and not a fault: it says that the group or its networks are gone.
_TRUTHFUL = {
    f"arm.{c}" for c in ("get_group", "list_resources", "list_networks", "get_network", "list_zone_links")
}
KINDS: tuple[Kind, ...] = ("die before", "die after", "error before", "error after", "stall", "oversleep")

type Act = tuple[str, int, int, int]
"""What happens, to which node, a choice within it, and how often the event of it is delivered."""

PEOPLE = (
    "create_group",
    "complete",
    "begin_deleting",
    "delete_group",
    "tag",
    "add_resource",
    "delete_resource",
    "replace_resource",
    "delete_setting",
    "edit_setting",
    "add_setting",
    "add_network",
    "resize",
    "resize_hub",
    "delete_peering",
    "edit_peering",
    "add_peering",
)
MISHAPS = ("worker", "intake_worker", "operation_fails", "operations_forgotten", "stream", "queue", "wake")
TIME = ("deliver", "handle", "handle_together", "settle", "jump", "timers")


@dataclass
class Worker:
    trouble: Trouble
    engine: Engine
    task: asyncio.Task[None] | None = None


@dataclass
class Chaos:
    """Plays acts, and then lets everything come to rest."""

    mesh: InMemoryMesh
    seed: int = 0
    undelivered: list[ResourceEvent] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.people = People(self.mesh.cloud)
        self.draw = random.Random(self.seed)
        self.workers = [self._new_worker() for _ in range(3)]
        self._new_intake()

    def _new_worker(self) -> Worker:
        trouble = Trouble(self.mesh.clock)
        return Worker(trouble, self.mesh.new_engine(trouble))

    def _new_intake(self) -> None:
        mesh, self.intake_trouble = self.mesh, Trouble(self.mesh.clock)
        nodes = troubled(mesh.nodes, "nodes", self.intake_trouble)
        queue = troubled(mesh.queue, "queue", self.intake_trouble)
        self.intake = Intake(mesh.mesh, nodes, queue, mesh.clock, mesh.timing)

    async def play(self, acts: list[Act]) -> None:
        for name, node, choice, copies in acts:
            key = NodeKey.of(SUBSCRIPTION, NAMES[node])
            if name in PEOPLE:
                event = getattr(self.people, name)(key, choice)
                self.undelivered += [event] * copies if event else []
            else:
                await getattr(self, name)(choice)

    # --- mishaps

    async def worker(self, choice: int) -> None:
        """The worker that is next to handle a message gets into trouble at one of its next calls."""
        kind = KINDS[choice % len(KINDS)]
        error = ERRORS[self.draw.randrange(len(ERRORS))]
        self._idle().trouble.arm(kind, 1 + self.draw.randrange(24), lambda call: _possible(call, error))

    async def intake_worker(self, choice: int) -> None:
        kind = KINDS[choice % 4]
        self.intake_trouble.arm(kind, 1 + choice % 3, lambda call: _possible(call, ERRORS[choice % 8]))

    async def operation_fails(self, choice: int) -> None:
        self.mesh.arm.fail_next_operation(("InternalServerError", "RequestDisallowedByPolicy")[choice % 2])

    async def operations_forgotten(self, choice: int) -> None:
        self.mesh.arm.forget_operations()

    async def stream(self, choice: int) -> None:
        self.mesh.events.fault = Transient("StreamDown", "try again") if choice % 2 else None

    async def queue(self, choice: int) -> None:
        self.mesh.queue.fault = Transient("QueueDown", "try again")

    async def wake(self, choice: int) -> None:
        """Whoever stalled goes on."""
        for worker in self.workers:
            worker.trouble.wake()
        await self._run()

    # --- time and events

    async def deliver(self, choice: int) -> None:
        """Some of the events, in any order."""
        self.draw.shuffle(self.undelivered)
        count = (1, 2, 5, len(self.undelivered))[choice % 4]
        due, self.undelivered = self.undelivered[:count], self.undelivered[count:]
        for event in due:
            try:
                await self.intake.accept(event)
            except WorkerDied:
                self.undelivered.append(event)
                self._new_intake()
            except MeshError:
                self.undelivered.append(event)

    async def handle(self, choice: int) -> None:
        await self._handle(1)

    async def handle_together(self, choice: int) -> None:
        """Several messages at once, one of them perhaps twice."""
        await self._handle(2 + choice % 2, twice=choice % 3 == 0)

    async def settle(self, choice: int) -> None:
        for _ in range(10):
            await self._handle(1)

    async def jump(self, choice: int) -> None:
        self.mesh.clock.advance(JUMPS[choice % len(JUMPS)])

    async def timers(self, choice: int) -> None:
        try:
            await self.mesh.resync.enqueue_due()
            if choice % 2:
                await self.mesh.resync.discover()
        except MeshError:
            return

    async def _handle(self, count: int, *, twice: bool = False) -> None:
        clock, queue = self.mesh.clock, self.mesh.queue
        visible = queue.next_visible()
        if visible and visible > clock.now():
            clock.advance((visible - clock.now()).total_seconds())
        items = [item for _ in range(count) if (item := queue.pop_visible())]
        for item in items + (items[:1] if twice else []):
            worker = self._idle()
            worker.task = asyncio.create_task(self._work(worker, item))
        await self._run()

    async def _work(self, worker: Worker, item: WorkItem) -> None:
        """What the queue trigger and the platform do with a message."""
        queue = self.mesh.queue
        try:
            result = await worker.engine.reconcile(NodeKey.parse(item.key))
            if result.requeue_after is not None:
                await queue.enqueue(item, delay=result.requeue_after)
            self.failures.pop(item.key, None)
        except (WorkerDied, MeshError):
            self.failures[item.key] += 1
            if self.failures[item.key] >= POISONED_AT:
                del self.failures[item.key]
                await self.mesh.engine.give_up(NodeKey.parse(item.key), "it failed five times")
            else:
                queue.put_back(item, VISIBILITY_SECONDS)

    async def _run(self) -> None:
        """Lets the workers go on until each is done or stalled; a message that is held too long comes back."""
        for _ in range(5000):
            if all(w.task is None or w.task.done() or w.trouble.stalled for w in self.workers):
                break
            await asyncio.sleep(0)
        for number, worker in enumerate(self.workers):
            if worker.task and worker.task.done():
                worker.task.result()
                worker.task = None
                if worker.trouble.dead:
                    self.workers[number] = self._new_worker()

    def _idle(self) -> Worker:
        for worker in self.workers:
            if worker.task is None:
                return worker
        self.workers.append(self._new_worker())
        return self.workers[-1]

    # --- the end

    async def rest(self) -> None:
        """No more trouble: who stalled goes on, groups that are being deleted are gone, and one resync follows."""
        self.mesh.arm.calm_down()
        self.mesh.events.fault = self.mesh.queue.fault = None
        for worker in self.workers:
            worker.trouble.kind = None
        await self.wake(0)
        for key, group in list(self.mesh.cloud.groups.items()):
            if group.deleting:
                self.mesh.cloud.delete_group(key)
        await self.mesh.until_quiet()
        await self.mesh.resync_all()


def _possible(call: str, error: MeshError) -> MeshError | None:
    """What a call may raise: stores conflict when they save and may be out of reach; Azure says anything."""
    if call.startswith("arm."):
        return None if isinstance(error, NotFound) and call in _TRUTHFUL else error
    if call == "nodes.save" and isinstance(error, Conflict):
        return error
    return error if isinstance(error, Transient) else None


def without_the_mesh(cloud: Cloud) -> Cloud:
    """What people alone made: the cloud as a mesh that starts afresh would find it."""
    fresh = Cloud()
    fresh.groups = dict(cloud.groups)
    fresh.resources = dict(cloud.resources)
    fresh.networks = {i: replace(n, sides={}) for i, n in cloud.networks.items()}
    for network_id, network in cloud.networks.items():
        for name, side in network.sides.items():
            if not _ours(side):
                fresh.networks[network_id].sides[name] = _as_left_alone(cloud, network, side)
    fresh.settings = {
        resource: {name: s for name, s in settings.items() if name != "meshplane"}
        for resource, settings in cloud.settings.items()
        if cloud.exists(resource)
    }
    return fresh


def _ours(side: Side) -> bool:
    return name_of(side.id).startswith("meshplane-")


def _as_left_alone(cloud: Cloud, network: Network, side: Side) -> Side:
    """A side of somebody else's that only ours made Connected waits for its other side."""
    remote = cloud.networks.get(normal_id(side.remote))
    back = remote.side_to(network.id) if remote else None
    state = "Initiated" if side.state == "Connected" and back and _ours(back) else side.state
    return replace(side, state=state)
