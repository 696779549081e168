"""Which model the settings mean, where it answers, and which key it may see."""

from __future__ import annotations

import pytest

from hermes_trio.errors import ModelError
from hermes_trio.home.config import FallbackConfig, ModelConfig, ModelRoute, ProfileConfig, ProviderConfig
from hermes_trio.home.secrets import Secrets
from hermes_trio.models.addresses import detect_api_mode, is_local, key_variables
from hermes_trio.models.providers import KNOWN_PROVIDERS
from hermes_trio.models.resolve import find_fallbacks, resolve_targets


def resolve(config: ProfileConfig | ModelConfig, env: dict[str, str] | None = None, route: ModelRoute | None = None):
    if isinstance(config, ModelConfig):
        config = ProfileConfig(model=config)
    return resolve_targets(config, Secrets(env or {}), route)


def resolve_main(
    config: ProfileConfig | ModelConfig, env: dict[str, str] | None = None, route: ModelRoute | None = None
):
    return resolve(config, env, route)[0]


def problem_of(config: ProfileConfig | ModelConfig, env: dict[str, str] | None = None) -> ModelError:
    with pytest.raises(ModelError) as caught:
        resolve(config, env)
    return caught.value


# The builtin model


@pytest.mark.parametrize(
    "model",
    [
        ModelConfig(name="builtin/echo"),
        ModelConfig(name="echo", provider="builtin"),
        ModelConfig(provider="builtin"),
        ModelConfig(name="builtin/echo", provider="builtin"),
    ],
)
def test_the_echo_model_has_several_spellings(model):
    target = resolve_main(model)
    assert (target.provider, target.model, target.base_url, target.api_key) == ("builtin", "echo", "", "")


def test_another_builtin_model_does_not_exist():
    assert problem_of(ModelConfig(name="builtin/oracle")).code == "model_not_configured"


# Nothing, or nonsense


def test_no_model_at_all_says_which_file_to_edit():
    error = problem_of(ModelConfig())
    assert error.code == "model_not_configured"
    assert "config.yaml" in str(error)
    assert "model:" in str(error)


def test_a_provider_without_a_model_is_not_enough():
    error = problem_of(ModelConfig(provider="openai"), {"OPENAI_API_KEY": "sk-1"})
    assert (error.code, error.problem) == ("model_not_configured", "no model is named")


def test_an_unknown_provider_is_answered_with_a_guess_and_the_known_ones():
    config = ProfileConfig(
        model=ModelConfig(name="m", provider="openruter"),
        providers=(ProviderConfig("mine", "mine", base_url="http://x/v1"),),
    )
    error = problem_of(config)
    assert error.code == "provider_unknown"
    assert "did you mean 'openrouter'?" in str(error)
    assert "mine" in str(error)
    assert "deepseek" in str(error)


@pytest.mark.parametrize("base_url", ["ftp://x/v1", "models.test/v1", "http://", "http://x:port/v1", "http://[::1/v1"])
def test_an_address_that_is_none_is_told(base_url):
    error = problem_of(ModelConfig(name="m", base_url=base_url))
    assert error.code == "model_not_configured"
    assert base_url in str(error)


def test_a_switched_off_provider_says_so():
    config = ProfileConfig(
        model=ModelConfig(name="m", provider="mine"),
        providers=(ProviderConfig("mine", "mine", base_url="http://x/v1", enabled=False),),
    )
    assert "switched off" in str(problem_of(config))


# Well-known providers


@pytest.mark.parametrize(
    "known", [known for known in KNOWN_PROVIDERS if not known.instead], ids=lambda known: known.name
)
def test_a_well_known_provider_needs_only_its_key(known):
    target = resolve_main(ModelConfig(name="m", provider=known.name), {known.key_variables[-1]: "secret-key-1"})
    assert (target.provider, target.base_url, target.api_key) == (known.name, known.base_url, "secret-key-1")


def test_a_well_known_provider_without_a_key_names_the_variable():
    error = problem_of(ModelConfig(name="m", provider="deepseek"), {"OPENAI_API_KEY": "sk-1"})
    assert error.code == "model_not_configured"
    assert "DEEPSEEK_API_KEY" in str(error)
    assert ".env" in str(error)


def test_the_first_of_several_key_variables_wins():
    env = {"GEMINI_API_KEY": "second", "GOOGLE_API_KEY": "first"}
    assert resolve_main(ModelConfig(name="m", provider="gemini"), env).api_key == "first"


def test_names_of_providers_are_not_case_sensitive():
    assert (
        resolve_main(ModelConfig(name="m", provider=" OpenRouter "), {"OPENROUTER_API_KEY": "k"}).provider
        == "openrouter"
    )


