"""The syntax tree of a shell script, by tree-sitter's grammar of bash, and questions to it; pure."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tree_sitter import Node

_BACKTICKS: Final = re.compile(r"(?<!\\)`((?:[^`\\]|\\.)*)`", re.DOTALL)
_NEGATED_COMPOUND: Final = re.compile(rb"!\s*(?:(?:for|case|select|while|until|if|function|coproc|time)\b|\{|!|\[\[)")
_RESERVED: Final = frozenset(b"if then else elif fi for while until do done case esac select function { }".split())
_NOT_ASCII: Final = re.compile(r"[^\x00-\x7f]")
_BETWEEN_WORDS: Final = b" \t\r\n&|;()<>"
_LINE_END: Final = re.compile(rb"(?<!\\)\n")
_REPAIRS: Final = 4


def parse_script(text: str) -> Node:
    """Parse a shell script; what cannot be parsed shows in the tree.

    Characters beyond ASCII are letters to a shell. They become ``_``: the grammar looks some of them up behind the end
    of a table of the C library, which ends the process (tree-sitter-bash 0.25.1, ``isdigit`` in its scanner).

    Line ends that it takes for blanks become ``;``, which is what they mean: in front of a command with a redirection,
    behind a pipe of three commands.
    """
    import tree_sitter_bash  # 20 ms and 5 MB that an agent without a terminal never needs
    from tree_sitter import Language, Parser

    plain = text if text.isascii() else _NOT_ASCII.sub("_", text)
    parser = Parser(Language(tree_sitter_bash.language()))
    source = plain.encode("ascii")
    root = parser.parse(source).root_node
    for _ in range(_REPAIRS if b"\n" in source else 0):
        ends = _swallowed_line_ends(root, source)
        if not ends:
            break
        source = bytes(ord(";") if place in ends else byte for place, byte in enumerate(source))
        root = parser.parse(source).root_node
    return root


def _swallowed_line_ends(root: Node, source: bytes) -> set[int]:
    """Places of line ends within a command, which can be none of its own; not those behind which a heredoc begins."""
    nodes = descendants(root)
    heredocs = [node.end_byte for node in nodes if node.type == "heredoc_start"]
    places = {place for node in nodes if node.type == "command" for place in _line_ends_in(node, source, 0)}
    begins = {found.start() for start in heredocs if (found := _LINE_END.search(source, start)) is not None}
    return places - begins


def _line_ends_in(command: Node, source: bytes, first: int) -> list[int]:
    """Where lines end between the words of a command; not behind a comment, which would go on."""
    pairs = [pair for pair in pairwise(command.children) if pair[0].type != "comment"]
    found = (_LINE_END.search(source, one.end_byte - first, other.start_byte - first) for one, other in pairs)
    return [end.start() for end in found if end is not None]


def loses_text(root: Node) -> bool:
    """Whether the parser has skipped something without calling it an error: what it does not see we cannot judge."""
    source = root.text or b""
    for node in (root, *descendants(root)):
        if node.type in ("string", "heredoc_body", "translated_string"):
            continue
        gaps = _gaps(node, source, root.start_byte)
        if _is_misread(node, source, root.start_byte):
            return True
        if node.type == "redirected_statement":
            gaps = [gap for gap in gaps if set(gap.split()) != {"-"}]
        if gaps:
            return True
    return False


def _is_misread(node: Node, source: bytes, first: int) -> bool:
    """Where the grammar is known to see something else than a shell does.

    It takes a ``#`` within a word for a comment, a ``$`` within a word for the beginning of the next one, what stands
    between two substitutions in backticks for a part of them, an escaped line end behind a ``$`` for a name, a line end
    behind a redirection for the beginning of a word, one behind a comment for a blank, and what stands behind ``!`` or
    ``time`` for a plain command.
    """
    if node.type == "comment":
        before = node.start_byte - first
        return before > 0 and source[before - 1] not in _BETWEEN_WORDS
    if node.type == "command":
        if any(child.type == "comment" for child in node.children) or _line_ends_in(node, source, first):
            return True
        ends = {child.end_byte for child in node.children if child.end_byte > child.start_byte}
        return any(child.start_byte in ends for child in node.children if not child.type.endswith("_redirect"))
    if node.type == "negated_command":
        return _NEGATED_COMPOUND.match(node.text or b"") is not None
    if node.type == "command_name":
        return node.text in _RESERVED
    if node.type == "word":
        return (node.text or b"").startswith((b"\n", b"("))
    if node.type == "expansion":
        return b"<(" in (node.text or b"") or b">(" in (node.text or b"")
    return node.type == "``" or (node.type in ("simple_expansion", "variable_name") and b"\\\n" in (node.text or b""))


def lost_words(node: Node) -> tuple[str, ...]:
    """The grammar drops a lone ``-`` before a heredoc."""
    return tuple(word for gap in _gaps(node, node.text or b"", node.start_byte) for word in gap.split())


def _gaps(node: Node, source: bytes, first: int) -> list[str]:
    """What stands between the children of a node, but for blanks and escaped line ends."""
    if not node.children:
        return []
    ends = [node.start_byte, *(child.end_byte for child in node.children)]
    starts = [*(child.start_byte for child in node.children), node.end_byte]
    found = []
    for end, start in zip(ends, starts, strict=True):
        if start > end:
            gap = source[end - first : start - first]
            if gap.replace(b"\\\n", b" ").strip() or _joins_words(source, end - first, start - first):
                found.append(gap.decode(errors="replace"))
    return found


def _joins_words(source: bytes, start: int, end: int) -> bool:
    """An escaped line end within a word is nothing to a shell, but the grammar takes it for the end of the word."""
    if source[start:end].replace(b"\\\n", b"") or start == 0 or end >= len(source):
        return False
    return source[start - 1] not in _BETWEEN_WORDS and source[end] not in _BETWEEN_WORDS


def is_bare(root: Node) -> bool:
    """Whether a script is one command without operator, redirection, substitution or assignment."""
    if [child.type for child in root.children] != ["command"]:
        return False
    plain = ("command_name", "word", "string", "raw_string", "number", "concatenation", "string_content")
    return all(part.type in plain or not part.is_named for part in descendants(root.children[0]))


def descendants(node: Node) -> list[Node]:
    """All nodes below a node."""
    found: list[Node] = []
    waiting = list(node.children)
    while waiting:
        child = waiting.pop()
        found.append(child)
        waiting += child.children
    return found


def heredoc_text(node: Node) -> str | None:
    """The body of a heredoc as it is written."""
    body = next((child for child in node.named_children if child.type == "heredoc_body"), None)
    return None if body is None else text_of(body)


def heredoc_backticks(node: Node) -> list[str]:
    """What stands between backticks in a heredoc, which the grammar does not look into."""
    start = next((child for child in node.named_children if child.type == "heredoc_start"), None)
    if start is None or set(text_of(start)) & set("'\"\\"):
        return []
    return [found.replace("\\`", "`") for found in _BACKTICKS.findall(heredoc_text(node) or "")]


def text_of(node: Node) -> str:
    """What a node stands for in the script."""
    return (node.text or b"").decode(errors="replace")
