"""Turns what an MCP tool returned into text for the model. Loaded with the SDK."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import mcp_types as wire
import msgspec

from hermes_trio.errors import HermesTrioError

if TYPE_CHECKING:
    from collections.abc import Mapping

KeepMedia = Callable[[str, str], Awaitable[object]]
"""Keeps base64 data of a MIME type and says where."""


async def result_text(result: wire.CallToolResult, keep: KeepMedia) -> str:
    """All of a result: its texts, then where its images and sounds were kept, resources, structured content.

    Structured content whose JSON is among the texts anyway, as the protocol recommends, is not repeated.
    """
    parts = [await _block_text(block, keep) for block in result.content]
    structured = result.structured_content
    if structured is not None and not _says(parts, structured):
        parts.append(msgspec.json.encode(structured).decode())
    return "\n".join(part for part in parts if part) or "(the tool returned nothing)"


async def _block_text(block: wire.ContentBlock, keep: KeepMedia) -> str:
    if isinstance(block, wire.TextContent):
        return block.text
    if isinstance(block, wire.ImageContent | wire.AudioContent):
        return await _kept(block.type, block.mime_type, block.data, keep)
    if isinstance(block, wire.ResourceLink):
        note = f": {block.description}" if block.description else ""
        return f"[resource {block.name} at {block.uri}{note}]"
    return await _resource_text(block.resource, keep)


async def _resource_text(resource: wire.TextResourceContents | wire.BlobResourceContents, keep: KeepMedia) -> str:
    if isinstance(resource, wire.TextResourceContents):
        return f"[resource {resource.uri}]\n{resource.text}"
    kind = resource.mime_type or "application/octet-stream"
    return await _kept(f"resource {resource.uri}", kind, resource.blob, keep)


async def _kept(what: str, mime_type: str, data: str, keep: KeepMedia) -> str:
    size = len(data) * 3 // 4
    try:
        place = await keep(mime_type, data)
    except (HermesTrioError, ValueError) as error:
        return f"[{what} of type {mime_type}, {size} bytes, could not be kept: {error}]"
    return f"[{what} of type {mime_type}, {size} bytes, kept as {place}]"


def _says(parts: list[str], structured: Mapping[str, object]) -> bool:
    """Whether one of the texts is the JSON of the structured content, or the one value in it."""
    for part in parts:
        try:
            said = msgspec.json.decode(part)
        except msgspec.DecodeError:
            said = part
        if said == structured or [said] == list(structured.values()):
            return True
    return False
