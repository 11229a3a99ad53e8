"""git, by sub-command. Left out on purpose: configuration (`-c`, `config`), other programs (`--ext-diff`,
`-O`, `--upload-pack`, `--exec`), other repositories (`-C`, `--git-dir`, addresses), output files, and
every form that forces, rewrites or throws away. What publishes (`push`) must be named by the rule.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from shammah_tui.tools.permission.profiles.git_flag import (
    DIFF_FLAGS,
    DIFF_OPTIONAL,
    DIFF_VALUES,
    LIST,
    LOG_FLAGS,
    LOG_OPTIONAL,
    LOG_VALUES,
)
from shammah_tui.tools.permission.profiles.shape import Kind, Profile, Refused, Use, kinds_of, version_only, words_of
from shammah_tui.tools.permission.syntax import Word

_DIFF = Profile(
    DIFF_FLAGS | words_of("--cached --staged --merge-base --base --ours --theirs"),
    DIFF_VALUES,
    DIFF_OPTIONAL,
    operands=Kind.REVISION,
)
_LOG = Profile(LOG_FLAGS, LOG_VALUES, LOG_OPTIONAL, operands=Kind.REVISION, has_count=True)
PROFILES: dict[str, Profile] = {
    "status": Profile(
        words_of(
            "-s -b -v -z --short --branch --show-stash --porcelain --long --verbose --ahead-behind --no-ahead-behind "
            "--renames --no-renames --ignored --untracked-files"
        ),
        {},
        kinds_of(name="-u --untracked-files --porcelain --ignored --ignore-submodules --column --find-renames"),
        operands=Kind.REVISION,
    ),
    "diff": _DIFF,
    "log": _LOG,
    "show": _LOG,
    "shortlog": Profile(
        words_of("-s -n -e -c --summary --numbered --email --committer --all --no-merges --merges"),
        kinds_of(text="--since --until --after --before --author --grep"),
        kinds_of(text="--format --group"),
        operands=Kind.REVISION,
    ),
    "reflog": _LOG,
    "whatchanged": _LOG,
    "range-diff": _LOG,
    "diff-tree": replace(_DIFF, flags=DIFF_FLAGS | words_of("-r -t -m -c --cc --root --no-commit-id --always")),
    "diff-index": _DIFF,
    "diff-files": _DIFF,
    "show-branch": Profile(
        words_of("-a -r --all --remotes --current --topo-order --date-order --sparse --list --no-name --sha1-name"),
        operands=Kind.NAME,
    ),
    "cherry": Profile(words_of("-v"), kinds_of(number="--abbrev"), operands=Kind.REVISION),
    "symbolic-ref": Profile(words_of("-q --short --quiet"), operands=Kind.NAME, operands_min=1, operands_max=1),
    "restore": Profile(words_of("-S -q --staged --quiet"), operands=Kind.REVISION, operands_min=1, changes=True),
    "rev-list": Profile(
        LOG_FLAGS | words_of("--count --objects --quiet"),
        LOG_VALUES,
        LOG_OPTIONAL,
        operands=Kind.REVISION,
        has_count=True,
    ),
    "rev-parse": Profile(
        words_of(
            "-q --abbrev-ref --short --verify --quiet --symbolic --symbolic-full-name --show-toplevel --show-prefix "
            "--show-cdup --git-dir --absolute-git-dir --git-common-dir --is-inside-work-tree --is-inside-git-dir "
            "--is-bare-repository --is-shallow-repository --all --branches --tags --remotes --show-object-format"
        ),
        {},
        kinds_of(number="--short", name="--abbrev-ref"),
        operands=Kind.REVISION,
    ),
    "branch": Profile(
        words_of(
            "-a -r -v -vv -l -i --all --remotes --verbose --list --show-current --no-color --no-column --no-abbrev "
            "--ignore-case --color --column --merged --no-merged"
        ),
        LIST,
        kinds_of(number="--abbrev"),
        operands=Kind.TEXT,
        operands_max=2,
    ),
    "tag": Profile(
        words_of("-l -i --list --no-column --ignore-case --column --color --merged --no-merged"),
        LIST,
        kinds_of(number="-n"),
        operands=Kind.TEXT,
    ),
    "describe": Profile(
        words_of("--tags --all --always --long --dirty --contains --exact-match --first-parent --debug"),
        kinds_of(text="--match --exclude", number="--candidates"),
        kinds_of(number="--abbrev", name="--dirty"),
        operands=Kind.REVISION,
    ),
    "ls-files": Profile(
        words_of(
            "-c -d -m -o -i -s -u -k -t -v -z --cached --deleted --modified --others --ignored --stage --unmerged "
            "--killed --exclude-standard --full-name --directory --no-empty-directory --error-unmatch "
            "--deduplicate --eol"
        ),
        kinds_of(text="-x --exclude --format"),
        kinds_of(number="--abbrev"),
        operands=Kind.REVISION,
    ),
    "ls-tree": Profile(
        words_of("-d -r -t -l -z --long --name-only --name-status --object-only --full-name --full-tree"),
        {},
        kinds_of(number="--abbrev", text="--format"),
        operands=Kind.REVISION,
    ),
    "blame": Profile(
        words_of(
            "-b -c -e -f -l -n -p -s -t -w -M -C --root --porcelain --line-porcelain --show-name --show-number "
            "--show-email --show-stats --first-parent"
        ),
        kinds_of(text="-L --since"),
        kinds_of(name="--date", number="--abbrev"),
        operands=Kind.REVISION,
    ),
    "grep": Profile(
        words_of(
            "-a -c -E -F -G -h -H -i -I -l -L -n -o -p -P -q -r -v -w -W -z --and --or --not --all-match --text "
            "--ignore-case --word-regexp --invert-match --extended-regexp --basic-regexp --perl-regexp "
            "--fixed-strings --line-number "
            "--column --files-with-matches --name-only --files-without-match --only-matching --count --color "
            "--no-color --break "
            "--heading --show-function --function-context --quiet --cached --untracked --full-name --recursive"
        ),
        kinds_of(
            number="-A -B -C -m --after-context --before-context --context --max-depth --threads --max-count",
            text="-e",
        ),
        kinds_of(name="--color"),
        operands=Kind.REVISION,
        first=Kind.TEXT,
        replaces_first=words_of("-e"),
        has_count=True,
    ),
    "cat-file": Profile(words_of("-p -t -s -e"), operands=Kind.REVISION, operands_max=2),
    "merge-base": Profile(
        words_of("-a --all --is-ancestor --fork-point --octopus --independent"), operands=Kind.REVISION
    ),
    "name-rev": Profile(words_of("--name-only --tags --always"), operands=Kind.REVISION),
    "for-each-ref": Profile(
        words_of("--ignore-case --merged --no-merged"),
        kinds_of(text="--format --sort", number="--count"),
        kinds_of(name="--contains --points-at --merged --no-merged"),
        operands=Kind.NAME,
    ),
    "show-ref": Profile(
        words_of("--head --heads --branches --tags -s -q --verify --hash -d --dereference"), operands=Kind.NAME
    ),
    "count-objects": Profile(words_of("-v -H --verbose --human-readable"), operands=Kind.NONE),
    "check-ignore": Profile(words_of("-v -n -q --verbose --non-matching --quiet --no-index")),
    "add": Profile(
        words_of("-A -u -v -n -N --all --update --verbose --dry-run --intent-to-add --no-all"),
        operands=Kind.REVISION,
        changes=True,
    ),
    "commit": Profile(
        words_of("-a -q -v -s --all --quiet --verbose --signoff --dry-run --no-edit --allow-empty"),
        kinds_of(text="-m --message"),
        operands=Kind.REVISION,
        changes=True,
    ),
    "switch": Profile(
        words_of("-q -t --quiet --track --no-track --guess --no-guess"),
        kinds_of(name="-c --create"),
        operands=Kind.NAME,
        operands_min=0,
        operands_max=2,
        changes=True,
    ),
}

_STASH = Profile(
    words_of("-u -q -k --include-untracked --quiet --keep-index --staged -S"),
    kinds_of(text="-m --message"),
    operands=Kind.REVISION,
    changes=True,
)
# Two words; the second one chooses.
NESTED: dict[tuple[str, str], Profile] = {
    ("stash", "list"): _LOG,
    ("stash", "show"): replace(_LOG, flags=LOG_FLAGS | words_of("--include-untracked --only-untracked")),
    ("stash", "push"): _STASH,
    ("stash", "pop"): Profile(words_of("-q --quiet --index"), operands=Kind.REVISION, operands_max=1, changes=True),
    ("stash", "apply"): Profile(words_of("-q --quiet --index"), operands=Kind.REVISION, operands_max=1, changes=True),
    ("remote", "get-url"): Profile(words_of("--all --push"), operands=Kind.NAME, operands_max=1),
    ("worktree", "list"): Profile(words_of("-v --porcelain -z --verbose"), operands=Kind.NONE),
    ("submodule", "status"): Profile(words_of("--cached --recursive"), operands=Kind.PATH),
}

# These reach the remote that the repository names; an address, a refspec with `+` or `:` and forcing are refused.
REMOTE: dict[str, Profile] = {
    "fetch": Profile(
        words_of("-p -q -v -t --all --prune --quiet --verbose --tags --no-tags --dry-run"),
        operands=Kind.NAME,
        changes=True,
    ),
    "pull": Profile(
        words_of("-q -v --quiet --verbose --ff-only --rebase --no-rebase --ff"),
        operands=Kind.NAME,
        operands_max=2,
        changes=True,
    ),
    "push": Profile(
        words_of("-q -v -u -n --quiet --verbose --set-upstream --dry-run"),
        operands=Kind.NAME,
        operands_max=2,
        changes=True,
    ),
}
# No dot and no closing slash: what looks like a file or a folder is taken for one.
_BRANCH = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_/-]*[A-Za-z0-9_-])?\Z|v?[0-9]+(?:\.[0-9]+)+\Z|-\Z")
_TAG = Profile(
    words_of("-a --annotate"),
    kinds_of(text="-m --message"),
    operands=Kind.NAME,
    operands_min=1,
    operands_max=2,
    changes=True,
)
_LISTS_TAGS = words_of("-l --list --contains --no-contains --points-at --merged --no-merged")
_REMOTE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]*\Z")
_HARMLESS_GLOBALS = words_of("--no-pager -P --no-optional-locks --literal-pathspecs")


def judge(words: Sequence[Word]) -> Use:
    """Read `git …`. Raises Refused."""
    if version_only(words):
        return Use()
    at = 1
    while at < len(words) and words[at].text in _HARMLESS_GLOBALS:
        at += 1
    if at == len(words) or words[at].is_glob:
        raise Refused("it names no sub-command")
    name = words[at].text
    if name.startswith("-"):
        raise Refused(f"the flag `{name}` is not known to be harmless")
    rest = words[at + 1 :]
    use = Use(runs_project=True, reads_folder=True, grant=at + 1)
    if name in REMOTE:
        return _judge_remote(name, rest, use)
    nested = NESTED.get((name, rest[0].text)) if rest else None
    if nested is not None:
        use.grant = at + 2
        return nested.read(rest[1:], use)
    if name == "remote" and all(word.text in ("-v", "--verbose") for word in rest):
        return use
    if name == "remote" and [word.text for word in rest] == ["show"]:
        return use
    if name == "switch" and [word.text for word in rest] == ["-"]:
        use.changes = True
        return use
    if name == "checkout":
        return _judge_checkout(rest, use)
    if name == "stash" and (not rest or rest[0].text.startswith("-")):
        return _STASH.read(rest, use)
    if name == "version" and not rest:
        return use
    if name not in PROFILES:
        raise Refused(f"`git {name}` is not known to be harmless")
    if name == "tag" and _makes_tag(rest):
        return _TAG.read(rest, use)
    use.changes = _makes_branch(name, rest)
    _check_form(name, rest)
    return PROFILES[name].read(rest, use)


def _makes_branch(name: str, rest: Sequence[Word]) -> bool:
    return name == "branch" and bool(rest) and not any(word.text.startswith("-") for word in rest)


def _makes_tag(rest: Sequence[Word]) -> bool:
    """`git tag NAME`, `git tag -a NAME -m TEXT`."""
    texts = [word.text for word in rest]
    return bool(texts) and (
        not texts[0].startswith("-") or {"-a", "-m", "-am", "--annotate", "--message"} & {*texts} != set()
    )


def _check_form(name: str, rest: Sequence[Word]) -> None:
    """Refuse the forms of a listing sub-command that change something."""
    texts = [word.text for word in rest]
    operands = [text for text in texts if not text.startswith("-")]
    if name == "reflog" and operands and operands[0] in ("delete", "expire", "drop", "exists", "write"):
        raise Refused(f"`git reflog {operands[0]}` changes the log")
    if name == "tag" and operands and not any(text.partition("=")[0] in _LISTS_TAGS for text in texts):
        raise Refused("this form of `git tag` is not known to be harmless")
    if name == "restore" and not {"-S", "--staged"} & {*texts}:
        raise Refused("it throws changes away")
    if name == "commit" and not any(
        text.startswith(("-m", "-am", "--message", "-qm", "-sm", "-asm")) for text in texts
    ):
        raise Refused("without -m it opens an editor")


def _judge_remote(name: str, rest: Sequence[Word], use: Use) -> Use:
    for word in rest:
        if not word.text.startswith("-") and not _REMOTE_NAME.match(word.text):
            raise Refused(f"`{word.text}` is not a plain name")
    use.literal_words = use.grant if name == "push" else 1
    return REMOTE[name].read(rest, use)


def _judge_checkout(rest: Sequence[Word], use: Use) -> Use:
    """A new branch, or one that is there: git itself refuses to lose changes then. A word that is the path of a file
    would throw its changes away."""
    texts = [word.text for word in rest]
    is_new = len(texts) in (2, 3) and texts[0] == "-b" and all(_REMOTE_NAME.match(text) for text in texts[1:])
    if not is_new and (len(texts) != 1 or not _BRANCH.match(texts[0])):
        raise Refused("it may throw changes away")
    use.changes = True
    use.not_paths += [] if is_new else [rest[0]]
    return use