def test_without_any_provider_openrouter_is_asked():
    target = resolve_main(ModelConfig(name="vendor/model"), {"OPENROUTER_API_KEY": "sk-or"})
    assert (target.provider, target.model, target.api_key) == ("openrouter", "vendor/model", "sk-or")


def test_the_env_can_name_the_provider():
    env = {"HERMES_INFERENCE_PROVIDER": "deepseek", "DEEPSEEK_API_KEY": "k"}
    assert resolve_main(ModelConfig(name="m"), env).provider == "deepseek"
    assert resolve_main(ModelConfig(name="m", provider="openai"), {**env, "OPENAI_API_KEY": "o"}).provider == "openai"


@pytest.mark.parametrize(
    ("model", "api_mode"),
    [
        (ModelConfig(name="m", provider="openai"), "codex_responses"),
        (ModelConfig(name="m", base_url="https://api.openai.com/v1"), "codex_responses"),
        (ModelConfig(name="m", provider="xai"), "codex_responses"),
        (ModelConfig(name="m", provider="anthropic"), "anthropic_messages"),
        (ModelConfig(name="m", provider="anthropic", base_url="https://proxy.test/v1"), "anthropic_messages"),
        (ModelConfig(name="m", base_url="https://api.anthropic.com"), "anthropic_messages"),
        (ModelConfig(name="m", base_url="https://proxy.test/anthropic/"), "anthropic_messages"),
        (ModelConfig(name="m", base_url="https://proxy.test/anthropic/v1"), "anthropic_messages"),
        (ModelConfig(name="m", base_url="https://openai.test/v1"), "chat_completions"),
        (ModelConfig(name="m", base_url="https://eu.api.openai.com/v1"), "chat_completions"),
        (ModelConfig(name="m", base_url="https://api.openai.com/v1/chat/completions"), "chat_completions"),
        (ModelConfig(name="m", base_url="https://proxy.test/v1/responses"), "codex_responses"),
    ],
)
def test_the_wire_format_follows_from_the_address(model, api_mode):
    env = {"ANTHROPIC_API_KEY": "k", "OPENAI_API_KEY": "k", "XAI_API_KEY": "k"}
    assert resolve_main(model, env).api_mode == api_mode


@pytest.mark.parametrize("api_mode", ["chat_completions", "codex_responses", "anthropic_messages"])
def test_an_explicit_wire_format_wins(api_mode):
    for address in ("https://api.openai.com/v1", "https://x.test/anthropic", "http://127.0.0.1:8000/v1"):
        model = ModelConfig(name="m", base_url=address, api_mode=api_mode)
        assert resolve_main(model, {"OPENAI_API_KEY": "k"}).api_mode == api_mode


def test_an_own_provider_has_its_own_wire_format():
    entry = ProviderConfig("mine", "mine", base_url="https://x.test/v1", api_key="k", api_mode="anthropic_messages")
    config = ProfileConfig(model=ModelConfig(name="m", provider="mine"), providers=(entry,))
    assert resolve_main(config).api_mode == "anthropic_messages"


@pytest.mark.parametrize("api_mode", ["bedrock_converse", "codex_app_server", "nonsense"])
def test_a_wire_format_that_is_not_available_names_those_that_are(api_mode):
    error = problem_of(ModelConfig(name="m", base_url="https://x.test/v1", api_mode=api_mode))
    assert error.code == "model_not_configured"
    assert "anthropic_messages" in str(error)


def test_a_provider_one_would_have_to_sign_in_to_says_what_to_use():
    error = problem_of(ModelConfig(name="m", provider="openai-codex"), {"OPENAI_API_KEY": "k"})
    assert error.code == "model_not_configured"
    assert "provider: openai" in str(error)


@pytest.mark.parametrize("variable", ["ANTHROPIC_API_KEY", "ANTHROPIC_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"])
def test_anthropic_s_key_has_three_names(variable):
    assert resolve_main(ModelConfig(name="m", provider="anthropic"), {variable: "secret-1"}).api_key == "secret-1"


def test_anthropic_can_be_asked_in_openai_s_format_when_the_user_says_so():
    model = ModelConfig(name="m", base_url="https://api.anthropic.com/v1", api_mode="chat_completions")
    target = resolve_main(model, {"ANTHROPIC_API_KEY": "k"})
    assert (target.provider, target.api_key) == ("anthropic", "k")


# Plain addresses


