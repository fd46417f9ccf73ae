#!/usr/bin/env bash
# Train on a cluster, or with KIND=local on this machine: tau2_rl.sh [key=value ...]
# PYTHON names the interpreter; CONFIG another configuration file.
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)

exec "${PYTHON:-python3}" "$here/tau2_launch.py" "${KIND:-slurm}" \
    "$here/tau2_train.py" \
    --config "${CONFIG:-$here/config.yaml}" \
    "$@"
