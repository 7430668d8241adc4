"""Logs: structlog, as JSON for machines or as text for people; what they contain, and what they never do.

`open_logs` is called once by the process and gives the root logger; parts get a logger passed in, or take one by
``structlog.get_logger()``, and never configure anything. Lines of libraries that use the standard `logging`
(aiohttp, asyncio) come out in the same form.

Levels (style.md): INFO is one line per write (`log_write`), WARNING a change of state, DEBUG a decision.
`set_level` changes the level of a running process, for all loggers at once. Below the level a call costs a
fraction of a microsecond; ask `Logger.debugs` before building costly arguments for a DEBUG line.

No line holds the value of a Secret, a token or a key: `redact` runs over every line, drops the values under
telling names at any depth, shortens bytes to their length, and blanks bearer tokens and PEM blocks inside texts.
That is the last net, not a licence to log objects.
"""

from __future__ import annotations

import functools
import itertools
import logging
import re
import sys
from collections.abc import Mapping
from typing import Any, TextIO

import msgspec
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from tmc_syncer.api.resources import GVR, Key

__all__ = ["Logger", "log_write", "open_logs", "redact", "set_level"]

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_TEXT_LIMIT = 2_000  # characters of one value; a line of a log is not a file
_TRACEBACK_LIMIT = 8_000  # characters; its end is kept, where the error stands
_DEPTH_LIMIT = 6  # of nested values; nothing that is meant for a log goes deeper
_ITEM_LIMIT = 50  # of a list or mapping, for the same reason
_REDACTED = "[redacted]"
_SECRET_NAMES = frozenset(
    {
        "auth",
        "authorization",
        "binarydata",
        "body",
        "certificatedata",
        "clientcertificatedata",
        "clientkeydata",
        "cookie",
        "credentials",
        "data",
        "dockerconfigjson",
        "keydata",
        "lastappliedconfiguration",
        "patch",
        "privatekey",
        "proxyauthorization",
        "secret",
        "setcookie",
        "stringdata",
    }
)
_SECRET_ENDINGS = ("password", "passwd", "token", "secretkey", "privatekey", "clientsecret", "apikey")
_SUSPICIOUS = re.compile(r"(?i)bearer|basic|-----BEGIN|eyJ|://")
_IN_TEXT = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}"), r"\1 [redacted]"),
    (re.compile(r"-----BEGIN [^-]+-----.*?(-----END [^-]+-----|\Z)", re.DOTALL), "[redacted]"),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(\.[A-Za-z0-9_-]*)?"), "[redacted]"),
    (re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"), "[redacted]"),
)


class _Threshold:
    """The level of the process, shared by all loggers so that it can change while it runs."""

    level = logging.INFO


class Logger(structlog.BoundLoggerBase):
    """What parts log with: an event in a few words, and fields. `bind` gives one that carries more fields."""

    def debug(self, event: str, **fields: object) -> None:
        """Say why something was decided."""
        if _Threshold.level <= logging.DEBUG:
            self._proxy_to_logger("debug", event, **fields)

    def info(self, event: str, **fields: object) -> None:
        """Say that something was written, or a milestone of the process."""
        if _Threshold.level <= logging.INFO:
            self._proxy_to_logger("info", event, **fields)

    def warning(self, event: str, **fields: object) -> None:
        """Say that a state changed for the worse, or back."""
        if _Threshold.level <= logging.WARNING:
            self._proxy_to_logger("warning", event, **fields)

    def error(self, event: str, **fields: object) -> None:
        """Say that something failed that somebody has to look at."""
        self._proxy_to_logger("error", event, **fields)

    def exception(self, event: str, **fields: object) -> None:
        """Like `error`, with the traceback of the exception that is being handled."""
        self._proxy_to_logger("error", event, **{"exc_info": True, **fields})

    @property
    def debugs(self) -> bool:
        """Whether a DEBUG line would be written."""
        return _Threshold.level <= logging.DEBUG