@pytest.mark.parametrize("provider", ["", "auto", "custom", "ollama", "vllm", "local"])
def test_a_plain_address_needs_no_provider_and_no_key(provider):
    target = resolve_main(ModelConfig(name="m", provider=provider, base_url="http://127.0.0.1:8000/v1/"))
    assert (target.provider, target.base_url, target.api_key) == (
        "custom",
        "http://127.0.0.1:8000/v1",
        "no-key-required",
    )


def test_a_local_provider_without_an_address_suggests_one():
    assert "http://127.0.0.1:11434/v1" in str(problem_of(ModelConfig(name="m", provider="ollama")))


def test_addresses_in_the_env_come_in_hermes_order():
    env = {"OPENROUTER_BASE_URL": "https://or.test/v1", "OPENROUTER_API_KEY": "k"}
    assert resolve_main(ModelConfig(name="m"), env).base_url == "https://or.test/v1"
    with_model = ModelConfig(name="m", base_url="https://model.test/v1")
    assert resolve_main(with_model, env).base_url == "https://model.test/v1"
    env["CUSTOM_BASE_URL"] = "https://custom.test/v1"
    assert resolve_main(with_model, env).base_url == "https://custom.test/v1"


def test_openrouter_by_name_ignores_the_address_of_another_provider():
    model = ModelConfig(name="m", provider="openrouter", base_url="https://model.test/v1")
    assert resolve_main(model, {"OPENROUTER_API_KEY": "k"}).base_url == "https://openrouter.ai/api/v1"


# Keys


def test_a_literal_key_wins_over_the_env():
    model = ModelConfig(name="m", base_url="https://api.openai.com/v1", api_key=" sk-literal\n")
    assert resolve_main(model, {"OPENAI_API_KEY": "o"}).api_key == "sk-literal"


@pytest.mark.parametrize(
    "host",
    [
        "api.openai.com.evil.test",
        "openai.evil.test",
        "openai.test",
        "evil-openai.com",
        "openrouter.evil.test",
        "openrouter.xyz",
        "deepseek.xyz",
        "203.0.113.7",
    ],
)
def test_a_vendor_s_key_never_goes_to_a_host_of_somebody_else(host):
    env = {known: f"key-of-{known}" for provider in KNOWN_PROVIDERS for known in provider.key_variables}
    target = resolve_main(ModelConfig(name="m", base_url=f"https://{host}/v1"), env)
    assert target.api_key == "no-key-required"


@pytest.mark.parametrize("provider", ["openai", "openrouter"])
def test_naming_openai_or_openrouter_does_not_send_their_key_to_another_host(provider):
    env = {"OPENAI_API_KEY": "sk-o", "OPENROUTER_API_KEY": "sk-or", "OPENROUTER_BASE_URL": "http://10.0.0.1/v1"}
    model = ModelConfig(name="m", provider=provider, base_url="http://10.0.0.1/v1")
    assert resolve_main(model, env).api_key == "no-key-required"


@pytest.mark.parametrize(
    ("host", "variables"),
    [
        ("api.groq.com", ("GROQ_API_KEY",)),
        ("api.together.xyz", ("TOGETHER_API_KEY",)),
        ("inference.some-host.co.uk", ("SOME_HOST_API_KEY",)),
        ("api.openai.com", ("OPENAI_API_KEY",)),
        ("api.z.ai", ("GLM_API_KEY", "ZAI_API_KEY", "Z_AI_API_KEY")),
        ("localhost", ()),
        ("ollama", ()),
        ("192.168.1.5", ()),
        ("8.8.8.8", ()),
        ("::1", ()),
        ("2001:4860:4860::8888", ()),
        ("box.local", ()),
    ],
)
def test_the_key_s_variable_follows_from_the_host(host, variables):
    assert key_variables(host) == variables


def test_a_plain_address_gets_the_key_of_its_vendor():
    target = resolve_main(ModelConfig(name="m", base_url="https://api.groq.com/openai/v1"), {"GROQ_API_KEY": "gsk"})
    assert target.api_key == "gsk"


def test_keys_do_not_print():
    target = resolve_main(ModelConfig(name="m", base_url="https://x.test/v1", api_key="sk-secret-value"))
    assert "sk-secret-value" not in repr(target)
    assert "sk-secret-value" not in str(target)


# The user's own providers

MINE = ProviderConfig(
    "mine",
    "My Server",
    origin="custom_providers",
    base_url="https://mine.test/v1",
    key_env="MY_KEY",
    default_model="big",
    extra_headers={"X-Team": "a"},
    extra_body={"top_k": 3},
    request_timeout_seconds=7.0,
    stale_timeout_seconds=3.0,
    context_length=4096,
    ssl_verify=False,
    ssl_ca_cert="/etc/ca.pem",
)


