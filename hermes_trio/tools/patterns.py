"""Patterns that come from a model: regular expressions and globs, as `hermes_trio.io.expressions` matches them."""

from __future__ import annotations

from typing import Final

from hermes_trio.io.expressions import LONGEST_PATTERN, BadExpression, Pattern, compile_re2
from hermes_trio.tools.tool import ToolError


def compile_expression(pattern: str) -> Pattern:
    """Compile a regular expression for searching lines; ``^`` and ``$`` are ends of lines, no match crosses them.

    Raises:
        ToolError: It is none.
    """
    return _compile(f"(?m){pattern}", pattern)


def compile_glob(glob: str) -> Pattern:
    """Compile a glob for relative paths: ``*`` and ``?`` stay in one folder, ``**`` does not, ``{a,b}`` is a choice.

    A glob without ``/`` is for names in any folder.

    Raises:
        ToolError: It is none.
    """
    anywhere = "" if "/" in glob.rstrip("/") else "(?:.*/)?"
    return _compile(f"(?s){anywhere}{_expression(glob.lstrip('/'))}", glob)


def is_glob(text: str) -> bool:
    """Whether it has any of the characters that make a glob."""
    return any(character in text for character in "*?[{")


def _compile(expression: str, pattern: str) -> Pattern:
    if not pattern or len(pattern) > LONGEST_PATTERN:
        raise ToolError("bad pattern", where="pattern", expected=f"1 to {LONGEST_PATTERN} characters")
    try:
        return compile_re2(expression)
    except BadExpression as exc:
        raise ToolError("not a regular expression", where="pattern", found=str(exc), expected="RE2 syntax") from exc


def _expression(glob: str) -> str:
    import re2  # type: ignore[import-untyped]  # 3 MB, only for who searches

    parts: list[str] = []
    depth = index = 0
    while index < len(glob):
        rest = glob[index:]
        token = next((token for token in _TOKENS if rest.startswith(token)), "")
        if token:
            parts.append(_TOKENS_MEAN[_TOKENS.index(token)])
            index += len(token)
        elif rest[0] == "[" and (end := rest.find("]", 2)) > 0:
            parts.append(_characters(rest[1:end]))
            index += end + 1
        elif rest[0] == "{" or (rest[0] in ",}" and depth):
            depth += {"{": 1, "}": -1}.get(rest[0], 0)
            parts.append({"{": "(?:", ",": "|", "}": ")"}[rest[0]])
            index += 1
        else:
            literal = rest[1:2] if rest[0] == "\\" and len(rest) > 1 else rest[0]
            parts.append(re2.escape(literal))
            index += 2 if rest[0] == "\\" and len(rest) > 1 else 1
    return "".join(parts) + ")" * depth


_TOKENS: Final = ("**/", "**", "*", "?")
_TOKENS_MEAN: Final = ("(?:.*/)?", ".*", "[^/]*", "[^/]")


def _characters(inside: str) -> str:
    negated = inside[0] in "!^"
    body = (inside[1:] if negated else inside).replace("\\", "\\\\").replace("[", "\\[").replace("^", "\\^")
    return f"[{'^/' if negated else ''}{body}]"
