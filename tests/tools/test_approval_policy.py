from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio

from hermes_trio.tools.approval import ApprovalChoice, ApprovalQuestion
from tests.rig import canary
from tests.tools.approval_rig import QUESTION, Desk, open_desks

if TYPE_CHECKING:
    from pathlib import Path

ONCE, SESSION, ALWAYS, DENY = ApprovalChoice.ONCE, ApprovalChoice.SESSION, ApprovalChoice.ALWAYS, ApprovalChoice.DENY
DANGEROUS = "rm -rf build"
MANUAL = "approvals: {mode: manual}\n"


@pytest.fixture
def desk_with(tmp_path: Path):
    def open_one(config: str, **env: str):
        return open_desks(tmp_path, {"ada": config}, {"ada": env})

    return open_one


async def test_a_harmless_command_runs_and_nobody_is_asked(autojump_clock, desk_with) -> None:
    async with desk_with(MANUAL) as (desk,):
        assert (await desk.check("ls -la | wc -l")).allowed
        assert (desk.person.shown, desk.judge.asked) == ([], [])


# hard blocks


@pytest.mark.parametrize(
    "config",
    [
        "approvals: {mode: off}\n",
        "command_allowlist: [rm_root, rm_recursive, 'rm -rf /', 'rm *', '*']\n",
        "approvals: {mode: smart}\n",
        "approvals: {cron_mode: approve}\n",
    ],
)
@pytest.mark.parametrize("platform", ["telegram", "cron"])
async def test_a_hardline_danger_is_never_run(autojump_clock, desk_with, config: str, platform: str) -> None:
    async with desk_with(config, HERMES_YOLO_MODE="1") as (desk,):
        desk.person.answers = [ALWAYS]
        desk.judge.words = "approve"
        desk.ledger.bypass("s1", on=True)
        answer = await desk.check("rm -rf /", platform=platform)
        assert not answer.allowed
        assert "never run" in answer.reason
        assert (desk.person.shown, desk.judge.asked) == ([], [])


async def test_a_hardline_danger_in_a_question_of_any_tool_is_refused(autojump_clock, desk_with) -> None:
    async with desk_with("approvals: {mode: off}\n") as (desk,):
        answer = await desk.approver()(ApprovalQuestion("x", ("inline_code", "fork_bomb"), "d"))
        assert not answer.allowed


# approvals.deny


@pytest.mark.parametrize(
    "command",
    [
        "git push",
        "GIT  PUSH origin main",
        "cd x && git push",
        "sudo git push -n",
        "bash -c 'git push'",
        "x | (git push)",
    ],
)
async def test_what_the_user_forbids_is_not_run_in_any_mode(autojump_clock, desk_with, command: str) -> None:
    async with desk_with("approvals: {mode: off, deny: ['git push*']}\ncommand_allowlist: ['*']\n") as (desk,):
        answer = await desk.check(command)
        assert not answer.allowed
        assert "approvals.deny" in answer.reason
        assert (await desk.check("git pull")).allowed


async def test_what_the_user_forbids_is_refused_whichever_tool_asks(autojump_clock, desk_with) -> None:
    async with desk_with("approvals: {mode: off, deny: ['*rm -rf*']}\n") as (desk,):
        assert not (await desk.approver()(QUESTION)).allowed
        code = ApprovalQuestion("rm -rf build", ("execute_code",), "runs code", shell=False)
        assert (await desk.approver()(code)).allowed


# off and yolo


async def test_the_mode_off_asks_nobody(autojump_clock, desk_with) -> None:
    async with desk_with("approvals: {mode: off}\n") as (desk,):
        assert (await desk.check(DANGEROUS)).allowed
        assert (desk.person.shown, desk.judge.asked) == ([], [])


@pytest.mark.parametrize(
    ("value", "allowed"), [("1", True), ("true", True), ("0", False), ("", False), ("maybe", False)]
)
async def test_a_variable_of_the_profile_switches_questions_off(
    autojump_clock, desk_with, value: str, *, allowed: bool
) -> None:
    async with desk_with(MANUAL, HERMES_YOLO_MODE=value) as (desk,):
        assert (await desk.check(DANGEROUS, alone=True)).allowed == allowed


async def test_questions_can_be_switched_off_for_one_session(autojump_clock, desk_with) -> None:
    async with desk_with(MANUAL) as (desk,):
        desk.ledger.bypass("s1", on=True)
        assert (await desk.check(DANGEROUS, session="s1", alone=True)).allowed
        assert not (await desk.check(DANGEROUS, session="s2", alone=True)).allowed
        desk.ledger.bypass("s1", on=False)
        assert not (await desk.check(DANGEROUS, session="s1", alone=True)).allowed


# command_allowlist


