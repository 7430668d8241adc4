"""Lines are whole, machine-readable where wanted, and never hold a secret."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from tmc_syncer.api.resources import GVR, Key
from tmc_syncer.observability.logs import Logger, log_write, open_logs, set_level

PODS = GVR("", "v1", "pods")
WEB = Key("c", "shop", "web")


@pytest.fixture(autouse=True)
def untouched_logging() -> Iterator[None]:
    """The loggers of the process are given back as they were."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configuration = structlog.get_config()
    yield
    structlog.configure(**configuration)
    root.handlers[:] = handlers
    root.setLevel(level)


class Lines(io.StringIO):
    """A stream that gives back what was logged as JSON."""

    def parsed(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]


class Terminal(Lines):
    """A stream that says that it is one."""

    def isatty(self) -> bool:
        return True


def opened(level: str = "debug", **settings: Any) -> tuple[Logger, Lines]:
    stream = Lines()
    return open_logs(level=level, stream=stream, **{"log_format": "json", **settings}), stream


def test_a_write_is_one_line_with_everything_in_it() -> None:
    logger, stream = opened("info")
    log_write(logger, PODS, WEB, verb="create", row=14, result="created", seconds=0.01234, forced=True)
    (line,) = stream.parsed()
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "write", "level": "info", "gvr": "pods.v1", "cluster": "c", "namespace": "shop", "name": "web",
        "verb": "create", "row": 14, "result": "created", "ms": 12.3, "forced": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("level", "written"),
    [
        ("debug", ["d", "i", "w", "e"]),
        ("info", ["i", "w", "e"]),
        ("warning", ["w", "e"]),
        ("error", ["e"]),
    ],
)
def test_lines_below_the_level_are_not_written(level: str, written: list[str]) -> None:
    logger, stream = opened(level)
    logger.debug("d")
    logger.info("i")
    logger.warning("w")
    logger.error("e")
    assert [line["event"] for line in stream.parsed()] == written
    assert logger.debugs is (level == "debug")


def test_the_level_of_a_running_process_changes_for_loggers_handed_out_before() -> None:
    logger, stream = opened("warning")
    bound = logger.bind(part="queue")
    bound.info("before")
    set_level("debug")
    bound.debug("after")
    assert [(line["event"], line["part"]) for line in stream.parsed()] == [("after", "queue")]


def test_lines_of_libraries_have_the_same_form_but_never_their_debug() -> None:
    _, stream = opened("debug")
    logging.getLogger("aiohttp.client").warning("retry %s", "https://user:hunter22@host/")
    logging.getLogger("asyncio").debug("Authorization: everything")
    logging.getLogger("aiohttp.access").info("GET /")
    (line,) = stream.parsed()
    assert (line["event"], line["level"], line["logger"]) == (
        "retry https://[redacted]@host/",
        "warning",
        "aiohttp.client",
    )


def test_an_exception_comes_with_its_traceback_and_without_its_secret() -> None:
    for log_format in ("json", "console"):
        logger, stream = opened(log_format=log_format)
        try:
            raise ValueError("Bearer abcdefgh12345")
        except ValueError:
            logger.exception("it broke")
            logging.getLogger("library").exception("it broke there")
        text = stream.getvalue()
        assert text.count("ValueError: Bearer [redacted]") == 2
        assert "abcdefgh12345" not in text


def test_the_end_of_a_long_traceback_is_kept() -> None:
    logger, stream = opened()
    try:
        raise ValueError("x" * 20_000 + "the end")
    except ValueError:
        logger.exception("it broke")
    text = stream.parsed()[0]["exception"]
    assert len(text) <= 8_000
    assert text.endswith("the end")


