# shellcheck shell=bash
# What scripts/run and scripts/test do first: make .venv and install what is missing. Sourced, never run by itself.
# Works with bash 3.2 (macOS). Everything it says goes to standard error, so that `scripts/run query …` can be piped.
#
# A stamp in .venv holds a checksum of all that decides its contents; while it matches, nothing is run and no network is
# needed. An interrupted set-up has no stamp and is taken up again; pip skips what is there.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
VENV=$ROOT/.venv
STATE=$ROOT/.setup
LOG=$STATE/setup.log
LLAMA_CPP_VERSION=$(sed -n 's/^llama_cpp_python==//p' "$ROOT/scripts/constraints.txt")
TORCH_CPU_INDEX=https://download.pytorch.org/whl/cpu
STEP_PID=""

# No `grep -q` after a pipe in this file: it leaves early, and with pipefail what wrote to it has then failed.

say() { printf '%s\n' "$*" >&2; }

die() { # message, then what to do next, a line each
  printf '\nshammah set-up: %s\n' "$1" >&2
  shift
  local line
  for line in "$@"; do printf '  %s\n' "$line" >&2; done
  exit 1
}

# ensure_venv run|test: return at once when .venv is as it should be, else make it so. Exits with 1 where that fails.
ensure_venv() {
  local wanted=$1
  if is_current "$wanted"; then return; fi
  mkdir -p "$STATE" || die "cannot write to $ROOT." "Clone into a folder of yours."
  local python
  python=$(find_python) || exit 1
  take_lock "$python"
  # Another set-up may have finished while this one waited.
  if ! is_current "$wanted"; then
    trap 'stop_step; say ""; say "Set-up interrupted. Start again to go on where it stopped."; exit 130' INT TERM HUP
    set_up "$wanted" "$python"
    trap - INT TERM HUP
  fi
  exec 9>&-
}

is_current() {
  local stamp=$VENV/.shammah-$1
  [ -x "$VENV/bin/python" ] && [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(fingerprint)" ]
}

# Everything that decides what .venv holds. Sections of pyproject.toml that only tools read are left out.
fingerprint() {
  {
    printf '%s\n' "$ROOT"
    awk '/^\[/ { keep = !/^\[+tool\.(ruff|mypy|pytest|importlinter)/ } keep' "$ROOT/pyproject.toml"
    cat "$ROOT/scripts/constraints.txt" "$ROOT/scripts/setup.sh" "$ROOT/scripts/llama_cpp.cmake"
    own_cmake_args
    cat "$VENV/pyvenv.cfg" 2>/dev/null
  } | cksum
}

# --- what must be on the machine ---

find_python() {
  local candidate version tried="" without_venv=""
  for candidate in ${SHAMMAH_PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11 python; do
    version=$("$candidate" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null) || continue
    tried="$tried $candidate ($version)"
    "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || continue
    if ! "$candidate" -c 'import ensurepip, venv' 2>/dev/null; then
      without_venv=${version%.*}
      continue
    fi
    say "  Python $version ($(command -v "$candidate"))"
    printf '%s' "$candidate"
    return
  done
  if [ -n "$without_venv" ]; then
    die "Python $without_venv has no venv module." "Debian, Ubuntu:  sudo apt install python$without_venv-venv"
  fi
  die "Python 3.11 or newer is needed. Tried:${tried:- none found}." \
    "Debian, Ubuntu:  sudo apt install python3 python3-venv python3-dev" \
    "Fedora:          sudo dnf install python3 python3-devel" \
    "Arch:            sudo pacman -S python" \
    "macOS:           brew install python@3.13" \
    "Another one:     SHAMMAH_PYTHON=/path/to/python scripts/run"
}

check_compiler() {
  local compiler
  for compiler in ${CXX:-} c++ g++ clang++; do
    # On macOS c++ is there without the tools, and fails: so it is run.
    if "$compiler" --version >/dev/null 2>&1; then
      say "  C++ compiler: $("$compiler" --version 2>/dev/null | sed -n 1p)"
      if command -v cmake >/dev/null; then
        say "  $(cmake --version | sed -n 1p)"
      else
        say "  cmake is not installed: pip brings its own for the build"
      fi
      return
    fi
  done
  die "llama.cpp is compiled for this machine, and there is no C++ compiler." \
    "Debian, Ubuntu:  sudo apt install build-essential cmake" \
    "Fedora:          sudo dnf install gcc-c++ cmake" \
    "Arch:            sudo pacman -S base-devel cmake" \
    "macOS:           xcode-select --install   (and, if you like: brew install cmake)" \
    "Then start this again."
}

has_nvidia_gpu() { command -v nvidia-smi >/dev/null && nvidia-smi -L 2>/dev/null | grep '^GPU ' >/dev/null; }

# --- one set-up at a time ---

# The lock belongs to descriptor 9 of this shell: the kernel drops it with the process, so it can never be stale.
take_lock() {
  exec 9>"$STATE/lock"
  if ! "$1" -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX | fcntl.LOCK_NB)' 2>/dev/null; then
    say "Another set-up of this checkout is running; waiting for it …"
    "$1" -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX)' || exit 130
  fi
}

