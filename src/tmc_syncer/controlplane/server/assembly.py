"""`ControlPlane`: one whole API server, put together: types, store, identity, verbs, HTTP.

    settings ─► keyring, Auth ─┐
                Registry ──────┼─► Resources ─► Reads, Writes, Scales, Reviews, Definitions ─► ApiServer ─► Host
    directory ─► Persistence ──┘        └─► Local, one per logical cluster

Several control planes live in one process, each with its own store, port and identities: one *workspace host* with many logical
clusters, and any number of physical clusters with one each. Controllers, schedulers and kubelets are not made here: they take a
`Local`, and register what they serve (logs, exec) in `extensions`. Without a directory everything is in memory and there is
no thread; time, dice and ids come from what is passed in.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tmc_syncer.controlplane import merge
from tmc_syncer.controlplane.auth.assembly import Auth, Options
from tmc_syncer.controlplane.auth.keyring import Keyring
from tmc_syncer.controlplane.auth.users import User
from tmc_syncer.controlplane.clock import Clock
from tmc_syncer.controlplane.server.admission import Admit
from tmc_syncer.controlplane.server.apiserver import ApiServer
from tmc_syncer.controlplane.server.bodies import Bodies
from tmc_syncer.controlplane.server.bootstrap import bootstrap
from tmc_syncer.controlplane.server.calls import Call
from tmc_syncer.controlplane.server.catalogue import Catalogue
from tmc_syncer.controlplane.server.clusters import Clusters
from tmc_syncer.controlplane.server.definitions import Definitions
from tmc_syncer.controlplane.server.extensions import Extensions
from tmc_syncer.controlplane.server.faults import Faults
from tmc_syncer.controlplane.server.gate import Gate, OpenGate
from tmc_syncer.controlplane.server.hosting import Host
from tmc_syncer.controlplane.server.identity import Rng, new_uid
from tmc_syncer.controlplane.server.kinds import Kinds
from tmc_syncer.controlplane.server.local import Local, Views
from tmc_syncer.controlplane.server.patches import Patches
from tmc_syncer.controlplane.server.reads import Reads
from tmc_syncer.controlplane.server.records import Shelf
from tmc_syncer.controlplane.server.resources import Resources
from tmc_syncer.controlplane.server.scales import Scales
from tmc_syncer.controlplane.server.security import AuthGate, Escalation, Reviews, StoreReader, forget_rights
from tmc_syncer.controlplane.server.served import Context, Object, ServedType
from tmc_syncer.controlplane.server.watching import Watching
from tmc_syncer.controlplane.server.writes import Writes
from tmc_syncer.controlplane.storage.database import Database
from tmc_syncer.controlplane.storage.persistence import Persistence
from tmc_syncer.controlplane.storage.store import HISTORY, Store
from tmc_syncer.controlplane.types.allocation import ServiceAllocator
from tmc_syncer.controlplane.types.builtin import PHYSICAL, WORKSPACE, builtin_types
from tmc_syncer.controlplane.types.documents import TypeDocuments
from tmc_syncer.controlplane.types.envelopes import decode_protobuf
from tmc_syncer.controlplane.types.registry import Registry
from tmc_syncer.controlplane.types.tables.columns import scale_columns

__all__ = ["ControlPlane", "Settings"]

MAX_FAILURES = 100
"""Unforeseen errors that are kept for whoever asks."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How a control plane is made. A workspace host has many logical clusters; plain paths lead to `cluster`."""

    name: str
    cluster: str = "root"
    workspaces: bool = False
    address: str = "127.0.0.1"
    port: int = 0
    tls: bool = True
    open: bool = False
    """Ask nobody for a name."""
    directory: Path | None = None
    host_names: Sequence[str] = ()
    tokens: Mapping[str, User] = field(default_factory=dict)
    anonymous: bool = True
    history: int = HISTORY


