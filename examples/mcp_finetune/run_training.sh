#!/bin/sh
# Data, training, evaluation, release: the pipeline of dvc.yaml, then a sync to the Hub as the configuration says.
set -eu

usage() {
    cat <<'TEXT'
Usage: ./run_training.sh [--config FILE] [--experiment-name NAME] [--version-tag TAG]
                         [--skip-hf-sync | --force-hf-sync]

  --config FILE            project configuration (default: the one params.yaml names)
  --experiment-name NAME   name of the experiment's record (default: the one in params.yaml)
  --version-tag TAG        version to release (default: made from the configured format)
  --skip-hf-sync           train only, send nothing
  --force-hf-sync          sync even if the configuration says no
  -h, --help               show this text
TEXT
}

wrong() {
    echo "run_training.sh: $1" >&2
    usage >&2
    exit 2
}

# `yaml_value FILE KEY...` prints a value of a YAML file.
yaml_value() {
    python - "$@" <<'PYTHON'
import sys, yaml

value = yaml.safe_load(open(sys.argv[1], encoding="utf-8"))
for key in sys.argv[2:]:
    value = value[key]
print(value)
PYTHON
}

# Changes a key of params.yaml, which has one `key: value` a line, and leaves the rest as it is.
set_param() {
    [ "$(yaml_value params.yaml "$1")" = "$2" ] && return
    python - "$1" "$2" <<'PYTHON'
import pathlib, sys, yaml

key, value = sys.argv[1:]
line = yaml.safe_dump({key: value}, allow_unicode=True, width=10_000).rstrip("\n")
path = pathlib.Path("params.yaml")
lines = path.read_text(encoding="utf-8").split("\n")
path.write_text("\n".join(line if old.startswith(f"{key}:") else old for old in lines), encoding="utf-8")
PYTHON
    echo "params.yaml: $1 is now $2"
}

# Whether a key of the configuration is true; a wrong configuration ends the script with its errors.
is_true() {
    value=$(hfver config show "$1" --config "$config") || exit $?
    printf '%s\n' "$value" | grep -q "^$1	true	"
}

cd "$(dirname "$0")"
config= name= version= mode=auto
while [ $# -gt 0 ]; do
    case $1 in
    --config | --experiment-name | --version-tag)
        [ $# -ge 2 ] || wrong "$1 needs a value"
        # DVC puts it into a command, between double quotes.
        case $2 in *[\"\`\$\\]*) wrong "$1 cannot have quotes, backslashes or dollar signs" ;; esac
        case $1 in
        --config) config=$2 ;;
        --experiment-name) name=$2 ;;
        --version-tag) version=$2 ;;
        esac
        shift 2
        ;;
    --skip-hf-sync | --force-hf-sync)
        [ "$mode" = auto ] || [ "$mode" = "$1" ] || wrong "--skip-hf-sync and --force-hf-sync exclude each other"
        mode=$1
        shift
        ;;
    -h | --help)
        usage
        exit 0
        ;;
    *) wrong "unknown option $1" ;;
    esac
done
if [ -n "$config" ]; then
    [ -f "$config" ] || wrong "$config does not exist"
    set_param config "$config"
fi
[ -z "$name" ] || set_param experiment "$name"
config=$(yaml_value params.yaml config) name=$(yaml_value params.yaml experiment)
# Before the training, not after it: a configuration that is wrong should cost nothing.
[ "$mode" = --skip-hf-sync ] || hfver validate-config --quiet --config "$config"

dvc repro

model=$(yaml_value "$config" model path)
set -- hfver sync --config "$config" --model-path "$model" --experiment-name "$name"
[ -z "$version" ] || set -- "$@" --version-tag "$version"
case $mode in
--skip-hf-sync)
    echo "Nothing was sent (--skip-hf-sync). To send it: $*"
    exit 0
    ;;
--force-hf-sync) set -- "$@" --force-hf-sync ;;
*)
    if ! is_true huggingface.enabled || ! is_true huggingface.auto_sync; then
        echo "Nothing was sent: huggingface.enabled or auto_sync is false in $config. To send it: $* --force-hf-sync"
        exit 0
    fi
    ;;
esac
"$@"