@pytest.mark.parametrize(
    ("allowlist", "command"),
    [
        ("['rm -rf build']", "rm -rf build"),
        ("['rm -rf build']", "  rm -rf build "),
        ("['rm -rf build*']", "rm  -rf  build/x"),
        ("['rm *']", "rm -rf 'build'"),
        ("[rm_recursive]", "rm -rf build"),
        ("[rm_recursive]", "cd x && rm -rf build | tee log"),
        ("[rm_recursive, git_clean]", "rm -rf x; git clean -f"),
    ],
)
async def test_what_the_user_listed_runs(autojump_clock, desk_with, allowlist: str, command: str) -> None:
    async with desk_with(MANUAL + f"command_allowlist: {allowlist}\n") as (desk,):
        assert (await desk.check(command, alone=True)).allowed


@pytest.mark.parametrize(
    ("allowlist", "command"),
    [
        ("['rm -rf build*']", "rm -rf build; git push -f"),
        ("['rm -rf build*']", "rm -rf build && git clean -f"),
        ("['rm -rf build*']", "rm -rf build $(git push -f)"),
        ("['rm -rf build*']", "rm -rf build > /etc/hosts"),
        ("['rm -rf build*']", "rm -rf build\ngit push -f"),
        ("['rm -rf build*']", "rm -rf build &"),
        ("['git status; rm -rf x']", "git status; rm -rf x"),
        ("['RM -RF BUILD']", "rm -rf build"),
        ("[rm_recursive]", "rm -rf x; git clean -f"),
        ("['rm -rf build']", "rm -rf build2"),
    ],
)
async def test_what_is_more_than_the_user_listed_does_not(
    autojump_clock, desk_with, allowlist: str, command: str
) -> None:
    async with desk_with(MANUAL + f"command_allowlist: {allowlist}\n") as (desk,):
        assert not (await desk.check(command, alone=True)).allowed


async def test_lists_of_commands_say_nothing_about_code(autojump_clock, desk_with) -> None:
    async with desk_with(MANUAL + "command_allowlist: ['*']\n") as (desk,):
        code = ApprovalQuestion("print(1)", ("execute_code",), "runs code", shell=False)
        assert not (await desk.approver(alone=True)(code)).allowed


# the model


async def test_a_model_may_allow(autojump_clock, desk_with) -> None:
    async with desk_with("approvals: {mode: smart}\n") as (desk,):
        desk.judge.words = " Approve.\n"
        assert (await desk.check(DANGEROUS)).allowed
        assert desk.person.shown == []
        question = desk.judge.asked[0]
        assert (question.task, DANGEROUS in str(question.content)) == ("approval", True)
        assert not desk.ledger.is_granted("s1", ("rm_recursive",))


async def test_the_model_that_judges_sees_no_secrets(autojump_clock, desk_with) -> None:
    async with desk_with("approvals: {mode: smart}\n", DEPLOY_TOKEN=canary("ada", "TOKEN")) as (desk,):
        await desk.check(f"rm -rf build --token={canary('ada', 'TOKEN')}")
        assert canary("ada", "TOKEN") not in str(desk.judge.asked[0].content)
        assert "rm -rf build --token=[redacted]" in str(desk.judge.asked[0].content)


async def test_smart_is_the_usual_mode(autojump_clock, desk_with) -> None:
    async with desk_with("{}\n") as (desk,):
        await desk.check(DANGEROUS, alone=True)
        assert len(desk.judge.asked) == 1


async def test_where_a_model_is_against_it_a_person_may_allow_it_once(autojump_clock, desk_with) -> None:
    async with desk_with("{}\n") as (desk,):
        desk.judge.words = "deny"
        desk.person.answers = [ONCE]
        assert (await desk.check(DANGEROUS)).allowed
        assert (desk.person.shown[0].smart_denied, desk.person.shown[0].choices) == (True, (ONCE, DENY))


@pytest.mark.parametrize("words", ["escalate", "", "I think approve", "approve\ndeny", "yes", "approved"])
async def test_where_a_model_is_not_clear_a_person_is_asked(autojump_clock, desk_with, words: str) -> None:
    async with desk_with("{}\n") as (desk,):
        desk.judge.words = words
        desk.person.answers = [SESSION]
        assert (await desk.check(DANGEROUS)).allowed
        assert not desk.person.shown[0].smart_denied


async def test_where_the_model_fails_a_person_is_asked(autojump_clock, desk_with) -> None:
    async with desk_with("{}\n") as (desk,):
        desk.judge.fails = True
        desk.person.answers = [DENY]
        assert not (await desk.check(DANGEROUS)).allowed
        assert len(desk.person.shown) == 1


async def test_a_model_that_takes_too_long_is_not_waited_for(autojump_clock, desk_with) -> None:
    async with desk_with("{}\n") as (desk,):
        desk.judge.seconds = 1e6
        desk.person.answers = [ONCE]
        assert (await desk.check(DANGEROUS)).allowed
        assert trio.current_time() < 30


