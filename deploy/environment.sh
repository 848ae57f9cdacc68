#!/usr/bin/env bash
# Makes the project's own Python environment in .venv from a lock file (every package pinned by its hash).
#   deploy/environment.sh runtime | dev
# Needs Python 3.11 or newer; installs Debian's python3-venv where it is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
kind=${1:?runtime or dev}
case "$kind" in
  runtime) lock=requirements.lock ;;
  dev) lock=requirements-dev.lock ;;
  *) echo "runtime or dev, not $kind" >&2; exit 2 ;;
esac
stamp=.venv/.$kind
if [ -e "$stamp" ] && cmp -s "$stamp" "$lock"; then exit 0; fi

python=$(command -v python3.11 || command -v python3 || true)
[ -n "$python" ] && "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
  echo "Python 3.11 or newer is needed: install python3.11, then run make again." >&2; exit 1; }

if ! "$python" -c 'import ensurepip' 2>/dev/null; then
  sudo=$([ "$(id -u)" = 0 ] || command -v sudo || true)
  echo "Installing python3-venv, which this Python lacks …"
  $sudo apt-get -qq update && DEBIAN_FRONTEND=noninteractive $sudo apt-get -qq install -y python3-venv
fi

echo "Making the environment (.venv) from $lock …"
[ -x .venv/bin/python ] || "$python" -m venv .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r "$lock"
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
.venv/bin/python -m compileall -q services shared
cp "$lock" "$stamp"