class ControlPlane:
    """See the module. Raises `DataDirectoryError`, `KeyringError`; `start` raises `ListenError`.

    `serves` restricts the built-in types of a cluster to a set of names; by default a workspace has those without machines.
    Functions for `admission` and handlers for `extensions` may be added at any time. What goes wrong unforeseen is told to
    `report` and kept in `failures`.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        rng: Rng,
        *,
        keyring: Keyring | None = None,
        serves: Callable[[str], Collection[str] | None] | None = None,
        report: Callable[[BaseException, str], None] | None = None,
    ) -> None:
        self.settings = settings
        self.failures: deque[tuple[BaseException, str]] = deque(maxlen=MAX_FAILURES)
        self._clock, self._rng, self._report = clock, rng, report
        self.store = Store(history=settings.history)
        self.persistence = self._persistence()
        self.registry = Registry(builtin_types(), serves or self._served)
        self.kinds = Kinds(self.registry)
        self.clusters = Clusters(settings.cluster, many=settings.workspaces)
        self.extensions = Extensions()
        self.admission: list[Admit] = []
        shelf = Shelf(self.store, stamped=settings.workspaces)
        self.auth = self._identity(keyring)
        self.resources = Resources(shelf, merge, clock, rng, context=self._context, admit=self.admission)
        self.admission.append(Escalation(self.auth))
        forget_rights(self.auth, shelf)
        self._allocators: dict[str, ServiceAllocator] = {}
        self._views = Views()
        self._definitions = Definitions(self.registry, self.kinds, self.resources, clock)
        self._definitions.load()
        self.watching = Watching(
            self.store, clock, rng, None if self.persistence is None else self.persistence.durable
        )
        self.api = self._api()
        self.host = Host(
            self.api,
            self.watching,
            address=settings.address,
            port=settings.port,
            tls=self.auth.server_context() if settings.tls else None,
        )
        self.add_cluster(settings.cluster)

    # Life

    async def start(self) -> None:
        """Listen. Raises `ListenError`."""
        if self.persistence is not None:
            await self.persistence.settled()
        await self.host.start()

    async def stop(self) -> None:
        """Stop in order; what was written is on disk."""
        await self.host.stop()
        if self.persistence is not None:
            await self.persistence.close()

    @property
    def url(self) -> str:
        """Where clients find the server, without a cluster."""
        return self.host.url

    def set_faults(self, faults: Faults | None) -> None:
        """Interfere with requests from now on, or not any more."""
        self.api.faults = faults

    # Clusters

    def add_cluster(self, name: str, path: str = "") -> None:
        """A logical cluster, with what it has from the beginning; harmless when it is there."""
        self.clusters.add(name, path)
        bootstrap(self.local(name), self.auth.default_objects(), workspace=self.settings.workspaces)

    def local(self, cluster: str = "", *, manager: str = "control-plane") -> Local:
        """The in-process client of a logical cluster, by default that of plain paths."""
        return Local(
            cluster or self.settings.cluster, self.kinds, self.resources, self._views, manager=manager
        )

    def cluster_url(self, cluster: str = "") -> str:
        """The address of one logical cluster, as a kubeconfig names it."""
        return f"{self.url}/clusters/{cluster}" if cluster and self.settings.workspaces else self.url

    # Inside

    def _persistence(self) -> Persistence | None:
        directory = self.settings.directory
        if directory is None:
            return None
        return Persistence(
            self.store,
            Database(directory, self.settings.name),
            on_failure=partial(self._failed, what="writing to disk"),
        )

    def _identity(self, keyring: Keyring | None) -> Auth:
        settings = self.settings
        directory = None if settings.directory is None else settings.directory / f"{settings.name}-keys"
        reader = StoreReader(self.store, self.kinds)
        return Auth(
            keyring or Keyring(directory, self._clock, names=settings.host_names),
            reader.list_objects,
            reader.get_object,
            self._clock,
            partial(new_uid, self._rng),
            Options(
                home=None if settings.workspaces else settings.cluster,
                static_tokens=settings.tokens,
                anonymous=settings.anonymous,
            ),
        )

    def _api(self) -> ApiServer:
        bodies = Bodies(unknown_fields_of, decode_protobuf)
        patches = Patches(merge, bodies)
        Reviews(self.auth, bodies).register(self.extensions)
        self.extensions.add(
            "*", "scale", Scales(self.resources, bodies, patches, self._clock, scale_columns())
        )
        gate: Gate = OpenGate() if self.settings.open else AuthGate(self.auth)
        return ApiServer(
            self.settings.name,
            clusters=self.clusters,
            kinds=self.kinds,
            gate=gate,
            reads=Reads(self.store, self.watching, self._clock),
            writes=Writes(self.resources, bodies, patches, self._clock),
            documents=Catalogue(TypeDocuments(self.registry), self._openid),
            extensions=self.extensions,
            report=self._failed,
            settled=None if self.persistence is None else self.persistence.settled,
        )

    def _openid(self) -> Mapping[str, Object]:
        return self.auth.openid_documents(self.url)

    def _served(self, cluster: str) -> Collection[str] | None:
        del cluster
        return WORKSPACE if self.settings.workspaces else PHYSICAL

    def _context(self, call: Call, stamp: str) -> Context:
        local = partial(self._find, call)
        return Context(stamp, local, self._allocator(call.cluster))

    def _find(self, call: Call, resource: str, name: str) -> Object | None:
        return self.local(call.cluster).get(resource, name, call.namespace)

    def _allocator(self, cluster: str) -> ServiceAllocator | None:
        """Addresses of Services; a workspace runs nothing and gives none."""
        if self.settings.workspaces:
            return None
        found = self._allocators.get(cluster)
        if found is None:
            local = self.local(cluster)
            found = self._allocators[cluster] = ServiceAllocator(lambda: local.list("services"), self._rng)
        return found

    def _failed(self, error: BaseException, what: str) -> None:
        self.failures.append((error, what))
        if self._report is not None:
            self._report(error, what)


def unknown_fields_of(served: ServedType, obj: Object) -> list[str]:
    """The fields of an object that its type does not know."""
    return merge.unknown_fields(obj, served.schema)
