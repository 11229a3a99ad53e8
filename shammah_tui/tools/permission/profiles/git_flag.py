"""The flags that git's sub-commands share: those of diff, of log, and of the lists of branches and tags."""

from __future__ import annotations

from shammah_tui.tools.permission.profiles.shape import Kind, kinds_of, words_of

DIFF_FLAGS = words_of(
    "-p -u -s -w -b -a -z -R -W -B -M -C -q --patch --no-patch --raw --patch-with-raw --stat --numstat --shortstat "
    "--summary --name-only --name-status --check --full-index --binary --text --ignore-all-space "
    "--ignore-space-change "
    "--ignore-space-at-eol --ignore-blank-lines --ignore-cr-at-eol --minimal --patience --histogram --no-renames "
    "--no-color --no-ext-diff --no-textconv --exit-code --quiet --function-context --pickaxe-all --pickaxe-regex "
    "--compact-summary --cumulative --patch-with-stat --no-prefix --default-prefix --find-copies-harder "
    "--color-moved "
    "--no-relative --cc -c -m --combined-all-paths --indent-heuristic --no-indent-heuristic"
)
DIFF_VALUES = kinds_of(
    number="-U -l",
    text="-S -G -I --ignore-matching-lines --src-prefix --dst-prefix --line-prefix",
    name="--diff-filter",
) | {"--diff-algorithm": Kind.NAME, "--anchored": Kind.TEXT}
DIFF_OPTIONAL = kinds_of(
    number="--unified --abbrev --inter-hunk-context",
    name="--color --word-diff --color-moved --submodule --ws-error-highlight --diff-merges --find-renames "
    "--find-copies --stat --dirstat",
    text="--word-diff-regex --color-words",
    path="--relative",
)
LOG_FLAGS = DIFF_FLAGS | words_of(
    "--oneline --graph --all --merges --no-merges --first-parent --reverse --decorate --no-decorate --follow "
    "--abbrev-commit --no-abbrev-commit --branches --tags --remotes --date-order --topo-order --author-date-order "
    "--source --walk-reflogs -g -i -E -F -P --regexp-ignore-case --extended-regexp --fixed-strings --perl-regexp "
    "--all-match "
    "--invert-grep --left-right --cherry --cherry-pick --cherry-mark --left-only --right-only --full-history "
    "--simplify-merges --ancestry-path --no-walk --parents --children --boundary --notes --no-notes --log-size "
    "--clear-decorations --simplify-by-decoration --relative-date --no-mailmap --mailmap --use-mailmap "
    "--expand-tabs --no-expand-tabs "
    "--reflog --dense --sparse --no-abbrev -t --pretty --full-diff"
)
LOG_VALUES = DIFF_VALUES | kinds_of(
    number="-n --max-count --skip --min-parents --max-parents",
    revision="-L",
    text="--author --committer --grep --since --until --after --before --since-as-filter --format --grep-reflog",
)
LOG_OPTIONAL = DIFF_OPTIONAL | kinds_of(
    text="--pretty --format --date --branches --tags --remotes --glob --exclude --encoding",
    name="--decorate --decorate-refs --decorate-refs-exclude --no-walk --show-notes",
)
LIST = kinds_of(
    text="--sort --format --contains --no-contains --points-at --merged --no-merged", name="--color --column"
)
