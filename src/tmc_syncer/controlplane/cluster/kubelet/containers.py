"""The status of one container, in each of its states, as a kubelet writes it.

`made` is the first one; `waiting`, `running` and `terminated` go from one state to the next and keep what stays (restarts, last state,
ids). Ids are hashes of what they identify, so that the same run has the same ones in every replay. Pure.
"""

from __future__ import annotations

import hashlib
from typing import Any

__all__ = ["exit_code", "image_id", "made", "running", "state_of", "terminated", "waiting"]

Object = dict[str, Any]


def state_of(status: Object | None) -> str:
    """``absent``, ``running``, ``terminated``, or the reason for which it waits."""
    if status is None:
        return "absent"
    state = status.get("state") or {}
    if "running" in state:
        return "running"
    if "terminated" in state:
        return "terminated"
    return str((state.get("waiting") or {}).get("reason") or "ContainerCreating")


def exit_code(status: Object) -> int:
    """The code of a container that has ended, of its last run while it waits; -1 when it has not ended yet."""
    state, last = status.get("state") or {}, status.get("lastState") or {}
    ended = state.get("terminated") or ({} if "running" in state else last.get("terminated")) or {}
    return int(ended.get("exitCode", -1))


def _repository(image: str) -> str:
    """The image without tag and digest, with the registry that is meant when there is none."""
    name = image.partition("@")[0]
    first, slash, rest = name.partition("/")
    is_host = bool(slash) and (set(".:") & set(first) or first == "localhost")
    path = rest if is_host else name
    path = path.partition(":")[0]
    if is_host:
        return f"{first}/{path}"
    return f"docker.io/{path}" if "/" in path else f"docker.io/library/{path}"


def image_id(image: str) -> str:
    """What a registry would call the content of an image."""
    digest = hashlib.sha256(image.encode()).hexdigest()
    return f"{_repository(image)}@sha256:{digest}"


def _container_id(uid: str, name: str, restarts: int) -> str:
    return "containerd://" + hashlib.sha256(f"{uid}/{name}/{restarts}".encode()).hexdigest()


def made(container: Object, reason: str) -> Object:
    """The status of a container that was never started."""
    return {
        "name": container["name"],
        "image": container.get("image", ""),
        "imageID": "",
        "lastState": {},
        "ready": False,
        "restartCount": 0,
        "started": False,
        "state": {"waiting": {"reason": reason}},
    }


def waiting(status: Object, reason: str, message: str = "") -> Object:
    """Waiting; a container that had ended keeps that as its last state."""
    state: Object = {"reason": reason}
    if message:
        state["message"] = message
    changed = {**status, "ready": False, "started": False, "state": {"waiting": state}}
    if ended := (status.get("state") or {}).get("terminated"):
        changed["lastState"] = {"terminated": ended}
    return changed


def running(status: Object, container: Object, uid: str, now: str, *, ready: bool) -> Object:
    """Running since now; a container that had ended is started again."""
    ended = (status.get("state") or {}).get("terminated") or (status.get("lastState") or {}).get("terminated")
    restarts = status.get("restartCount", 0) + (1 if ended else 0)
    image = container.get("image", "")
    return {
        **status,
        "containerID": _container_id(uid, container["name"], restarts),
        "image": image,
        "imageID": image_id(image),
        "lastState": {"terminated": ended} if ended else {},
        "ready": ready,
        "restartCount": restarts,
        "started": True,
        "state": {"running": {"startedAt": now}},
    }


def terminated(status: Object, code: int, now: str, *, ready: bool = False) -> Object:
    """Ended with a code. `ready` is said of init containers that have succeeded."""
    started = ((status.get("state") or {}).get("running") or {}).get("startedAt", now)
    ended: Object = {
        "exitCode": code,
        "reason": "Completed" if code == 0 else "Error",
        "startedAt": started,
        "finishedAt": now,
    }
    if "containerID" in status:
        ended["containerID"] = status["containerID"]
    return {**status, "ready": ready, "started": False, "state": {"terminated": ended}}