def open_logs(*, log_format: str = "auto", level: str = "info", stream: TextIO | None = None) -> Logger:
    """Set up the logs of this process and give the root logger.

    `log_format` is ``json``, ``console`` or ``auto`` (console when `stream` is a terminal). `stream` is standard
    error by default: standard output belongs to what a command prints.
    """
    target = sys.stderr if stream is None else stream
    is_terminal = target.isatty()
    console = log_format == "console" or (log_format == "auto" and is_terminal)
    renderer: Processor
    if console:
        renderer = structlog.dev.ConsoleRenderer(
            colors=is_terminal, exception_formatter=structlog.dev.plain_traceback
        )
    else:
        renderer = _render_json
    before: list[Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]
    set_level(level)
    _adopt_standard_logging(target, before, renderer)
    # Parts that nobody hands a logger take one by structlog.get_logger(): the same one, by this.
    structlog.configure(
        processors=[*before, renderer],
        wrapper_class=Logger,
        context_class=dict,
        logger_factory=structlog.PrintLoggerFactory(target),
        cache_logger_on_first_use=False,
    )
    return Logger(structlog.PrintLogger(target), [*before, renderer], {})


def set_level(level: str) -> None:
    """Change the level of the running process, also of loggers that were handed out before."""
    _Threshold.level = _LEVELS[level]
    # Libraries log requests with their content at DEBUG: never ours to write.
    logging.getLogger().setLevel(max(_Threshold.level, logging.INFO))


def log_write(
    logger: Logger, gvr: GVR, key: Key, *, verb: str, row: int, result: str, seconds: float, **more: object
) -> None:
    """The one INFO line of a write. `row` of the table (-1: none), `seconds` until the answer."""
    logger.info(
        "write",
        gvr=str(gvr),
        cluster=key.cluster,
        namespace=key.namespace,
        name=key.name,
        verb=verb,
        row=row,
        result=result,
        ms=round(seconds * 1000, 1),
        **more,
    )


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The structlog processor that keeps secrets out of a line. Works in place."""
    for name, value in event.items():
        if name == "exception" and isinstance(value, str):
            event[name] = _clean_text(value[-_TRACEBACK_LIMIT:], _TRACEBACK_LIMIT)
        else:
            event[name] = _REDACTED if value and _is_secret(name) else _clean(value, 1)
    return event


@functools.lru_cache(maxsize=1024)
def _is_secret(name: str) -> bool:
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    return plain in _SECRET_NAMES or plain.endswith(_SECRET_ENDINGS)


def _clean(value: Any, depth: int) -> Any:
    match value:
        case str():
            return _clean_text(value)
        case None | bool() | int() | float():
            return value
        case bytes() | bytearray() | memoryview():
            return f"[{len(value)} bytes]"
        case _ if depth > _DEPTH_LIMIT:
            return f"[{type(value).__name__}]"
        case Mapping():
            items = itertools.islice(value.items(), _ITEM_LIMIT)
            return {
                str(key): _REDACTED if item and _is_secret(str(key)) else _clean(item, depth + 1)
                for key, item in items
            }
        case GVR() | Key():  # tuples that print as people write them
            return _clean_text(str(value))
        case list() | tuple() | set() | frozenset():
            return [_clean(item, depth + 1) for item in itertools.islice(value, _ITEM_LIMIT)]
        case BaseException():
            return _clean_text(f"{type(value).__name__}: {value}")
        case _:
            return _clean_text(str(value))


def _clean_text(text: str, limit: int = _TEXT_LIMIT) -> str:
    if _SUSPICIOUS.search(text):
        for pattern, replacement in _IN_TEXT:
            text = pattern.sub(replacement, text)
    return text if len(text) <= limit else f"{text[:limit]}…"


def _render_json(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    # After `redact` a line holds nothing but texts, numbers, lists and mappings.
    return msgspec.json.encode(event).decode()


def _adopt_standard_logging(stream: TextIO, before: list[Processor], renderer: Processor) -> None:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=before[:-1], processors=[_name_library, redact, renderer]
        )
    )
    logging.getLogger().handlers[:] = [handler]
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)


def _name_library(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    event["logger"] = event.pop("_record").name
    event.pop("_from_structlog", None)
    return event
