"""The settings Hermes knows (configuration version 33, what concerns a gateway) and our few additions, as data."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


PLATFORM_NAMES: Final = _words("""
    telegram discord whatsapp whatsapp_cloud slack signal mattermost matrix homeassistant email sms dingtalk feishu
    wecom wecom_callback weixin bluebubbles qqbot yuanbao irc ntfy teams google_chat line simplex raft photon webhook
    api_server msgraph_webhook relay local
""")

#: Accepted both at top level and under ``gateway:``; the top level wins.
GATEWAY_KEYS: Final = _words("""
    multiplex_profiles multiplex_profile_allowlist profile_routes session_reset reset_by_type reset_by_platform
    group_sessions_per_user thread_sessions_per_user reset_triggers quick_commands stt max_concurrent_sessions
    max_concurrent_turns systemd_watchdog_seconds streaming always_log_local write_sessions_json
    filter_silence_narration unauthorized_dm_behavior session_store_max_age_days delivery_ledger
    platform_connect_timeout restart_loop_guard respawn_storm message_timestamps max_inbound_media_bytes strict
    media_delivery_allow_dirs trust_recent_files trust_recent_files_seconds standalone scale_to_zero platforms
    api_server continuation_seconds album_seconds inbox_attempts route_unavailable routes agents
    default_agent
""")

_TOP: Final = _words("""
    _config_version model provider base_url context_length providers custom_providers fallback_providers
    fallback_model toolsets platform_toolsets agent terminal compression memory delegation skills display privacy tts
    voice human_delay timezone approvals command_allowlist hooks hooks_auto_accept security cron code_execution
    tool_output file_read_max_chars context_file_max_chars mcp_discovery_timeout mcp_servers logging network gateway
    sessions auxiliary personalities plugins browser web checkpoints smart_model_routing model_aliases model_catalog
    prompt_caching bedrock openrouter honcho kanban curator dashboard updates onboarding goals context image_gen
    video_gen x_search lsp secrets moa computer_use budget
""")

_SESSION_RESET: Final = _words("""
    mode at_hour idle_minutes notify notify_exclude_platforms bg_process_max_age_hours
""")

_QUICK_COMMAND: Final = _words("type command target description")

_STREAMING: Final = _words("enabled transport mode edit_interval buffer_threshold cursor fresh_final_after_seconds")

#: What any platform may have; adapters have further keys of their own.
_PLATFORM: Final = _words("""
    enabled token bot_token api_key home_channel reply_to_mode gateway_restart_notification typing_indicator
    typing_status_text channel_overrides channel_prompts extra unauthorized_dm_behavior notice_delivery reply_prefix
    reply_in_thread cron_continuable_surface require_mention allowed_chats allowed_channels allowed_rooms
    group_allowed_chats allowed_topics ignored_threads ignored_channels free_response_channels free_response_chats
    free_response_topics free_response_rooms mention_patterns exclusive_bot_mentions guest_mode allow_bots
    observe_unmentioned_group_messages dm_policy allow_from allow_admin_from user_allowed_commands group_policy
    group_allow_from group_allow_admin_from group_user_allowed_commands channel_skill_bindings allowed_users
    group_allowed_users allow_all_users allowed_roles ignored_chats thread_require_mention strict_mention reply_mode
    topic_profiles
