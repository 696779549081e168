from __future__ import annotations

import contextlib
import copy
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.errors import SecretsError
from hermes_trio.home.paths import HomePaths
from hermes_trio.home.provenance import Location
from hermes_trio.home.secrets import Secrets, load_secrets

CANARY = "sk-canary-0123456789"


def load(home: HomePaths, text: str | bytes, inherited: dict[str, str] | None = None) -> Secrets:
    paths = home.profile("default")
    paths.env.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_secrets(paths, "default", inherited or {})


def test_reads_one_variable_a_line(home: HomePaths) -> None:
    secrets = load(home, 'A=1\n\n# comment\nexport B=two words\nC=\'quo"ted\'\nD="x # y"\nE=\nF = spaced \n')
    assert {name: secrets.get(name) for name in secrets.names()} == {
        "A": "1", "B": "two words", "C": 'quo"ted', "D": "x # y", "E": "", "F": "spaced",
    }  # fmt: skip


def test_nothing_is_interpolated(home: HomePaths) -> None:
    assert load(home, "A=1\nB=${A}$A\n").get("B") == "${A}$A"


def test_the_last_of_two_lines_counts(home: HomePaths) -> None:
    secrets = load(home, "A=1\nA=2\n")
    assert secrets.get("A") == "2"
    assert secrets.location("A").line == 2


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(home: HomePaths) -> None:
    secrets = load(home, b"\xef\xbb\xbfA=1\r\nB=2\r\n")
    assert (secrets.get("A"), secrets.get("B")) == ("1", "2")


def test_a_name_without_a_value_is_not_set(home: HomePaths) -> None:
    assert "A" not in load(home, "export A\nB=1\n")


def test_lines_that_are_nothing_are_skipped_and_counted(home: HomePaths) -> None:
    secrets = load(home, "A=1\nthis is prose\n\n\n=nothing\nB=2\n")
    assert secrets.names() == {"A", "B"}
    assert secrets.skipped_lines == (2, 5)


def test_knows_the_line_of_a_variable(home: HomePaths) -> None:
    secrets = load(home, "# one\n\n\nA=1\n")
    assert secrets.location("A") == Location(home.root / ".env", 4)


def test_the_file_wins_over_what_is_inherited(home: HomePaths) -> None:
    secrets = load(home, "A=file\n", {"A": "process", "B": "process"})
    assert (secrets.get("A"), secrets.get("B")) == ("file", "process")
    assert str(secrets.location("B")) == "process environment"


def test_a_missing_file_leaves_what_is_inherited(home: HomePaths) -> None:
    assert load_secrets(home.profile("default"), "default", {"A": "1"}).get("A") == "1"


@pytest.mark.parametrize("text", ["A=caf\xe9\n".encode("latin-1"), b"A=1\nB=\xff\xfe\xfd\n", b"A=\xe2\x82"])
def test_a_file_that_is_not_utf8_is_an_error_with_its_line_and_a_mend(home: HomePaths, text: bytes) -> None:
    with pytest.raises(SecretsError) as caught:
        load(home, text)
    assert f".env:{2 if b'B' in text else 1}" in str(caught.value)
    assert caught.value.profile == "default"
    assert "UTF-8" in str(caught.value.mend)


def test_an_undecodable_file_leaks_no_line_of_it(home: HomePaths) -> None:
    with pytest.raises(SecretsError) as caught:
        load(home, f"A={CANARY}\n".encode() + b"\xff")
    assert CANARY not in f"{caught.value} {caught.value!r} {caught.value.__cause__!r}"


def test_a_directory_in_its_place_is_an_error(home: HomePaths) -> None:
    home.profile("default").env.mkdir()
    with pytest.raises(SecretsError, match="a directory"):
        load_secrets(home.profile("default"), "default", {})


