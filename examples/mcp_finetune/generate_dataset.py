"""Write the data set of tool calls: train.jsonl and eval.jsonl. The same config gives the same bytes."""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path
from typing import Any

import yaml
from tool_calls import all_requests, make_example

Json = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", default="config.yaml", metavar="FILE", help="project configuration (config.yaml)")
    settings = yaml.safe_load(Path(parser.parse_args().config).read_text(encoding="utf-8"))["dataset"]
    folder = Path(settings["path"])
    folder.mkdir(parents=True, exist_ok=True)
    for name, examples in make_dataset(settings).items():
        path = folder / f"{name}.jsonl"
        path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in examples), encoding="utf-8")
        print(f"{path}: {len(examples)} examples")


def make_dataset(settings: Json) -> dict[str, list[Json]]:
    """Split the requests first, so that no request of the evaluation is ever trained on."""
    chance = random.Random(settings["seed"])
    requests = all_requests()
    chance.shuffle(requests)
    sizes = {"eval": settings["eval_examples"], "train": settings["train_examples"]}
    if sum(sizes.values()) > len(requests):
        raise SystemExit(
            f"there are {len(requests)} different requests, fewer than the {sum(sizes.values())} asked for"
        )
    made = {}
    for name, size in sizes.items():
        chosen, requests = requests[:size], requests[size:]
        made[name] = [make_example(request, call, settings["tools_offered"], chance) for request, call in chosen]
    return made


if __name__ == "__main__":
    main()
