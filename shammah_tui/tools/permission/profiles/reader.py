"""Programs that only read and print. What is left out writes (`sort -o`), runs (`rg --pre`), follows symlinks out of
the project (`grep -R`), reads a list of further files (`wc --files0-from`), or never ends.
"""

from __future__ import annotations

from shammah_tui.tools.permission.profiles.shape import Kind, Profile, kinds_of, words_of

_COLOR = {"--color": Kind.NAME, "--colour": Kind.NAME}

_LS = Profile(
    words_of(
        "-a -A -b -B -c -C -d -f -F -g -G -h -H -i -k -l -L -m -n -N -o -p -q -Q -r -R -s -S -t -u -U -v -x -X -1 -Z "
        "--all --almost-all --author --directory --human-readable --inode --recursive --reverse --size --full-time "
        "--group-directories-first --no-group --numeric-uid-gid --si --literal --quote-name --file-type --classify"
    ),
    kinds_of(name="-I --ignore --hide --block-size", number="-w -T --width"),
    {**_COLOR, **kinds_of(name="--sort --time --format --indicator-style --quoting-style", text="--time-style")},
    is_glob_safe=True,
    reads_folder=True,
)
_CAT = Profile(
    words_of(
        "-A -b -e -E -n -s -t -T -u -v --show-all --number-nonblank --show-ends --number --squeeze-blank --show-tabs "
        "--show-nonprinting"
    ),
    is_glob_safe=True,
)
_HEAD = Profile(
    words_of("-q -v -z --quiet --silent --verbose --zero-terminated"),
    kinds_of(number="-n -c --lines --bytes"),
    has_count=True,
    is_glob_safe=True,
)
_TAIL = Profile(
    words_of("-q -v -z -f -F -r --quiet --silent --verbose --zero-terminated --follow"),
    kinds_of(number="-n -c --lines --bytes"),
    has_count=True,
    is_glob_safe=True,
)
_WC = Profile(words_of("-c -l -L -m -w --bytes --lines --chars --words --max-line-length"), is_glob_safe=True)
_GREP = Profile(
    words_of(
        "-a -b -c -E -F -G -h -H -i -I -l -L -n -o -P -q -r -s -T -v -w -x -y -z -Z --extended-regexp "
        "--fixed-strings "
        "--basic-regexp --perl-regexp --ignore-case --no-ignore-case --invert-match --word-regexp --line-regexp "
        "--count --files-with-matches --files-without-match --only-matching --quiet --silent --no-messages "
        "--byte-offset "
        "--with-filename --no-filename --line-number --initial-tab --null --text --recursive --null-data "
        "--line-buffered"
    ),
    kinds_of(
        number="-A -B -C -m --after-context --before-context --context --max-count",
        text="-e --regexp --exclude --exclude-dir --label",
        filter="--include",
        folders="-d --directories",
        name="-D --devices --binary-files",
        path="-f --file --exclude-from",
    ),
    _COLOR,
    first=Kind.TEXT,
    replaces_first=words_of("-e -f --regexp --file"),
    has_count=True,
    reads_folder=True,
    folder_flags=words_of("-r --recursive"),
    is_glob_safe=True,
)
_RG = Profile(
    words_of(
        "-a -c -F -H -h -i -I -l -n -N -o -p -P -q -s -S -U -v -w -x -0 --text --count --count-matches "
        "--fixed-strings "
        "--with-filename --no-filename --ignore-case --files-with-matches --files-without-match --line-number --json "
        "--no-line-number --only-matching --pretty --pcre2 --quiet --case-sensitive --smart-case --multiline "
        "--multiline-dotall --invert-match --word-regexp --line-regexp --null --files --column --no-column --heading "
        "--no-heading --stats --trim --vimgrep --no-config --no-ignore --no-ignore-vcs --type-list --debug --crlf "
        "--no-messages --sort-files --passthru --no-mmap --mmap --block-buffered --line-buffered --unicode "
        "--version --one-file-system --glob-case-insensitive"
    ),
    kinds_of(
        number="-A -B -C -m -M -j -d --after-context --before-context --context --max-count --max-columns --threads "
        "--max-depth --maxdepth --max-filesize",
        filter="-g --glob --iglob",
        text="-e --regexp -r --replace --context-separator --path-separator --colors",
        name="-t -T -E --type --type-not --sort --sortr --color --engine --encoding",
        path="-f --file --ignore-file",
    ),
    first=Kind.TEXT,
    replaces_first=words_of("-e -f --regexp --file --files --type-list --version"),
    reads_folder=True,
    searches_below=True,
    lists_only=words_of("--files --type-list --version"),
)
_SORT = Profile(
    words_of(
        "-b -c -C -d -f -g -h -i -m -M -n -r -R -s -u -V -z --ignore-leading-blanks --dictionary-order --ignore-case "
        "--general-numeric-sort --human-numeric-sort --month-sort --numeric-sort --reverse --stable --unique "
        "--version-sort --check --merge --zero-terminated --debug"
    ),
    kinds_of(text="-k -t --key --field-separator"),
    kinds_of(name="--sort"),
)
_UNIQ = Profile(
    words_of("-c -d -D -i -u -z --count --repeated --unique --ignore-case"),
    kinds_of(number="-f -s -w --skip-fields --skip-chars --check-chars"),
    operands_max=1,
)
_CUT = Profile(
    words_of("-n -s -z --only-delimited --complement --zero-terminated"),
    kinds_of(text="-b -c -d -f --bytes --characters --delimiter --fields --output-delimiter"),
)
_TR = Profile(words_of("-c -C -d -s -t --complement --delete --squeeze-repeats"), operands=Kind.TEXT, operands_max=2)
_DIFF = Profile(
    words_of(
        "-a -b -B -c -d -e -E -i -n -N -p -q -r -s -t -T -u -w -y -Z --text --brief --recursive --new-file "
        "--ignore-case --ignore-all-space --ignore-space-change --ignore-blank-lines --side-by-side --minimal "
        "--report-identical-files --suppress-common-lines --unified --strip-trailing-cr --no-dereference"
    ),
    kinds_of(number="-C -U -W --width", text="-x --exclude -I --ignore-matching-lines -L --label"),
    {**_COLOR, **kinds_of(number="--unified --context")},
    operands_max=2,
    operands_min=2,
)
_PLAIN_FILTER = Profile(is_glob_safe=True)
_CHECKSUM = Profile(words_of("-b -t -z --binary --text --tag"), kinds_of(number="-a --algorithm"))
_DU = Profile(
    words_of(
        "-a -b -c -h -k -m -s -S -x -0 --all --bytes --total --human-readable --summarize --apparent-size --si "
        "--separate-dirs --one-file-system"
    ),
    kinds_of(number="-d --max-depth -t --threshold", text="--exclude"),
    is_glob_safe=True,
    reads_folder=True,
)
_TREE = Profile(
    words_of(
        "-a -d -f -i -p -s -h -u -g -D -F -q -N -Q -r -t -c -U -v -S -n -C -J -x --dirsfirst --noreport --prune --du "
        "--gitignore --filesfirst --ignore-case --matchdirs"
    ),
    kinds_of(number="-L --filelimit", text="-I -P", name="--sort --charset"),
    reads_folder=True,
)

