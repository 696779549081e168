"""The dangers that show in a command's words, as data.

What no row of words can describe (deleting, writing files, pipes into a shell, SQL, code) is recognised by functions,
see `danger_files` and `danger_code`. What all names mean to people stands in `danger_names`.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_USUAL_WITHOUT: Final = ("--help", "--version")


@dataclass(frozen=True, slots=True)
class Pattern:
    """A danger that shows in a command's words.

    Attributes:
        key: Its stable name.
        programs: Names of programs, separated by blanks.
        subcommand: Regular expressions that the first words that are no options match, one after the other.
        options: Options of which one is there; empty for any. ``-r`` also within ``-rf``.
        argument: Regular expression that one of the words that are no options matches.
        word: Regular expression that any word matches.
        without: Options of which none is there.
    """

    key: str
    programs: str
    subcommand: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    argument: str = ""
    word: str = ""
    without: tuple[str, ...] = _USUAL_WITHOUT


def _options(text: str) -> frozenset[str]:
    return frozenset(text.split())


_COMPOSE: Final = _options("-f --file -p --project-name --profile --project-directory")

#: Options before the subcommand that take the next word as their value.
VALUED: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "git": _options("-C -c --git-dir --work-tree --namespace"),
        "docker": _options("-H --host -c --context --config") | _COMPOSE,
        "docker-compose": _COMPOSE,
        "podman": _options("-c --connection --url -f --file"),
        "kubectl": _options("-n --namespace --context --kubeconfig --cluster --user -s --server"),
        "helm": _options("-n --namespace --kube-context --kubeconfig"),
        "systemctl": _options("-H --host -M --machine -t --type -p --property"),
        "aws": _options("--profile --region --output --endpoint-url"),
        "gh": _options("-R --repo"),
        "npm": _options("--prefix -w --workspace"),
        "iptables": _options("-t --table"),
        "ip6tables": _options("-t --table"),
    }
)

_CONTAINERS: Final = "docker podman nerdctl"
_KUBE: Final = "kubectl oc k3s microk8s"
_VERBS: Final = "stop|restart|try-restart|kill|disable|mask|isolate|unload|bootout|shutdown|delete|down"
_POWER: Final = "poweroff|reboot|halt|kexec|suspend|hibernate|hybrid-sleep|emergency|rescue|soft-reboot"
_MANAGERS: Final = "systemctl launchctl supervisorctl pm2 rc-update sv initctl monit"
_PACKAGES: Final = "apt apt-get aptitude yum dnf zypper apk snap flatpak brew pkg port"
_CLOUDS: Final = "gcloud az doctl heroku fly flyctl gsutil oci ibmcloud hcloud linode-cli vercel netlify wrangler"
_PUBLISHERS: Final = "npm pnpm yarn bun cargo poetry uv hatch flit"
_ACCOUNTS: Final = (
    "useradd adduser userdel deluser usermod groupadd groupdel groupmod passwd chpasswd visudo vipw gpasswd chsh dscl"
)
_HOST_PATHS: Final = (
    r"--privileged(=true)?|--pid=host|(-v=?|--volume=)?/(etc|root|home|var/run/docker\.sock)?/?:.*|.*source=/,.*"
)
_RAW_INPUT: Final = r"if=/dev/(sd|hd|vd|xvd|nvme|mmcblk|disk|rdisk|mapper/|dm-|md).*"
_KILL_SIGNALS: Final = r"-9|-s9|-KILL|-SIGKILL|--signal=(9|KILL|SIGKILL)"
_OTHERS_WRITE: Final = r"[0-7]?[0-7]?[0-7][2367]|(.*,)?[ugo]*[oa][ugoa]*[+=][rxXst]*w.*"
_MONGO: Final = r"(?s).*(dropDatabase|\.drop\(|deleteMany\(\s*\{\s*\}|remove\(\s*\{\s*\}).*"
_DRY: Final = ("-n", "--dry-run", *_USUAL_WITHOUT)

PATTERNS: Final = (
    # never run
    Pattern("format_disk", "mke2fs mkswap newfs mkdosfs mkntfs newfs_apfs newfs_hfs blkdiscard"),
    Pattern("format_disk", "wipefs", options=("-a", "--all", "-o", "--offset")),
    Pattern("format_disk", "cryptsetup", ("luksFormat|erase|luksErase",)),
    Pattern("format_disk", "sgdisk", options=("-Z", "--zap-all", "-z", "--zap")),
    Pattern("format_disk", "diskutil", (r"erase\w*|zeroDisk|randomDisk|partitionDisk|secureErase",)),
    Pattern("format_disk", "hdparm", word=r"--security-erase.*|--trim-sector.*"),
    Pattern("format_disk", "nvme", ("format|sanitize",)),
    Pattern("power_off", "shutdown", without=("-c", "--show", *_USUAL_WITHOUT)),
    Pattern("power_off", "reboot halt poweroff"),
    Pattern("power_off", "init telinit", ("[06]",)),
    Pattern("power_off", "systemctl loginctl", (_POWER,)),
    Pattern("kill_everything", "killall5"),
    # files
    Pattern("chmod_world_writable", "chmod", (_OTHERS_WRITE,)),
    Pattern("chmod_setuid", "chmod", (r"[2-7][0-7]{3}|(.*,)?[ugoa]*[+=][rwxX]*s.*",)),
    Pattern("chown_root", "chown", options=("-R", "--recursive"), argument=r"(root|0)([:.].*)?"),
    Pattern("change_attributes", "chattr", word=r"[+-=].*[ia].*"),
    Pattern("shred_files", "shred srm wipe"),
    Pattern("truncate_file", "truncate", word=r"-s0|--size=0|0"),
    Pattern("rsync_delete", "rsync", word=r"--del(ete.*)?", without=_DRY),
    Pattern("read_raw_disk", "dd", word=_RAW_INPUT),
    Pattern("tar_runs_command", "tar gtar bsdtar", word=r"--(checkpoint-action=exec|to-command).*"),
    # git
    Pattern("git_reset_hard", "git", ("reset",), ("--hard",)),
    Pattern(
        "git_discard", "git", ("checkout|restore",), argument=r"\.|\./|:/|\*", without=("--staged", "-S", "--help")
    ),
    Pattern("git_discard", "git", ("checkout|switch",), ("-f", "--force", "--discard-changes")),
    Pattern("git_force_push", "git", ("push",), ("-f", "--force", "--force-with-lease", "--mirror"), without=_DRY),
    Pattern("git_force_push", "git", ("push",), argument=r"\+.+", without=_DRY),
    Pattern("git_push_delete", "git", ("push",), ("-d", "--delete", "--prune"), without=_DRY),
    Pattern("git_push_delete", "git", ("push",), argument=r":.+", without=_DRY),
    Pattern("git_clean", "git", ("clean",), ("-f", "--force"), without=_DRY),
    Pattern("git_branch_delete", "git", ("branch",), ("-D",)),
    Pattern("git_branch_delete", "git", ("branch",), ("-d", "--delete"), word=r"-\w*f\w*|--force"),
    Pattern("git_discard", "git", ("rm",), ("-f", "--force"), without=("--cached", *_DRY)),
    Pattern("git_stash_drop", "git", ("stash", "drop|clear")),
    Pattern("git_rewrite", "git", ("filter-branch|filter-repo",)),
    Pattern("git_rewrite", "git", ("update-ref",), ("-d",)),
    Pattern("git_rewrite", "git", ("reflog", "expire|delete")),
    Pattern("git_rewrite", "git", ("gc",), word=r"--prune=(now|all)"),
    Pattern("git_rewrite", "git-filter-repo bfg"),
    Pattern("github_delete", "gh", ("repo|release|secret|variable|run|gist|label", "delete|archive")),
    Pattern("github_delete", "gh", ("api",), word=r"DELETE|-XDELETE|--method=DELETE"),
    # containers and clusters
    Pattern("docker_stop", _CONTAINERS, ("stop|kill|restart|pause",)),
    Pattern("docker_stop", _CONTAINERS, ("container", "stop|kill|restart|pause")),
    Pattern("docker_stop", _CONTAINERS, ("compose", "down|stop|kill|rm|restart")),
    Pattern("docker_stop", "docker-compose podman-compose", ("down|stop|kill|rm|restart",)),
    Pattern("docker_remove", _CONTAINERS, ("rm|rmi",)),
    Pattern(
        "docker_remove", _CONTAINERS, (r"container|image|volume|network|system|builder|buildx|pod", "rm|prune|remove")
    ),
    Pattern("docker_privileged", _CONTAINERS, ("run|create|exec",), word=_HOST_PATHS),
    Pattern("kubernetes_delete", _KUBE, ("delete|drain",), without=("--dry-run=client", *_USUAL_WITHOUT)),
    Pattern("kubernetes_delete", _KUBE, ("replace",), ("--force",)),
    Pattern("kubernetes_delete", "helm", ("uninstall|delete|rollback",)),
    Pattern("cloud_delete", "terraform tofu terragrunt pulumi cdk serverless sls vagrant", ("destroy|remove|down",)),
    Pattern("cloud_delete", "terraform tofu terragrunt", ("apply",), word=r"--?auto-approve|--?destroy"),
    Pattern("cloud_delete", "aws", ("s3", "rm|rb")),
    Pattern("cloud_delete", "aws", (r".*", r"(delete|terminate|deregister|destroy|purge|remove)-.*")),
    Pattern("cloud_delete", _CLOUDS, argument=r"(\w+:)?(delete|destroy|purge|rm|rb)"),
    Pattern("publish_package", _PUBLISHERS, ("publish",), without=_DRY),
    Pattern("publish_package", "twine gem", ("upload|push",)),
    # databases
    Pattern("sql_drop", "dropdb dropuser", argument=r".+"),
    Pattern("sql_drop", "mysqladmin mariadb-admin", argument="drop"),
    Pattern("key_value_flush", "redis-cli valkey-cli", argument=r"(?i)flushall|flushdb|shutdown"),
    Pattern("key_value_flush", "mongo mongosh", word=_MONGO),
    # the machine
    Pattern("service_stop", _MANAGERS, (_VERBS,)),
    Pattern("service_stop", "brew", ("services", _VERBS)),
    Pattern("service_stop", "service invoke-rc.d rc-service", (r".+", "stop|restart|force-stop")),
    Pattern("gateway_stop", "hermes hermes-trio", argument="stop|restart|shutdown|uninstall|park"),
    Pattern("gateway_stop", "pkill killall", word=r".*hermes.*"),
    Pattern("gateway_stop", "systemctl supervisorctl pm2 service", argument=_VERBS, word=r".*hermes.*"),
    Pattern("root_shell", "su"),
    Pattern("kill_force", "pkill killall skill", word=_KILL_SIGNALS),
    Pattern("kill_force", "kill", argument="1"),
    Pattern("kill_force", "fuser", options=("-k", "--kill")),
    Pattern("crontab_change", "crontab", without=("-l", "-V", *_USUAL_WITHOUT)),
    Pattern("user_accounts", _ACCOUNTS, without=("-S", "--status", *_USUAL_WITHOUT)),
    Pattern("firewall", "iptables ip6tables", options=("-F", "--flush", "-X", "-P", "--policy", "-D", "--delete")),
    Pattern("firewall", "nft", ("flush|delete|destroy",)),
    Pattern("firewall", "ufw", ("disable|reset|delete|default|allow",)),
    Pattern("firewall", "firewall-cmd", word=r"--(remove|add|set|panic).*"),
    Pattern("firewall", "pfctl", options=("-d", "-F")),
    Pattern("security_off", "setenforce", argument="0|permissive|Permissive"),
    Pattern("security_off", "spctl csrutil", word=r"--master-disable|--global-disable|disable"),
    Pattern("security_off", "aa-teardown aa-disable"),
    Pattern("security_off", "auditctl", options=("-D",)),
    Pattern("history_clear", "history", options=("-c", "-d")),
    Pattern("package_remove", _PACKAGES, ("remove|purge|autoremove|erase|uninstall|del|delete|rm",)),
    Pattern("package_remove", "pacman yay paru", word=r"-R\w*|--remove"),
    Pattern("package_remove", "rpm", options=("-e", "--erase")),
    Pattern("package_remove", "dpkg", options=("-r", "-P", "--remove", "--purge")),
    Pattern("kernel_settings", "sysctl", options=("-w", "--write")),
    Pattern("kernel_settings", "sysctl", argument=r"[\w./-]+=.*"),
    Pattern("kernel_settings", "modprobe rmmod insmod", argument=r".+"),
    Pattern("mount_change", "umount swapoff", word=r"[^-].*|-a|--all"),
    Pattern("mount_change", "mount", word=r".*remount.*"),
    Pattern(
        "change_partitions",
        "fdisk sfdisk gdisk sgdisk cfdisk parted gparted",
        argument=r"/dev/.+",
        without=("-l", "--list", "-p", "--print", "-d", "--dump", *_USUAL_WITHOUT),
    ),
    Pattern("volume_remove", "lvremove vgremove pvremove lvreduce", argument=r".+"),
    Pattern("volume_remove", "zfs zpool", ("destroy|rollback|labelclear",)),
    Pattern("volume_remove", "btrfs", ("subvolume|device", "delete|remove")),
    Pattern("volume_remove", "mdadm", word=r"--zero-superblock|--stop|-S|--remove|--fail"),
)


def _by_program() -> Mapping[str, tuple[Pattern, ...]]:
    found: dict[str, list[Pattern]] = {}
    for pattern in PATTERNS:
        for program in pattern.programs.split():
            found.setdefault(program, []).append(pattern)
    return MappingProxyType({program: tuple(patterns) for program, patterns in found.items()})


#: Program -> the patterns it may match.
BY_PROGRAM: Final = _by_program()