# --- the steps ---

set_up() {
  local wanted=$1 python=$2
  say "Setting up Shammah in $VENV (once). Log: $LOG"
  : >"$LOG"
  make_venv "$python"
  step "pip" "$VENV/bin/python" -m pip install --upgrade "pip>=25.1" hatchling -c "$ROOT/scripts/constraints.txt"
  install_llama_cpp
  printf '%s' "$(own_cmake_args)" >"$STATE/cmake_args.new"
  mv "$STATE/cmake_args.new" "$STATE/cmake_args"
  install_packages "$wanted"
  fingerprint >"$VENV/.shammah-$wanted"
  # The development set holds all that running needs.
  if [ "$wanted" = test ]; then cp "$VENV/.shammah-test" "$VENV/.shammah-run"; fi
  say "Set-up is complete: from now on it starts at once, and works offline."
}

make_venv() {
  local made_at=""
  if [ -f "$VENV/.shammah-root" ]; then made_at=$(cat "$VENV/.shammah-root"); fi
  if [ -n "$made_at" ] && [ "$made_at" != "$ROOT" ]; then
    say "  this folder was moved: $VENV is made anew"
    rm -rf "$VENV"
  elif [ -d "$VENV" ] && ! "$VENV/bin/python" -m pip --version >/dev/null 2>&1; then
    say "  $VENV is not usable (Python changed, or its making was interrupted): it is made anew"
    rm -rf "$VENV"
  fi
  if [ ! -d "$VENV" ]; then
    step "virtual environment" "$1" -m venv "$VENV"
  fi
  printf '%s\n' "$ROOT" >"$VENV/.shammah-root"
}

# The wheel is kept for the next checkout, by what it was built from. (pip's own cache knows a wheel by its version only,
# and would hand out one that was built with other options, or for another processor.)
install_llama_cpp() {
  local options recipe wheels
  options=$(llama_cpp_options)
  recipe=$(llama_cpp_recipe "$options")
  if [ "$(cat "$VENV/.shammah-llama-cpp" 2>/dev/null)" = "$recipe" ]; then return; fi
  wheels=$(cache_folder)/wheels/$recipe
  if [ -d "$wheels" ]; then
    say "  llama.cpp was built for this processor before: $wheels"
  else
    check_compiler
    say "  llama.cpp is compiled now, for exactly this processor${options#-DLLAVA_BUILD=OFF}: that is what makes"
    say "  answers fast, and it takes some minutes (about 5 to 10 on two cores). It is done once."
    rm -rf "$STATE/wheel"
    step "compiling llama.cpp" env CMAKE_ARGS="$options" \
      SKBUILD_CMAKE_DEFINE="CMAKE_PROJECT_ggml_INCLUDE=$ROOT/scripts/llama_cpp.cmake" \
      CMAKE_BUILD_PARALLEL_LEVEL="${CMAKE_BUILD_PARALLEL_LEVEL:-$(core_count)}" \
      "$VENV/bin/python" -m pip wheel --verbose --no-cache-dir --no-deps --no-binary llama-cpp-python \
      --wheel-dir "$STATE/wheel" "llama-cpp-python==$LLAMA_CPP_VERSION"
    keep_wheel "$wheels"
  fi
  step "llama.cpp" "$VENV/bin/python" -m pip install --force-reinstall --no-deps "$wheels"/llama_cpp_python-*.whl
  printf '%s\n' "$recipe" >"$VENV/.shammah-llama-cpp"
}