@pytest.mark.parametrize("provider", ["custom:mine", "mine", "custom:My Server", "custom:my-server", "CUSTOM:MINE"])
def test_an_own_provider_is_found_by_key_and_by_name(provider):
    config = ProfileConfig(model=ModelConfig(provider=provider, max_tokens=99), providers=(MINE,))
    target = resolve_main(config, {"MY_KEY": "k1"})
    assert (target.provider, target.model, target.api_key) == ("custom:mine", "big", "k1")
    assert (target.headers, target.extra_body, target.max_tokens) == ({"X-Team": "a"}, {"top_k": 3}, 99)
    assert (target.timeouts.first_token, target.timeouts.between_tokens, target.context_length) == (7.0, 3.0, 4096)
    assert (target.tls_verify, target.tls_ca_file) == (False, "/etc/ca.pem")


def test_an_own_provider_whose_key_variable_is_not_set_says_so():
    error = problem_of(ProfileConfig(model=ModelConfig(provider="custom:mine"), providers=(MINE,)))
    assert (error.code, "MY_KEY" in str(error)) == ("model_not_configured", True)


def test_custom_prefers_the_custom_providers_list():
    other = ProviderConfig("mine", "mine", origin="providers", base_url="https://other.test/v1", api_key="k2")
    both = ProfileConfig(model=ModelConfig(name="m", provider="custom:mine"), providers=(other, MINE))
    assert resolve_main(both, {"MY_KEY": "k1"}).base_url == "https://mine.test/v1"
    bare = ProfileConfig(model=ModelConfig(name="m", provider="mine"), providers=(MINE, other))
    assert resolve_main(bare).base_url == "https://other.test/v1"


def test_an_unknown_custom_provider_names_the_own_ones():
    error = problem_of(ProfileConfig(model=ModelConfig(name="m", provider="custom:mien"), providers=(MINE,)))
    assert error.code == "provider_unknown"
    assert "did you mean 'custom:mine'?" in str(error)


def test_an_entry_for_a_well_known_provider_adds_to_it():
    entry = ProviderConfig("openrouter", "openrouter", extra_headers={"X-Title": "t"})
    config = ProfileConfig(model=ModelConfig(name="m", provider="openrouter"), providers=(entry,))
    target = resolve_main(config, {"OPENROUTER_API_KEY": "k"})
    assert (target.base_url, target.api_key, target.headers) == ("https://openrouter.ai/api/v1", "k", {"X-Title": "t"})


def test_the_only_listed_model_is_the_default_one():
    entry = ProviderConfig("mine", "mine", base_url="http://127.0.0.1/v1", models=("one",))
    assert resolve_main(ProfileConfig(model=ModelConfig(provider="mine"), providers=(entry,))).model == "one"


# Routes and fallbacks


def test_a_route_replaces_the_model_only():
    config = ProfileConfig(model=ModelConfig(name="m", base_url="https://x.test/v1", api_key="k"))
    target = resolve_main(config, route=ModelRoute("fast", model="tiny"))
    assert (target.model, target.base_url, target.api_key) == ("tiny", "https://x.test/v1", "k")


def test_a_route_to_another_address_does_not_take_the_key_along():
    config = ProfileConfig(model=ModelConfig(name="m", base_url="https://x.test/v1", api_key="sk-main"))
    target = resolve_main(config, route=ModelRoute("other", base_url="https://y.test/v1"))
    assert (target.model, target.base_url, target.api_key) == ("m", "https://y.test/v1", "no-key-required")
    target = resolve_main(config, {"DEEPSEEK_API_KEY": "ds"}, ModelRoute("ds", model="chat", provider="deepseek"))
    assert (target.provider, target.api_key) == ("deepseek", "ds")


def test_a_route_with_a_provider_only_means_the_providers_usual_model():
    own = ProviderConfig("lab", "lab", base_url="https://lab.test/v1", api_key="lab-key", default_model="lab-small")
    config = ProfileConfig(model=ModelConfig(name="m", base_url="https://x.test/v1"), providers=(own,))
    target = resolve_main(config, route=ModelRoute("vision", provider="lab"))
    assert (target.model, target.base_url, target.api_key) == ("lab-small", "https://lab.test/v1", "lab-key")
    assert resolve_main(config, {"XAI_API_KEY": "x"}, ModelRoute("vision", provider="xai")).model == "m"


def test_the_builtin_model_is_no_other_providers():
    config = ProfileConfig(model=ModelConfig(name="builtin/echo"))
    with pytest.raises(ModelError) as caught:
        resolve(config, route=ModelRoute("vision", base_url="https://y.test/v1", setting="auxiliary.vision"))
    assert caught.value.where == "config.yaml auxiliary.vision"