""")

#: Section -> its keys; ``*`` stands for any one name. A section that is not here may hold anything.
SECTIONS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "": _TOP | GATEWAY_KEYS | PLATFORM_NAMES,
        "gateway": GATEWAY_KEYS,
        "platforms": PLATFORM_NAMES,
        "gateway.platforms": PLATFORM_NAMES,
        "model": _words("""
            default model name provider base_url api_base api_key api_mode context_length max_tokens
        """),
        "providers.*": _words("""
            name api url base_url api_key key_env api_key_env api_mode transport model default_model models
            context_length max_tokens rate_limit_delay request_timeout_seconds stale_timeout_seconds discover_models
            extra_body extra_headers ssl_ca_cert ssl_verify enabled
        """),
        "memory": _words("""
            memory_enabled user_profile_enabled write_approval memory_char_limit user_char_limit provider
        """),
        "logging": _words("level max_size_mb backup_count"),
        "network": _words("force_ipv4 proxy no_proxy"),
        "agent": _words("""
            max_turns gateway_timeout gateway_timeout_warning gateway_notify_interval gateway_auto_continue_freshness
            restart_drain_timeout api_max_retries clarify_timeout local_stream_stale_timeout image_input_mode
            disabled_toolsets reasoning_overrides reasoning_effort tool_use_enforcement environment_probe
            verify_on_stop max_verify_nudges personalities system_prompt verbose
        """),
        "terminal": _words("""
            backend cwd timeout home_mode persistent_shell env_passthrough shell_init_files auto_source_bashrc
            daemon_term_grace_seconds container_cpu container_memory container_disk container_persistent
            docker_network docker_image docker_volumes docker_env
        """),
        "compression": _words("""
            enabled threshold target_ratio protect_first_n protect_last_n hygiene_hard_message_limit
            abort_on_summary_failure in_place
        """),
        "delegation": _words("""
            max_iterations max_concurrent_children max_spawn_depth child_timeout_seconds max_summary_chars
            inherit_mcp_toolsets orchestrator_enabled subagent_auto_approve
        """),
        "skills": _words("""
            disabled platform_disabled external_dirs template_vars inline_shell inline_shell_timeout write_approval
        """),
        "display": _words("""
            busy_input_mode busy_text_mode busy_ack_enabled busy_steer_ack_enabled streaming show_reasoning
            interim_assistant_messages tool_progress tool_progress_command tool_progress_grouping
            tool_progress_overrides tool_preview_length reasoning_style ephemeral_system_ttl language
            turn_completion_explainer runtime_footer long_running_notifications cleanup_progress live_status platforms
            friendly_tool_labels resent_label skin
        """),
        "display.platforms.*": _words("""
            busy_input_mode busy_text_mode busy_ack_enabled busy_steer_ack_enabled streaming show_reasoning
            interim_assistant_messages tool_progress tool_progress_command tool_progress_grouping tool_preview_length
            reasoning_style ephemeral_system_ttl language runtime_footer long_running_notifications cleanup_progress
            live_status friendly_tool_labels resent_label
        """),
        "display.runtime_footer": _words("enabled fields"),
        "privacy": _words("redact_pii"),
        "session_reset": _SESSION_RESET,
        "gateway.session_reset": _SESSION_RESET,
        "quick_commands.*": _QUICK_COMMAND,
        "gateway.quick_commands.*": _QUICK_COMMAND,
        "platforms.*": _PLATFORM,
        "gateway.platforms.*": _PLATFORM,
        **dict.fromkeys(PLATFORM_NAMES - {"api_server", "webhook", "local"}, _PLATFORM),
        "stt": _words("enabled echo_transcripts provider"),
        "approvals": _words("mode timeout cron_mode deny mcp_reload_confirm destructive_slash_confirm"),
        "security": _words("""
            allow_private_urls redact_secrets tirith_enabled tirith_path tirith_timeout tirith_fail_open
            allow_lazy_installs website_blocklist egress
        """),
        "security.egress": _words("mode allow"),
        "budget": _words("usd tokens turns window window_seconds prices"),
        "budget.prices.*": _words("input output cache_read cache_write"),
        "mcp_servers.*": _words("""
            command args env url headers transport type timeout connect_timeout keepalive_interval enabled auth tools
            supports_parallel_tool_calls sampling idle_timeout_seconds max_lifetime_seconds lifecycle skip_preflight
        """),
        "auxiliary.*": _words("provider model base_url api_key timeout"),
        "code_execution": _words("mode"),
        "cron": _words("""
            provider wrap_response mirror_delivery max_parallel_jobs output_retention session_db_timeout_seconds
        """),
        "tool_output": _words("max_bytes max_lines max_line_length"),
        "streaming": _STREAMING,
        "gateway.streaming": _STREAMING,
        "sessions": _words("auto_prune retention_days vacuum_after_prune min_interval_hours write_json_snapshots"),
    }
)

#: Of these the table has every key; elsewhere a key counts as unknown only when it resembles a known one.
COMPLETE_SECTIONS: Final = frozenset(
    {"", "gateway", "platforms", "gateway.platforms", "model", "memory", "logging", "budget", "security.egress"}
)

#: Here a key that nobody knows may be an adapter's own, however well known it is elsewhere.
OPEN_SECTIONS: Final = PLATFORM_NAMES | {"platforms.*", "gateway.platforms.*"}

#: Where to look for a key that is right but in the wrong place, likeliest first.
USUAL_SECTIONS: Final = ("agent", "model", "memory", "gateway", "logging", "terminal", "display")
