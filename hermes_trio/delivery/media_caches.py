"""The folders of a profile in which media lie. Everything here blocks: it belongs in a worker."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from hermes_trio.adapter_api.messages import MediaKind

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hermes_trio.home.paths import ProfilePaths

#: The name of old and the name of today; the old one is used while something lies in it.
_FOLDERS: Final[Mapping[MediaKind, tuple[str, str]]] = MappingProxyType(
    {
        MediaKind.PHOTO: ("image_cache", "cache/images"),
        MediaKind.VOICE: ("audio_cache", "cache/audio"),
        MediaKind.AUDIO: ("audio_cache", "cache/audio"),
        MediaKind.VIDEO: ("video_cache", "cache/videos"),
        MediaKind.DOCUMENT: ("document_cache", "cache/documents"),
    }
)
_SCREENSHOTS: Final = ("browser_screenshots", "cache/screenshots")


def cache_folder(paths: ProfilePaths, kind: MediaKind) -> Path:
    """Where files of a kind are kept; not made yet."""
    old, new = _FOLDERS[kind]
    return paths.root / (old if _has_content(paths.root / old) else new)


def cache_folders(paths: ProfilePaths) -> list[Path]:
    """Every folder in which media of the profile may lie."""
    names = dict.fromkeys(name for pair in (*_FOLDERS.values(), _SCREENSHOTS) for name in pair)
    return [paths.root / name for name in names]


def outbound_folder(paths: ProfilePaths) -> Path:
    """Where copies of files wait until they have been sent."""
    return paths.root / "cache" / "outbound"


def make_private_folder(paths: ProfilePaths, folder: Path) -> None:
    """Make a folder below the profile's home, for its owner only; never the home itself, should it be gone.

    Raises:
        OSError: It cannot be made.
    """
    for path in (*reversed([parent for parent in folder.parents if parent.is_relative_to(paths.root)][:-1]), folder):
        path.mkdir(mode=0o700, exist_ok=True)


def _has_content(folder: Path) -> bool:
    try:
        return next(folder.iterdir(), None) is not None
    except OSError:
        return False
