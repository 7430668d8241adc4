"""port-forward over a WebSocket in which SPDY/3.1 is spoken, as kubectl does since 1.30.

Every connection goes to a `Responder` of the pod's port. A pod that declares ports listens on these and on the echo port; one that declares none
listens on all. What cannot be reached is told on the error stream in the words of a kubelet.
"""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import WSMsgType, web

from tmc_syncer.controlplane.cluster.kubelet.kubelet import Kubelet
from tmc_syncer.controlplane.cluster.runtime.world import World
from tmc_syncer.controlplane.cluster.streams.echo import ECHO_PORT, Responder
from tmc_syncer.controlplane.cluster.streams.forwarding import Closed, Event, Opened, Received, Session
from tmc_syncer.controlplane.cluster.streams.sockets import open_socket
from tmc_syncer.controlplane.cluster.streams.spdy import SpdyError
from tmc_syncer.controlplane.cluster.streams.targets import Ask, must_have_node, pod_of
from tmc_syncer.controlplane.server.errors import internal

__all__ = ["PROTOCOL", "PortForwards"]

Object = dict[str, Any]

PROTOCOL = "SPDY/3.1+portforward.k8s.io"
WRITE_SECONDS = 30.0


class PortForwards:
    """The handler of ``pods/portforward``."""

    def __init__(self, world: World, kubelet: Kubelet) -> None:
        self._world = world
        self._kubelet = kubelet

    async def serve(self, ask: Ask) -> web.StreamResponse:
        """Forward until the client leaves. Raises `ApiError`."""
        pod = pod_of(self._world.client, ask)
        must_have_node(pod)
        phase = (pod.get("status") or {}).get("phase", "")
        if phase != "Running":
            raise internal(f"unable to upgrade connection: pod not running. Current phase is {phase}")
        socket = await open_socket(ask.request, (PROTOCOL,))
        forward = _Forward(pod, self._world, self._kubelet)
        async for message in socket:
            if message.type is not WSMsgType.BINARY:
                continue
            try:
                data = forward.receive(message.data)
            except SpdyError:
                await socket.close(code=1002)
                break
            if data:
                async with asyncio.timeout(WRITE_SECONDS):
                    await socket.send_bytes(data)
        return socket


class _Forward:
    """One client: its session and the connections in it."""

    def __init__(self, pod: Object, world: World, kubelet: Kubelet) -> None:
        self._pod = pod
        self._world = world
        self._kubelet = kubelet
        self._session = Session()
        self._responders: dict[int, Responder] = {}

    def receive(self, data: bytes) -> bytes:
        """What to send for what has come. Raises `SpdyError`."""
        for event in self._session.receive(data):
            self._handle(event)
        return self._session.outgoing()

    def _handle(self, event: Event) -> None:
        match event:
            case Opened(connection, port):
                if self._listens(port):
                    name = self._pod["metadata"]["name"]
                    self._responders[connection] = Responder(name, port, self._teller(port))
                else:
                    self._session.fail(connection, self._refusal(port))
            case Received(connection, data, last):
                responder = self._responders.get(connection)
                if responder is None:
                    return
                self._session.send(connection, responder.receive(data))
                if last:
                    self._session.send(connection, responder.end())
                if responder.closing:
                    self._session.finish(connection)
                    del self._responders[connection]
            case Closed(connection):
                self._responders.pop(connection, None)

    def _declared(self) -> dict[int, str]:
        """The declared ports, with their containers."""
        return {
            port["containerPort"]: container["name"]
            for container in self._pod["spec"]["containers"]
            for port in container.get("ports") or ()
        }

    def _listens(self, port: int) -> bool:
        declared = self._declared()
        return not declared or port in declared or port == ECHO_PORT

    def _teller(self, port: int) -> Any:
        containers = self._pod["spec"]["containers"]
        name = self._declared().get(port, containers[0]["name"])

        def tell(line: str) -> None:
            opened = self._kubelet.open(self._pod, name)
            if opened is not None and opened[2].ended is None:
                opened[2].add(self._world.now(), f"{line}\n".encode())

        return tell

    def _refusal(self, port: int) -> str:
        metadata = self._pod["metadata"]
        uid = metadata["uid"]
        return (
            f"error forwarding port {port} to pod {uid}, uid : failed to execute portforward in network namespace "
            f'"/var/run/netns/{uid}": failed to connect to localhost:{port} inside namespace "{uid}", '
            f"IPv4: dial tcp4 127.0.0.1:{port}: connect: connection refused IPv6 dial tcp6: address localhost: no "
            f"suitable address found "
        )