def test_the_key_of_a_route_beats_all_others():
    own = ProviderConfig("lab", "lab", base_url="https://lab.test/v1", api_key="lab-key", default_model="lab-small")
    config = ProfileConfig(model=ModelConfig("m", base_url="https://x.test/v1", api_key="main-key"), providers=(own,))
    assert resolve_main(config, route=ModelRoute("vision", provider="lab", api_key="mine")).api_key == "mine"
    target = resolve_main(config, route=ModelRoute("vision", api_key="mine"))
    assert (target.model, target.base_url, target.api_key) == ("m", "https://x.test/v1", "mine")


def test_fallbacks_follow_in_order_with_their_own_keys():
    config = ProfileConfig(
        model=ModelConfig(name="m", base_url="https://x.test/v1", api_key="k"),
        fallback_providers=(
            FallbackConfig("custom", "a", "https://y.test/v1", key_env="Y_KEY"),
            FallbackConfig("deepseek", "b"),
            FallbackConfig("custom", "m", "https://x.test/v1", api_key="k"),
        ),
    )
    targets = resolve(config, {"Y_KEY": "yk", "DEEPSEEK_API_KEY": "ds"})
    assert [(target.model, target.api_key) for target in targets] == [("m", "k"), ("a", "yk"), ("b", "ds")]


def test_a_fallback_that_cannot_be_used_is_left_out_and_told():
    config = ProfileConfig(
        model=ModelConfig(name="builtin/echo"),
        fallback_providers=(FallbackConfig("nowhere", "a"), FallbackConfig("openai", "b")),
    )
    assert len(resolve(config)) == 1
    _, problems = find_fallbacks(config, Secrets({}))
    assert [problem.code for problem in problems] == ["provider_unknown", "model_not_configured"]
    assert "fallback_providers[1]" in str(problems[1])


# Time limits


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True),
        ("localhost", True),
        ("::1", True),
        ("192.168.0.9", True),
        ("ollama", True),
        ("gpu.local", True),
        ("host.docker.internal", True),
        ("8.8.8.8", False),
        ("api.openai.com", False),
    ],
)
def test_local_hosts(host, local):
    assert is_local(host) is local


def test_local_models_may_be_silent_for_longer():
    local = resolve_main(ModelConfig(name="m", base_url="http://127.0.0.1/v1")).timeouts
    remote = resolve_main(ModelConfig(name="m", base_url="https://x.test/v1")).timeouts
    assert (local.first_token, local.between_tokens) == (900, 900)
    assert (remote.connect, remote.first_token, remote.between_tokens) == (10, 120, 120)


@pytest.mark.parametrize(("value", "seconds"), [(60, 60), (0, 900), (True, 900), ("x", 900), (None, 900)])
def test_the_silence_of_local_models_can_be_set(value, seconds):
    config = ProfileConfig(
        model=ModelConfig(name="m", base_url="http://127.0.0.1/v1"),
        raw={"agent": {"local_stream_stale_timeout": value}},
    )
    assert resolve_main(config).timeouts.between_tokens == seconds


def test_models_of_the_responses_format_may_think_for_long_without_a_word():
    timeouts = resolve_main(ModelConfig(name="m", provider="openai"), {"OPENAI_API_KEY": "k"}).timeouts
    assert (timeouts.first_token, timeouts.between_tokens) == (600, 600)


# Context lengths


@pytest.mark.parametrize(
    ("model", "length"),
    [
        (ModelConfig(name="claude-sonnet-4-5", base_url="https://x.test/v1"), 200_000),
        (ModelConfig(name="claude-sonnet-4-5", base_url="https://x.test/v1", context_length=9000), 9000),
        (ModelConfig(name="claude-sonnet-4-5", base_url="http://127.0.0.1/v1"), None),
        (ModelConfig(name="nobody-knows-it", base_url="https://x.test/v1"), None),
    ],
)
def test_the_context_length_is_set_or_known_or_not_known(model, length):
    assert resolve_main(model).context_length == length


def test_an_own_provider_s_context_length_wins_over_the_table():
    entry = ProviderConfig("mine", "mine", base_url="https://x.test/v1", api_key="k", context_length=5000)
    config = ProfileConfig(model=ModelConfig(name="gpt-4o", provider="mine"), providers=(entry,))
    assert resolve_main(config).context_length == 5000


def test_an_address_that_tells_nothing():
    assert detect_api_mode("https://x.test/v1") is None
