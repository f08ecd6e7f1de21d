#!/bin/sh
# Rewrites the locks: hash-locked, and free of any host, index name or path. Needs uv.
set -eu
cd "$(dirname "$0")/.."
compile() {
  uv pip compile --quiet --python-version 3.11 --universal --generate-hashes --no-emit-index-url --no-header \
    --no-annotate --extra suite pyproject.toml "$@"
}
# The widest first: the others then agree with it version by version.
compile --group test -o requirements/test.txt
compile --group build -c requirements/test.txt -o requirements/cpu.txt
compile --group build --extra cuda -c requirements/test.txt -o requirements/cuda.txt
compile --group build --group slurm -c requirements/test.txt -o requirements/slurm.txt
# The installer itself, which plain pip fetches first.
echo "uv==0.13.9" | uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --no-annotate - \
  -o requirements/uv.txt