# keep_wheel folder: all of it or nothing, whatever interrupts it and whoever else does the same.
keep_wheel() {
  local mine=$1.$$
  { mkdir -p "$mine" && mv "$STATE"/wheel/*.whl "$mine"; } 2>>"$LOG" ||
    die "cannot write to ${1%/*}." "XDG_CACHE_HOME=/a/folder/of/yours scripts/run keeps what was compiled there."
  if [ -d "$1" ]; then rm -rf "$mine"; else mv "$mine" "$1"; fi
}

# The person's own options come last, so that they win.
llama_cpp_options() {
  local options="-DLLAVA_BUILD=OFF"
  if command -v nvcc >/dev/null && has_nvidia_gpu; then options="$options -DGGML_CUDA=on"; fi
  printf '%s %s' "$options" "$(own_cmake_args)" | sed 's/ *$//'
}

# What was given once holds for later set-ups of this checkout too; CMAKE_ARGS="" takes it back.
own_cmake_args() {
  if [ -n "${CMAKE_ARGS+given}" ]; then printf '%s' "$CMAKE_ARGS"; else cat "$STATE/cmake_args" 2>/dev/null || true; fi
}

# A checksum of all that decides what the compiler makes of llama.cpp.
llama_cpp_recipe() {
  {
    printf '%s\n' "$LLAMA_CPP_VERSION" "$1"
    cat "$ROOT/scripts/llama_cpp.cmake"
    uname -sm
    awk '/^(flags|Features)/ { print; exit }' /proc/cpuinfo 2>/dev/null || sysctl -n machdep.cpu.brand_string
  } | cksum | tr ' ' -
}

cache_folder() { # that of shammah_tui/paths.py, but never in SHAMMAH_HOME: what was compiled is of use to all homes
  local caches=~/.cache
  if [ "$(uname -s)" = Darwin ]; then caches=~/Library/Caches; fi
  printf '%s' "${XDG_CACHE_HOME:-$caches}/shammah"
}

install_packages() {
  local group="" index=""
  if [ "$1" = test ]; then group="--group dev"; fi
  if wants_cpu_torch; then index="--extra-index-url $TORCH_CPU_INDEX"; fi
  # shellcheck disable=SC2086  # each is nothing or two arguments
  step "Python packages" "$VENV/bin/python" -m pip install --no-build-isolation --editable "$ROOT" $group $index \
    -c "$ROOT/scripts/constraints.txt"
  # pip compiles what it copies, and this it does not copy: a start would wait for it where Python may not write.
  "$VENV/bin/python" -m compileall -q "$ROOT/shammah_tui" >>"$LOG" 2>&1 || true
  # With it, each start imports setuptools' stand-in for distutils, which nothing here asks for.
  rm -f "$VENV"/lib/python3*/site-packages/distutils-precedence.pth
}

# PyPI's torch for Linux brings gigabytes of CUDA. PyTorch's own index has a build without, which pip prefers where it
# sees both (2.13.0+cpu is later than 2.13.0). Where that index cannot be reached pip takes what it finds by its own
# settings: a mirror, or a wheel on disk.
wants_cpu_torch() {
  [ "$(uname -s)" = Linux ] && ! has_nvidia_gpu || return 1
  if "$VENV/bin/python" -c 'import torch' 2>/dev/null; then return 1; fi
  "$VENV/bin/python" - "$TORCH_CPU_INDEX/torch/" 2>>"$LOG" <<'PYTHON'
import sys, urllib.request
urllib.request.urlopen(sys.argv[1], timeout=5).close()
PYTHON
}

core_count() { getconf _NPROCESSORS_ONLN 2>/dev/null || sysctl -n hw.ncpu 2>/dev/null || echo 2; }

# --- running a step in view ---

# step label command…: its output goes to the log, the time that passes to the screen. Exits where the command fails.
step() {
  local label=$1 started=$SECONDS told=0 code=0
  shift
  printf '\n== %s\n$ %s\n' "$label" "$*" >>"$LOG"
  # Its own process group, so that an interruption ends the compiler too; job control is what gives it one.
  set -m
  "$@" </dev/null >>"$LOG" 2>&1 9>&- &
  STEP_PID=$!
  set +m
  while kill -0 "$STEP_PID" 2>/dev/null; do
    show_progress "$label" $((SECONDS - started))
    sleep 0.2
  done
  wait "$STEP_PID" || code=$?
  STEP_PID=""
  if is_terminal; then printf '\r\033[K' >&2; fi
  if [ "$code" -ne 0 ]; then explain_failure "$label"; fi
  say "  $label: $(duration $((SECONDS - started)))"
}

is_terminal() { [ -t 2 ] && [ "${TERM:-dumb}" != dumb ]; }

show_progress() { # label, seconds so far; `told` is the caller's
  if is_terminal; then
    local width
    width=$(($(tput cols 2>/dev/null || echo 80) - 1))
    printf '\r\033[K%s' "$(printf '  %s  %s  %s' "$1" "$(duration "$2")" "$(last_line)" | cut -c "1-$width")" >&2
  elif [ $(($2 / 30)) -gt "$told" ]; then
    told=$(($2 / 30))
    say "  $1 … $(duration "$2")"
  fi
}

last_line() { tail -n 1 "$LOG" 2>/dev/null | tr -cd '[:print:]' | sed 's/^ *//'; }

duration() { if [ "$1" -ge 60 ]; then echo "$(($1 / 60)) min $(($1 % 60)) s"; else echo "$1 s"; fi; }

stop_step() {
  if [ -n "$STEP_PID" ]; then kill -TERM -- "-$STEP_PID" 2>/dev/null || true; fi
}

explain_failure() {
  local next="Read the log; start again to go on where it stopped."
  say ""
  tail -n 25 "$LOG" | sed 's/^/  | /' >&2
  if grep -qi 'no space left' "$LOG"; then
    next="The disk is full: about 6 GB are needed here and in the folder for temporary files."
  elif grep -qiE 'NameResolutionError|ConnectionError|NewConnectionError|ConnectTimeout|ProxyError|SSLError' "$LOG"; then
    next="The package index could not be reached: check the connection (HTTPS_PROXY, PIP_CERT, PIP_INDEX_URL), start again."
  elif grep -qi 'killed signal\|internal compiler error' "$LOG"; then
    next="The compiler ran out of memory: CMAKE_BUILD_PARALLEL_LEVEL=1 $0 compiles one file at a time."
  elif grep -qi 'Python.h: No such file' "$LOG"; then
    next="Python's headers are missing: sudo apt install python3-dev (Fedora: python3-devel)."
  elif grep -qi 'cmake error' "$LOG"; then
    next="cmake could not configure the build: its first error in the log says why (an old cmake, a wrong CMAKE_ARGS)."
  fi
  die "this step failed: $1. The whole log: $LOG" "$next"
}
