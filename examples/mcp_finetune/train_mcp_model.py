"""Train a small language model, from scratch, to answer requests with MCP tool calls; evaluate and sync it."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from tool_calls import answer_of, fits, prompt_of, read_call
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    Trainer,
    TrainingArguments,
    set_seed,
)

from hfver.integrations.transformers import HfverCallback

Json = dict[str, Any]
SPECIAL = ("<pad>", "<end>", "<tools>", "<request>", "<call>")
LONGEST_ANSWER = 80


def main() -> None:
    options = read_options()
    config = yaml.safe_load(Path(options.config).read_text(encoding="utf-8"))
    torch.set_num_threads(1)  # a model this small gains nothing from more, and a busy machine loses a lot
    set_seed(config["training"]["seed"])
    train, held_out = (read_examples(Path(config["dataset"]["path"]) / f"{name}.jsonl") for name in ("train", "eval"))
    tokenizer = train_tokenizer(train, config["model"]["vocabulary"])
    callback = HfverCallback(
        options.config,
        experiment_name=options.experiment_name,
        version_tag=options.version_tag,
        model_path=config["model"]["path"],
        evaluate=lambda model: evaluate(model, tokenizer, held_out),
        params={name: config[name] for name in ("dataset", "model", "training")},
        sync=options.sync,
    )
    fit(config, tokenizer, train, held_out, [callback])
    print((Path(config["model"]["path"]) / "eval_results.json").read_text(encoding="utf-8"), end="")


def fit(
    config: Json, tokenizer: PreTrainedTokenizerFast, train: list[Json], held_out: list[Json], callbacks: list[Any]
) -> Trainer:
    model = new_model(config["model"], tokenizer)
    print(f"{model.num_parameters():,} parameters, {len(train)} examples")
    training = config["training"]
    arguments = TrainingArguments(
        output_dir=".checkpoints",
        num_train_epochs=training["epochs"],
        per_device_train_batch_size=training["batch_size"],
        per_device_eval_batch_size=training["batch_size"],
        learning_rate=training["learning_rate"],
        lr_scheduler_type="cosine",
        warmup_steps=0.05,
        weight_decay=0.01,
        logging_steps=50,
        eval_strategy="steps",
        eval_steps=200,
        save_strategy="no",
        seed=training["seed"],
        use_cpu=True,
        disable_tqdm=True,
        report_to="none",
        dataloader_pin_memory=False,
    )
    trainer = Trainer(
        model=model,
        args=arguments,
        train_dataset=[encode(example, tokenizer) for example in train],
        eval_dataset=[encode(example, tokenizer) for example in held_out],
        data_collator=Padding(tokenizer.pad_token_id),
        processing_class=tokenizer,
        callbacks=callbacks,
    )
    trainer.train()
    return trainer


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", default="config.yaml", metavar="FILE", help="project configuration (config.yaml)")
    parser.add_argument("--experiment-name", metavar="NAME", default="baseline", help="name of the record (baseline)")
    parser.add_argument("--version-tag", metavar="TAG", help="version to release (made from the configured format)")
    sync = parser.add_mutually_exclusive_group()
    sync.add_argument(
        "--skip-hf-sync", dest="sync", action="store_false", default=None, help="train only, send nothing"
    )
    sync.add_argument(
        "--force-hf-sync", dest="sync", action="store_true", default=None, help="sync even if the configuration says no"
    )
    return parser.parse_args()


def read_examples(path: Path) -> list[Json]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def train_tokenizer(examples: list[Json], vocabulary: int) -> PreTrainedTokenizerFast:
    """Byte-level BPE from the training texts: any request can be written with it, in any language."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator((prompt_of(example) + answer_of(example) for example in examples), trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<end>", additional_special_tokens=list(SPECIAL[2:])
    )


def new_model(settings: Json, tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=settings["hidden_size"],
            intermediate_size=settings["hidden_size"] * 3,
            num_hidden_layers=settings["layers"],
            num_attention_heads=settings["heads"],
            max_position_embeddings=512,
            pad_token_id=tokenizer.pad_token_id,
            eos_token_id=tokenizer.eos_token_id,
            bos_token_id=None,
            tie_word_embeddings=True,
        )
    )


def encode(example: Json, tokenizer: PreTrainedTokenizerFast) -> dict[str, list[int]]:
    """The loss counts the call only: the request is given, not to be learnt."""
    prompt = tokenizer(prompt_of(example))["input_ids"]
    answer = [*tokenizer(answer_of(example))["input_ids"], tokenizer.eos_token_id]
    return {"input_ids": prompt + answer, "labels": [-100] * len(prompt) + answer}


@dataclass(frozen=True, slots=True)
class Padding:
    """Makes a batch of texts of different length."""

    pad: int

    def __call__(self, batch: list[dict[str, list[int]]]) -> dict[str, torch.Tensor]:
        longest = max(len(item["input_ids"]) for item in batch)

        def padded(name: str, filler: int) -> torch.Tensor:
            return torch.tensor([item[name] + [filler] * (longest - len(item[name])) for item in batch])

        ids = padded("input_ids", self.pad)
        return {"input_ids": ids, "labels": padded("labels", -100), "attention_mask": (ids != self.pad).long()}


def evaluate(model: Any, tokenizer: PreTrainedTokenizerFast, examples: list[Json]) -> dict[str, float]:
    """Let the model write calls for requests it has never seen, and count. ``accuracy`` is the share of calls that
    are right in every character that matters: the tool, the arguments, their values and types."""
    counts = {"accuracy": 0, "tool_name_accuracy": 0, "valid_json": 0, "fits_schema": 0}
    for example, text in zip(examples, write_calls(model, tokenizer, examples), strict=True):
        call = read_call(text)
        if call is None:
            continue
        counts["valid_json"] += 1
        counts["fits_schema"] += fits(call, example["tools"])
        counts["tool_name_accuracy"] += call.get("name") == example["call"]["name"]
        counts["accuracy"] += call == example["call"]
    return {name: round(count / len(examples), 4) for name, count in counts.items()} | {"eval_examples": len(examples)}


def write_calls(
    model: Any, tokenizer: PreTrainedTokenizerFast, examples: list[Json], batch_size: int = 50
) -> Iterator[str]:
    tokenizer.padding_side = "left"
    model.eval()
    for start in range(0, len(examples), batch_size):
        prompts = [prompt_of(example) for example in examples[start : start + batch_size]]
        batch = tokenizer(prompts, return_tensors="pt", padding=True, return_token_type_ids=False)
        with torch.no_grad():
            written = model.generate(**batch, max_new_tokens=LONGEST_ANSWER, do_sample=False)
        yield from tokenizer.batch_decode(written[:, batch["input_ids"].shape[1] :], skip_special_tokens=True)


if __name__ == "__main__":
    main()
