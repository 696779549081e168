"""The stable names of all dangers and what people are told about them."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

#: What is never run, whoever asks.
HARDLINE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "rm_root": "deletes the root, a system folder or a whole home folder",
        "format_disk": "makes a new file system on a disk or wipes it",
        "write_raw_disk": "writes to a raw disk",
        "fork_bomb": "multiplies processes without end",
        "kill_everything": "ends all processes",
        "power_off": "shuts down or restarts the machine",
        "sudo_without_password": "hands a password to sudo that nobody has given",
        "oversized": "is too long to be judged",
        "malformed": "holds characters that no command has",
    }
)

#: What somebody may allow.
APPROVABLE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "rm_recursive": "deletes a folder with all that is in it",
        "rm_wildcard": "deletes everything in a folder",
        "xargs_rm": "deletes files that another command finds",
        "find_delete": "deletes the files it finds",
        "delete_sensitive": "deletes system files, keys or settings",
        "change_system_permissions": "changes owner or permissions of a whole system or home folder",
        "chmod_world_writable": "lets everybody write to files",
        "chmod_setuid": "lets a program run with its owner's rights",
        "chown_root": "gives files to root",
        "change_attributes": "locks or unlocks files against changes",
        "write_system_config": "changes system files",
        "write_shell_rc": "changes what a shell runs at its start",
        "write_ssh": "changes ssh keys or settings",
        "write_env_file": "changes a file of secrets (.env)",
        "write_agent_config": "changes settings of an agent",
        "write_autostart": "makes something run by itself later",
        "move_to_null": "moves files to where they are lost",
        "shred_files": "deletes files so that nothing can bring them back",
        "truncate_file": "empties files",
        "rsync_delete": "deletes what is not in the source",
        "read_raw_disk": "copies a raw disk",
        "tar_runs_command": "runs a command while it packs or unpacks",
        "remote_code": "runs code straight from the network",
        "decoded_code": "runs code that was hidden by an encoding",
        "piped_code": "runs whatever another command prints",
        "inline_code": "runs code that deletes files or runs commands",
        "hidden_command": "runs a command whose name is made up at run time",
        "sql_drop": "drops a database, a table or another part of a database",
        "sql_delete_all": "deletes all rows of a table",
        "sql_truncate": "empties a table",
        "key_value_flush": "empties a database",
        "git_reset_hard": "throws away changes that are not committed",
        "git_discard": "throws away changes that are not committed",
        "git_force_push": "overwrites history on a server",
        "git_push_delete": "deletes branches or tags on a server",
        "git_clean": "deletes files that git does not know",
        "git_branch_delete": "deletes a branch even if it is not merged",
        "git_stash_drop": "deletes stashed changes",
        "git_rewrite": "rewrites or deletes history",
        "github_delete": "deletes something on GitHub",
        "docker_stop": "stops containers",
        "docker_remove": "deletes containers, images or volumes",
        "docker_privileged": "starts a container that can reach the whole machine",
        "kubernetes_delete": "deletes or drains parts of a cluster",
        "cloud_delete": "deletes or changes things in the cloud",
        "publish_package": "publishes a package",
        "service_stop": "stops or restarts services",
        "gateway_stop": "stops or restarts the gateway that runs this agent",
        "root_shell": "becomes another user",
        "sudo_options": "uses sudo with a password from elsewhere or as a shell",
        "kill_force": "ends processes by force",
        "crontab_change": "changes what runs by itself",
        "user_accounts": "changes user accounts",
        "firewall": "changes the firewall",
        "security_off": "switches off a protection of the machine",
        "history_clear": "deletes the shell's history",
        "package_remove": "removes software",
        "kernel_settings": "changes the running kernel",
        "mount_change": "changes what is mounted",
        "change_partitions": "changes the partitions of a disk",
        "volume_remove": "deletes a volume or a pool of disks",
        "reverse_shell": "opens a connection that a shell may be reached through",
        "sends_secret_file": "sends keys or secrets over the network",
        "remote_destruction": "does something destructive on another machine or in a container",
        "unparsable": "cannot be read as a shell command, so nobody knows what it would do",
        "execute_code": "runs code",
    }
)

DESCRIPTIONS: Final[Mapping[str, str]] = MappingProxyType({**HARDLINE, **APPROVABLE})
HARDLINE_KEYS: Final = frozenset(HARDLINE)
