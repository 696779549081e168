"""What ``chat`` does: find the profile's endpoint, then ask once or again and again."""

from __future__ import annotations

import sys
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from hermes_trio.cli.banner import client_url
from hermes_trio.cli.chat_client import ChatEndpoint, ChatError
from hermes_trio.cli.control import require_status
from hermes_trio.cli.mending import new_api_key_command
from hermes_trio.cli.status import unknown_profile
from hermes_trio.cli.terminal import Style, error_block, wants_color
from hermes_trio.errors import HermesTrioError, ProfileUnavailable
from hermes_trio.home.api_key import api_key_problem
from hermes_trio.home.names import DEFAULT_PROFILE, is_profile_name
from hermes_trio.home.settings import load_profile_settings
from hermes_trio.io.clock import SystemClock
from hermes_trio.store.session_ids import new_session_id

if TYPE_CHECKING:
    from hermes_trio.cli.invocation import Invocation
    from hermes_trio.home.paths import HomePaths

LEAVE = ("/quit", "/exit", "/q")


def converse(invocation: Invocation, question: str | None, session: str | None) -> None:
    """Ask ``question``, or what comes through a pipe, or hold a conversation.

    Raises:
        HermesTrioError: There is nobody to talk to, or the one question failed.
    """
    endpoint = find_endpoint(invocation)
    session_id = session or new_session_id(SystemClock().local())
    if question is None and not sys.stdin.isatty():
        question = sys.stdin.read().strip()
        if not question:
            raise click.UsageError("the pipe brought no question; give one with -q")
    if question is not None:
        _answer(endpoint, question, session_id)
    else:
        _talk(endpoint, session_id, Style(wants_color(invocation.environ, sys.stdout)))


def find_endpoint(invocation: Invocation) -> ChatEndpoint:
    """Where the wanted profile can be reached, and its key.

    Raises:
        HermesTrioError: No gateway runs, it does not serve the profile, or the profile has no usable key.
    """
    home = invocation.home()
    view, _ = require_status(home, invocation.suggest("run"))
    name = invocation.profile or active_profile(home)
    profile = next((one for one in view.profiles if one.name == name), None)
    if profile is None:
        raise unknown_profile(view, name)
    address = urlsplit(client_url(view.address))
    if address.hostname is None or address.port is None:
        raise ProfileUnavailable("the gateway does not listen yet", profile=name, mend="try again in a moment")
    key = _usable_key(home, name, invocation)
    return ChatEndpoint(address.hostname, address.port, profile.path_prefix, name, key)


def active_profile(home: HomePaths) -> str:
    """The profile that the home's ``active_profile`` file names, else default."""
    try:
        name = home.active_profile.read_text(encoding="utf-8").strip().lower()
    except (OSError, UnicodeDecodeError):
        return DEFAULT_PROFILE
    return name if is_profile_name(name) else DEFAULT_PROFILE


def _usable_key(home: HomePaths, name: str, invocation: Invocation) -> str:
    key = load_profile_settings(home, name, invocation.environ).config.api_server.key
    problem = api_key_problem(key)
    if problem is None:
        return key
    raise ChatError(
        "the profile has no usable API key",
        code=problem,
        profile=name,
        where=f"{home.profile(name).env} API_SERVER_KEY",
        expected="at least 16 characters",
        mend=new_api_key_command(home.profile(name).env),
    )


def _talk(endpoint: ChatEndpoint, session_id: str, style: Style) -> None:
    with suppress(ImportError):
        import_module("readline")  # from now on `input` edits lines and remembers them
    click.echo(
        style.paint(f"Talking to {endpoint.profile}, session {session_id}. /new starts over, /quit leaves.", dim=True)
    )
    while True:
        question = _read_question()
        if question is None or question in LEAVE:
            return
        if question == "/new":
            session_id = new_session_id(SystemClock().local())
            click.echo(style.paint(f"New session {session_id}.", dim=True))
        elif question:
            _answer_or_explain(endpoint, question, session_id, style)


def _read_question() -> str | None:
    try:
        return input("you> ").strip()
    except (EOFError, KeyboardInterrupt):
        click.echo()
        return None


def _answer_or_explain(endpoint: ChatEndpoint, question: str, session_id: str, style: Style) -> None:
    try:
        click.echo(style.paint(f"{endpoint.profile}> ", "green"), nl=False)
        _answer(endpoint, question, session_id)
    except KeyboardInterrupt:
        click.echo(style.paint(" [stopped]", dim=True))
    except HermesTrioError as error:
        click.echo()
        click.echo(error_block(error, style), err=True)


def _answer(endpoint: ChatEndpoint, question: str, session_id: str) -> None:
    for text in endpoint.ask(question, session_id):
        click.echo(text, nl=False)
    click.echo()