_TOUCH = Profile(words_of("-a -c -m --no-create"), operands_min=1, changes=True)
_MKDIR = Profile(words_of("-p -v --parents --verbose"), operands_min=1, changes=True)

MAKERS: dict[str, Profile] = {"mkdir": _MKDIR, "touch": _TOUCH}
"""They make what was not there, and change nothing that was."""
READERS: dict[str, Profile] = {
    "ls": _LS,
    "cat": _CAT,
    "head": _HEAD,
    "tail": _TAIL,
    "wc": _WC,
    "grep": _GREP,
    "egrep": _GREP,
    "fgrep": _GREP,
    "rg": _RG,
    "sort": _SORT,
    "uniq": _UNIQ,
    "cut": _CUT,
    "tr": _TR,
    "diff": _DIFF,
    "du": _DU,
    "tree": _TREE,
    "cmp": Profile(
        words_of("-b -l -s --print-bytes --verbose --quiet --silent"), kinds_of(number="-n -i"), operands_max=2
    ),
    "comm": Profile(words_of("-1 -2 -3 -i -z --total --check-order --nocheck-order"), operands_max=2),
    "join": Profile(words_of("-i -z --header"), kinds_of(number="-1 -2 -a -v", text="-t -o -e"), operands_max=2),
    "paste": Profile(words_of("-s -z --serial"), kinds_of(text="-d --delimiters")),
    "nl": Profile(words_of("-p"), kinds_of(text="-b -f -h -s -d", number="-i -l -v -w", name="-n"), is_glob_safe=True),
    "tac": _PLAIN_FILTER,
    "rev": _PLAIN_FILTER,
    "fold": Profile(words_of("-b -s --bytes --spaces"), kinds_of(number="-w --width"), is_glob_safe=True),
    "expand": Profile(words_of("-i --initial"), kinds_of(number="-t --tabs")),
    "unexpand": Profile(words_of("-a --all --first-only"), kinds_of(number="-t --tabs")),
    "column": Profile(words_of("-t -x -n -e"), kinds_of(text="-s -o -N -R -H", number="-c")),
    "md5sum": _CHECKSUM,
    "sha1sum": _CHECKSUM,
    "sha256sum": _CHECKSUM,
    "sha512sum": _CHECKSUM,
    "shasum": _CHECKSUM,
    "cksum": _PLAIN_FILTER,
    "strings": Profile(words_of("-a -f -w --all"), kinds_of(number="-n --bytes", name="-t -e")),
    "file": Profile(words_of("-b -i -h -k -L -N -r -0 --brief --mime --mime-type --mime-encoding --no-dereference")),
    "stat": Profile(
        words_of("-f -L -t -x -s --dereference --file-system --terse"),
        kinds_of(text="-c --format --printf"),
        is_glob_safe=True,
    ),
    "df": Profile(words_of("-a -h -H -i -k -l -m -P -T --all --human-readable --inodes --total --print-type")),
    "od": Profile(words_of("-a -b -c -d -o -s -v -x"), kinds_of(name="-A -t", number="-j -N -w")),
    "xxd": Profile(words_of("-a -b -e -i -p -ps -u"), kinds_of(number="-c -g -l -s"), operands_max=1),
    "hexdump": Profile(words_of("-b -c -C -d -o -v -x"), kinds_of(number="-n -s")),
    "basename": Profile(words_of("-a -z --multiple --zero"), kinds_of(text="-s --suffix"), operands=Kind.TEXT),
    "dirname": Profile(words_of("-z --zero"), operands=Kind.TEXT),
    "realpath": Profile(words_of("-e -m -L -P -q -s -z --canonicalize-existing --canonicalize-missing --no-symlinks")),
    "readlink": Profile(words_of("-e -f -m -n -q -s -v -z --canonicalize --no-newline")),
    "pwd": Profile(words_of("-L -P"), operands=Kind.NONE),
    "true": Profile(operands=Kind.TEXT),
    "false": Profile(operands=Kind.TEXT),
    "echo": Profile(words_of("-n -e -E"), operands=Kind.TEXT),
    "whoami": Profile(operands=Kind.NONE),
    "id": Profile(words_of("-u -g -G -n -r -un -gn"), operands=Kind.NONE),
    "uname": Profile(words_of("-a -s -n -r -v -m -p -i -o --all --kernel-name --machine"), operands=Kind.NONE),
    "hostname": Profile(words_of("-s -f -i -I"), operands=Kind.NONE),
    "uptime": Profile(words_of("-p -s --pretty --since"), operands=Kind.NONE),
    "nproc": Profile(words_of("--all"), operands=Kind.NONE),
    "arch": Profile(operands=Kind.NONE),
    "free": Profile(words_of("-b -k -m -g -h -t -w --human --mega --giga --total"), operands=Kind.NONE),
    "which": Profile(words_of("-a -s"), operands=Kind.NAME),
    "type": Profile(words_of("-a -t -p -P -f"), operands=Kind.NAME),
    "seq": Profile(words_of("-w --equal-width"), kinds_of(text="-s --separator"), operands=Kind.NUMBER, operands_max=3),
    "sleep": Profile(operands=Kind.NUMBER, operands_max=1),
}