def test_a_pipe_in_its_place_is_an_error_and_does_not_hang(home: HomePaths) -> None:
    import os

    os.mkfifo(home.profile("default").env)
    with pytest.raises(SecretsError, match="pipe"):
        load_secrets(home.profile("default"), "default", {})


def test_a_file_that_may_not_be_read_is_an_error_that_says_whom_to_allow(
    home: HomePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.profile("default").env.write_text("A=1\n")
    monkeypatch.setattr(Path, "read_bytes", lambda _path: (_ for _ in ()).throw(PermissionError(13, "denied")))
    with pytest.raises(SecretsError) as caught:
        load_secrets(home.profile("default"), "default", {})
    assert caught.value.code == "secrets_unreadable"
    assert "user that runs the gateway" in str(caught.value.mend)


SECRETS = Secrets({"API_KEY": CANARY, "OTHER": "plain-" + CANARY})


@pytest.mark.parametrize("show", [repr, str, "{}".format, "{!r:>80}".format, lambda s: f"{s}", lambda s: repr([s])])
def test_no_way_of_printing_shows_a_value(show: object) -> None:
    assert CANARY not in show(SECRETS)  # type: ignore[operator]
    assert "2 names" in show(SECRETS)  # type: ignore[operator]


def test_pickling_is_refused() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(SECRETS)


def test_a_copy_is_the_same_object() -> None:
    assert copy.copy(SECRETS) is SECRETS
    assert copy.deepcopy([SECRETS])[0] is SECRETS


def test_attributes_cannot_be_added() -> None:
    with pytest.raises(AttributeError):
        SECRETS.anything = 1  # type: ignore[attr-defined]


def test_what_must_not_be_logged_comes_longest_first_without_what_is_too_short() -> None:
    secrets = Secrets({"A_TOKEN": "12345678", "B_KEY": "1234567", "C_PASSWORD": "123456789", "HOME": "/home/somebody"})
    assert secrets.values_to_redact() == ("123456789", "12345678")


@pytest.mark.parametrize(
    "name", ["API_KEY", "OPENAI_API_KEY", "apikey", "TELEGRAM_BOT_TOKEN", "DB_PASSWORD", "AWS_SECRET", "GH_PAT", "KEY"]
)
def test_names_of_secrets_are_recognised(name: str) -> None:
    assert Secrets({name: CANARY}).values_to_redact() == (CANARY,)


@pytest.mark.parametrize(
    "name", ["HOME", "PATH", "KEYBOARD", "MAX_TOKENS", "key_env", "PWD", "MONKEY", "SSH_AUTH_SOCK"]
)
def test_harmless_names_are_left_alone(name: str) -> None:
    assert Secrets({name: CANARY}).values_to_redact() == ()


def test_secrets_of_the_settings_are_redacted_as_well() -> None:
    assert "literal-secret" in SECRETS.with_literals(["literal-secret"]).values_to_redact()


NAMES = st.from_regex(r"[A-Z][A-Z0-9_]{0,10}", fullmatch=True)
VALUES = st.text(st.characters(codec="ascii", exclude_categories=["Cc"], exclude_characters="'\"#\\"), max_size=20).map(
    str.strip
)


@given(st.dictionaries(NAMES, VALUES, max_size=6), st.sampled_from(["", "'", '"']), st.booleans())
def test_reads_back_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, values: dict[str, str], quote: str, export: bool
) -> None:
    home = HomePaths(tmp_path_factory.mktemp("home"))
    lines = [f"{'export ' if export else ''}{name}={quote}{value}{quote}\n" for name, value in values.items()]
    secrets = load(home, "".join(lines))
    assert {name: secrets.get(name) for name in secrets.names()} == values
    assert [secrets.location(name).line for name in values] == list(range(1, len(values) + 1))


@given(st.binary(max_size=60))
def test_any_bytes_give_secrets_or_a_secrets_error(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    home = HomePaths(tmp_path_factory.mktemp("home"))
    with contextlib.suppress(SecretsError):
        assert len(load(home, data)) >= 0
