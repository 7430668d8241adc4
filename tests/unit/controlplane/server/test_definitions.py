from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.unit.controlplane.server.serving import DEFINITIONS, MERGE, definition, made, running, served

WIDGETS = "/apis/example.com/v1/namespaces/default/widgets"


def widget(name: str, **more: Any) -> dict[str, Any]:
    metadata = {"name": name, **more.pop("metadata", {})}
    return {
        "apiVersion": "example.com/v1",
        "kind": "Widget",
        "metadata": metadata,
        "spec": {"size": 1},
        **more,
    }


def condition(obj: dict[str, Any], kind: str) -> str | None:
    return next((c["status"] for c in obj["status"]["conditions"] if c["type"] == kind), None)


async def test_a_definition_is_served_at_once() -> None:
    async with served() as (_, http):
        assert (await http.ask("GET", WIDGETS)).code == 404
        await http.make(DEFINITIONS, definition())
        live = (await http.ask("GET", f"{DEFINITIONS}/widgets.example.com")).obj
        assert (condition(live, "Established"), condition(live, "NamesAccepted")) == ("True", "True")
        made = await http.make(WIDGETS, widget("a"))
        assert made["spec"] == {"size": 1, "colour": "red"}
        assert made["metadata"]["generation"] == 1
        [item] = (await http.ask("GET", WIDGETS)).obj["items"]
        assert item["kind"] == "Widget"


async def test_custom_objects_follow_their_schema() -> None:
    async with served() as (_, http):
        await http.make(DEFINITIONS, definition())
        await http.make(WIDGETS, widget("a"))
        pruned = await http.ask("POST", WIDGETS, widget("b", bogus=1))
        assert "bogus" not in pruned.obj
        assert pruned.headers["Warning"] == '299 - "unknown field \\"bogus\\""'
        strict = await http.ask("POST", f"{WIDGETS}?fieldValidation=Strict", widget("c", bogus=1))
        assert strict.code == 400
        wrong = await http.ask("POST", WIDGETS, widget("c", spec={"size": -1}))
        assert (wrong.code, wrong.obj["details"]["causes"][0]["field"]) == (422, "spec.size")
        changed = await http.ask(
            "PATCH", f"{WIDGETS}/a", {"spec": {"size": 2}, "status": {"ready": True}}, MERGE
        )
        assert (changed.obj["metadata"]["generation"], "status" in changed.obj) == (2, False)
        status = await http.ask(
            "PATCH",
            f"{WIDGETS}/a/status",
            {"status": {"ready": True}, "metadata": {"labels": {"l": "m"}}},
            MERGE,
        )
        assert (status.obj["status"], status.obj["metadata"].get("labels")) == ({"ready": True}, None)
        assert status.obj["metadata"]["generation"] == 2
        unconditional = await http.ask("PUT", f"{WIDGETS}/a", widget("a"))
        assert (unconditional.code, "must be specified for an update" in unconditional.message) == (422, True)


async def test_names_that_are_taken_are_not_accepted() -> None:
    async with served() as (_, http):
        await http.make(DEFINITIONS, definition())
        other = definition("gadgets", "Widget")
        await http.make(DEFINITIONS, other)
        live = (await http.ask("GET", f"{DEFINITIONS}/gadgets.example.com")).obj
        assert (condition(live, "NamesAccepted"), condition(live, "Established")) == ("False", "False")


async def test_a_version_may_be_taken_off_and_others_read_the_same_objects() -> None:
    async with served() as (_, http):
        body = definition()
        second = {**body["spec"]["versions"][0], "name": "v2", "storage": False}
        body["spec"]["versions"].append(second)
        await http.make(DEFINITIONS, body)
        await http.make(WIDGETS, widget("a"))
        other = WIDGETS.replace("/v1/", "/v2/")
        assert (await http.ask("GET", f"{other}/a")).obj["apiVersion"] == "example.com/v2"
        versions = [{**version, "served": version["name"] == "v1"} for version in body["spec"]["versions"]]
        await http.ask("PATCH", f"{DEFINITIONS}/widgets.example.com", {"spec": {"versions": versions}}, MERGE)
        assert (await http.ask("GET", f"{other}/a")).code == 404
        assert (await http.ask("GET", f"{WIDGETS}/a")).code == 200


async def test_a_deleted_definition_takes_its_objects_along() -> None:
    async with served() as (_, http):
        await http.make(DEFINITIONS, definition())
        await http.make(WIDGETS, widget("a"))
        await http.make(WIDGETS, widget("held", metadata={"finalizers": ["x.io/a"]}))
        marked = await http.ask("DELETE", f"{DEFINITIONS}/widgets.example.com")
        assert marked.obj["metadata"]["finalizers"] == ["customresourcecleanup.apiextensions.k8s.io"]
        assert condition(marked.obj, "Terminating") == "True"
        left = (await http.ask("GET", WIDGETS)).obj["items"]
        assert [(item["metadata"]["name"], "deletionTimestamp" in item["metadata"]) for item in left] == [
            ("held", True)
        ]
        await http.ask("PATCH", f"{WIDGETS}/held", {"metadata": {"finalizers": None}}, MERGE)
        assert (await http.ask("GET", f"{DEFINITIONS}/widgets.example.com")).code == 404
        assert (await http.ask("GET", WIDGETS)).code == 404


async def test_a_definition_without_objects_goes_at_once_and_may_come_again() -> None:
    async with served() as (_, http):
        for _ in range(2):
            await http.make(DEFINITIONS, definition())
            assert (await http.ask("DELETE", f"{DEFINITIONS}/widgets.example.com")).code == 200
            assert (await http.ask("GET", f"{DEFINITIONS}/widgets.example.com")).code == 404


async def test_definitions_are_of_one_cluster() -> None:
    plane = made(workspaces=True)
    plane.add_cluster("one")
    plane.add_cluster("two")
    async with running(plane) as http:
        await http.make(f"/clusters/one{DEFINITIONS}", definition())
        assert (await http.ask("GET", f"/clusters/one{WIDGETS}")).code == 200
        assert (await http.ask("GET", f"/clusters/two{WIDGETS}")).code == 404
        await http.make(f"/clusters/two{DEFINITIONS}", definition())
        await http.make(f"/clusters/one{WIDGETS}", widget("a"))
        await http.make(f"/clusters/two{WIDGETS}", widget("a"))
        assert len((await http.ask("GET", "/clusters/*/apis/example.com/v1/widgets")).obj["items"]) == 2
        await http.ask("DELETE", f"/clusters/one{DEFINITIONS}/widgets.example.com")
        assert (await http.ask("GET", f"/clusters/one{WIDGETS}")).code == 404
        assert len((await http.ask("GET", f"/clusters/two{WIDGETS}")).obj["items"]) == 1


async def test_custom_types_are_served_again_after_a_restart(tmp_path: Path) -> None:
    async with served(directory=tmp_path) as (_, http):
        await http.make(DEFINITIONS, definition())
        await http.make(WIDGETS, widget("a"))
    async with served(directory=tmp_path) as (_, http):
        assert (await http.ask("GET", f"{WIDGETS}/a")).code == 200
