"""Lines of a stream, however the network cuts them."""

from __future__ import annotations

import asyncio

import pytest

from tests.unit.kube.servers import opened, raw_server
from tmc_syncer.kube import streams
from tmc_syncer.kube.connection import Connection
from tmc_syncer.kube.errors import TransportError, TransportFault

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"


async def lines_of(*chunks: bytes, whole: bool = True) -> list[bytes]:
    """The lines that arrive when a server sends `chunks` one by one (and the end of the body, if `whole`)."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(HEAD)
        for chunk in chunks:
            writer.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
            await writer.drain()
            await asyncio.sleep(0)
        if whole:
            writer.write(b"0\r\n\r\n")

    async with (
        raw_server(behave) as address,
        opened(Connection(f"http://{address}")) as wire,
        wire.stream("GET", "/x") as stream,
    ):
        return [line async for line in stream.lines()]


@pytest.mark.parametrize(
    ("chunks", "lines"),
    [
        ((), []),
        ((b"a\n",), [b"a"]),
        ((b"a\nb\nc\n",), [b"a", b"b", b"c"]),
        ((b"a", b"b", b"c\nd", b"\n"), [b"abc", b"d"]),
        ((b"a\n", b"\n\n", b"b\n"), [b"a", b"b"]),
        ((b"\na\n\nb\n\n",), [b"a", b"b"]),
        ((b"a\nrest",), [b"a", b"rest"]),
        ((b"re", b"st"), [b"rest"]),
        (("ü\n".encode()[:1], "ü\n".encode()[1:]), ["ü".encode()]),
        ((b"x" * 3_000_000 + b"\ny\n",), [b"x" * 3_000_000, b"y"]),
    ],
)
async def test_lines_are_put_together_from_any_chunks(chunks: tuple[bytes, ...], lines: list[bytes]) -> None:
    assert await lines_of(*chunks) == lines


async def test_many_lines_of_many_chunks_keep_their_order() -> None:
    text = b"".join(b"%d\n" % n for n in range(20_000))
    chunks = [text[i : i + 7_777] for i in range(0, len(text), 7_777)]
    assert await lines_of(*chunks) == text.split()


@pytest.mark.parametrize("chunks", [(b"x" * 2_000_000,), (b"x" * 700_000,) * 2, (b"a\n" + b"x" * 1_100_000,)])
async def test_a_line_over_its_bound_is_an_error(
    chunks: tuple[bytes, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "MAX_LINE_BYTES", 1 << 20)
    with pytest.raises(TransportError, match="longer than 1 MiB") as caught:
        await lines_of(*chunks)
    assert caught.value.fault is TransportFault.TOO_LARGE


async def test_a_stream_that_is_cut_is_an_error_and_not_an_end() -> None:
    with pytest.raises(TransportError) as caught:
        await lines_of(b"a\nb", whole=False)
    assert caught.value.fault is TransportFault.BROKEN