async def test_manual_asks_no_model(autojump_clock, desk_with) -> None:
    async with desk_with(MANUAL) as (desk,):
        desk.judge.words = "approve"
        desk.person.answers = [DENY]
        assert not (await desk.check(DANGEROUS)).allowed
        assert desk.judge.asked == []


# people


@pytest.mark.parametrize(("choice", "allowed"), [(ONCE, True), (SESSION, True), (ALWAYS, True), (DENY, False)])
async def test_a_person_decides(autojump_clock, desk_with, choice: ApprovalChoice, *, allowed: bool) -> None:
    async with desk_with(MANUAL) as (desk,):
        desk.person.answers = [choice]
        answer = await desk.check(DANGEROUS)
        assert answer.allowed == allowed
        assert ("no consent" in answer.reason) == (not allowed)


async def test_once_is_asked_again(autojump_clock, desk_with) -> None:
    async with desk_with(MANUAL) as (desk,):
        desk.person.answers = [ONCE, DENY]
        assert (await desk.check(DANGEROUS)).allowed
        assert not (await desk.check(DANGEROUS)).allowed


async def test_session_is_not_asked_again_there(autojump_clock, desk_with) -> None:
    async with desk_with(MANUAL) as (desk,):
        desk.person.answers = [SESSION]
        assert (await desk.check(DANGEROUS)).allowed
        assert (await desk.check("rm -r other")).allowed
        assert len(desk.person.shown) == 1
        assert not (await desk.check(DANGEROUS, session="s2", alone=True)).allowed


async def test_silence_is_no_consent(autojump_clock, desk_with) -> None:
    async with desk_with(MANUAL) as (desk,):
        answer = await desk.check(DANGEROUS)
        assert (answer.allowed, "no consent" in answer.reason) == (False, True)
        assert "60 s" in answer.reason


@pytest.mark.parametrize("words", ["escalate", "deny"])
async def test_where_nobody_can_answer_it_is_refused_at_once(autojump_clock, desk_with, words: str) -> None:
    async with desk_with("{}\n") as (desk,):
        desk.judge.words = words
        answer = await desk.check(DANGEROUS, alone=True)
        assert (answer.allowed, "nobody can be asked" in answer.reason) == (False, True)
        assert "deletes a folder" in answer.reason
        assert trio.current_time() < 1


# jobs


@pytest.mark.parametrize(("mode", "allowed"), [("deny", False), ("approve", True), ("what", False)])
async def test_for_jobs_a_setting_decides(autojump_clock, desk_with, mode: str, *, allowed: bool) -> None:
    async with desk_with(f"approvals: {{cron_mode: {mode}}}\n") as (desk,):
        desk.judge.words = "approve"
        answer = await desk.check(DANGEROUS, platform="cron")
        assert answer.allowed == allowed
        assert (desk.person.shown, desk.judge.asked) == ([], [])


# containers, folders, passwords


async def test_in_a_container_without_the_hosts_files_all_may_run(autojump_clock, desk_with) -> None:
    async with desk_with("terminal: {backend: docker}\n") as (desk,):
        assert (await desk.check("rm -rf /", alone=True)).allowed


async def test_in_a_container_with_the_hosts_files_nothing_changes(autojump_clock, desk_with) -> None:
    async with desk_with("terminal: {backend: docker, docker_volumes: ['/:/host']}\n") as (desk,):
        assert not (await desk.check("rm -rf /", alone=True)).allowed


@pytest.mark.parametrize(("env", "asked"), [({}, 0), ({"SUDO_PASSWORD": "x"}, 1)])
async def test_sudo_with_a_password_needs_one_of_the_profile(
    autojump_clock, desk_with, env: dict[str, str], asked: int
) -> None:
    async with desk_with(MANUAL, **env) as (desk,):
        assert not (await desk.check("echo x | sudo -S id")).allowed
        assert len(desk.person.shown) == asked


async def test_the_profiles_own_settings_are_guarded(autojump_clock, desk_with) -> None:
    async with desk_with(MANUAL) as (desk,):
        answer = await desk.check(f"echo x >> {desk.scope.home.config}", alone=True)
        assert "settings of an agent" in answer.reason


async def test_a_long_command_is_judged_too(autojump_clock, desk_with) -> None:
    async with desk_with(MANUAL) as (desk,):
        assert not (await desk.check("cat > a <<'E'\n" + "x\n" * 5000 + "E\nrm -rf b", alone=True)).allowed
        assert (await desk.check("cat > a <<'E'\n" + "rm -rf /\n" * 5000 + "E\n", alone=True)).allowed


async def test_two_profiles_decide_apart(autojump_clock, tmp_path: Path) -> None:
    async with open_desks(tmp_path, {"ada": "approvals: {mode: off}\n", "bob": MANUAL}) as (ada, bob):
        bob.person.answers = [DENY]
        assert (await ada.check(DANGEROUS)).allowed
        assert not (await bob.check(DANGEROUS)).allowed
        assert isinstance(ada, Desk)
        assert ada.person.shown == []