@pytest.mark.parametrize(
    "name",
    [
        "data", "stringData", "binaryData", "token", "bearer_token", "refresh-token", "Authorization", "password",
        "db_password", "client-key-data", "client_certificate_data", "privateKey", "body", "patch", "Set-Cookie",
        ".dockerconfigjson", "apiKey", "kubectl.kubernetes.io/last-applied-configuration",
    ],
)  # fmt: skip
def test_a_value_under_a_telling_name_is_dropped_at_any_depth(name: str) -> None:
    if name.startswith("kubectl"):
        name = name.rpartition("/")[2]
    logger, stream = opened()
    logger.info("line", **{name: "hunter22"}, deep={"list": [{name: {"key": "hunter22"}}]})
    assert "hunter22" not in stream.getvalue()
    assert stream.getvalue().count("[redacted]") == 2


def test_empty_values_are_shown_as_they_are() -> None:
    logger, stream = opened()
    logger.info("line", token="", data=None, deep={"password": ""})
    (line,) = stream.parsed()
    assert (line["token"], line["data"], line["deep"]) == ("", None, {"password": ""})


@pytest.mark.parametrize(
    "text",
    [
        "sent Authorization: Bearer hunter22-hunter22",
        "Basic aHVudGVyMjI6aHVudGVyMjI=hunter22",
        "-----BEGIN PRIVATE KEY-----\nhunter22\n-----END PRIVATE KEY-----",
        "-----BEGIN RSA PRIVATE KEY-----\nhunter22 cut off",
        "token eyJhbGciOiJSUzI1NiJ9.eyJodW50ZXIyMiI6MX0hunter22.c2lnbmF0dXJl",
        "https://me:hunter22@proxy:3128/",
    ],
)
def test_a_secret_inside_a_text_is_blanked(text: str) -> None:
    logger, stream = opened()
    logger.info(text, note=text, many=[text])
    assert "hunter22" not in stream.getvalue()
    assert stream.getvalue().count("[redacted]") == 3


def test_odd_values_are_shown_short_and_safe() -> None:
    logger, stream = opened()
    deep: Any = "bottom"
    for _ in range(10):
        deep = [deep]
    logger.info(
        "line", raw=b"hunter22", gvr=PODS, key=WEB, long="x" * 5000, deep=deep, many=list(range(1000)),
        error=ValueError("no"), odd=object, names={"a"}, pair=(1, 2.5), flag=True,
    )  # fmt: skip
    (line,) = stream.parsed()
    assert line["raw"] == "[8 bytes]"
    assert (line["gvr"], line["key"]) == ("pods.v1", "c/shop/web")
    assert len(line["long"]) == 2001
    assert json.dumps(line["deep"]) == '[[[[[["[list]"]]]]]]'
    assert len(line["many"]) == 50
    assert (line["error"], line["names"], line["pair"]) == ("ValueError: no", ["a"], [1, 2.5])
    assert line["odd"] == "<class 'object'>"
    assert line["flag"] is True


def test_people_at_a_terminal_get_text_with_colours_and_pipes_get_json() -> None:
    terminal, pipe = Terminal(), Lines()
    open_logs(stream=terminal).info("hello", name="web")
    open_logs(stream=pipe).info("hello", name="web")
    assert "\x1b[" in terminal.getvalue()
    assert pipe.parsed()[0]["name"] == "web"


def test_console_without_a_terminal_has_no_colours() -> None:
    logger, stream = opened(log_format="console")
    logger.info("hello", name="web")
    assert "\x1b[" not in stream.getvalue()
    assert "name=web" in stream.getvalue()


def test_lines_go_to_standard_error_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    open_logs(log_format="json").warning("hello")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert json.loads(captured.err)["event"] == "hello"


def test_a_part_that_takes_a_logger_by_itself_gets_the_same_lines_and_level() -> None:
    _, stream = opened("info")
    taken = structlog.get_logger("tmc.engine.informer").bind(informer="pods")
    taken.info("listed", token="hunter22")
    taken.debug("not written")
    set_level("debug")
    taken.debug("written")
    taken.error("it broke", exc_info=ValueError("no"))
    first, second, third = stream.parsed()
    assert (first["event"], first["informer"], first["token"]) == ("listed", "pods", "[redacted]")
    assert second["event"] == "written"
    assert "ValueError: no" in third["exception"]
