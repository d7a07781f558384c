"""The generated card."""

from __future__ import annotations

from dataclasses import replace
from textwrap import dedent

import pytest
import yaml

from hfver.adapters.cards import generate_card
from hfver.cards.text import CardInput, flatten
from hfver.config.schema import Author, Dataset, ModelCard
from hfver.errors import ConfigError

SETTINGS = ModelCard(
    language=("zh",),
    license="mit",
    tags=("mcp", "fine-tuning", "mcp"),
    authors=(Author(name="安 <b>", email="an@example.org"),),
    datasets=(Dataset(name="MCP Tool Calls Dataset", description="line\nbreak"), Dataset(name="me/data")),
    base_model=("org/base",),
    pipeline_tag="text-generation",
)
CARD = CardInput(
    tag="v1.0.0",
    repo="me/bert",
    settings=SETTINGS,
    paths=("config.json", "model.safetensors"),
    size=1234,
    commit="c0ffee" + "0" * 34,
    remote="https://git.example/me/bert.git",
    config_repo="me/bert-configs",
    metrics={"eval": {"loss": 0.25, "broken": float("nan")}, "accuracy": 0.9, "note": "fine"},
    params={"lr": 1e-05, "layers": [1, 2], "a|b": True},
)


def metadata(text: str) -> dict[str, object]:
    data: dict[str, object] = yaml.safe_load(text.split("---\n")[1])
    return data


def test_the_metadata_comes_from_the_configuration_and_the_results() -> None:
    assert metadata(generate_card(CARD)) == {
        "base_model": "org/base",
        "datasets": ["me/data"],
        "language": "zh",
        "library_name": "transformers",
        "license": "mit",
        "metrics": ["accuracy", "eval.loss"],
        "pipeline_tag": "text-generation",
        "tags": ["mcp", "fine-tuning"],
        "model-index": [
            {
                "name": "bert",
                "results": [
                    {
                        "task": {"type": "text-generation"},
                        "dataset": {"name": "MCP Tool Calls Dataset", "type": "other"},
                        "metrics": [{"type": "accuracy", "value": 0.9}, {"type": "eval.loss", "value": 0.25}],
                    }
                ],
            }
        ],
    }


def test_the_text_says_how_to_load_this_version_and_where_it_comes_from() -> None:
    body = generate_card(CARD).split("---\n", 2)[2]
    assert body == dedent("""\

        # bert

        Version `v1.0.0` of `me/bert`, made from [org/base](/org/base) (2 files, 1,234 bytes).

        ## Use this version

        ```python
        from transformers import AutoModel

        model = AutoModel.from_pretrained("me/bert", revision="v1.0.0")
        ```

        Or, with every file checked against the release's receipt:

        ```bash
        hfver checkout v1.0.0 --repo me/bert --to ./bert
        ```

        ## Training data

        - **MCP Tool Calls Dataset**: line break
        - [me/data](/datasets/me/data)

        ## Training parameters

        | Parameter | Value |
        | --- | --- |
        | a\\|b | true |
        | layers | 1, 2 |
        | lr | 1e-05 |

        ## Evaluation

        | Metric | Value |
        | --- | --- |
        | accuracy | 0.9 |
        | eval.broken | nan |
        | eval.loss | 0.25 |
        | note | fine |

        ## Authors

        - 安 &lt;b> <an@example.org>

        ## Provenance

        - Hub revision `v1.0.0`, made of what `.hfver/release.json` lists
        - git commit `c0ffee0000000000000000000000000000000000` of <https://git.example/me/bert.git>
        - configurations and experiments: [me/bert-configs](/me/bert-configs/tree/v1.0.0)
        """)


def test_equal_input_gives_equal_text() -> None:
    shuffled = replace(CARD, params=dict(sorted(CARD.params.items())), metrics=dict(sorted(CARD.metrics.items())))
    assert generate_card(shuffled) == generate_card(CARD)


def test_an_empty_configuration_gives_a_card_without_empty_parts() -> None:
    text = generate_card(CardInput("exp-a-001", "me/bert", ModelCard()))
    assert text.startswith("# bert\n")
    assert [line for line in text.splitlines() if line.startswith("## ")] == ["## Use this version", "## Provenance"]


@pytest.mark.parametrize(
    ("paths", "code"),
    [
        (["adapter_config.json"], 'AutoPeftModel.from_pretrained("me/bert", revision="v1.0.0")'),
        (["model_index.json"], 'DiffusionPipeline.from_pretrained("me/bert", revision="v1.0.0")'),
        (["config_sentence_transformers.json"], 'SentenceTransformer("me/bert", revision="v1.0.0")'),
        (["model.onnx"], 'snapshot_download("me/bert", revision="v1.0.0")'),
    ],
)
def test_the_code_fits_the_files(paths: list[str], code: str) -> None:
    assert code in generate_card(replace(CARD, paths=paths))


def test_custom_sections_stand_before_the_authors() -> None:
    text = generate_card(replace(CARD, custom_sections={"ethical_considerations": "Be kind.\n", "已知问题": "无"}))
    headings = [line for line in text.splitlines() if line.startswith("## ")]
    assert headings[-4:] == ["## Ethical considerations", "## 已知问题", "## Authors", "## Provenance"]
    assert "\n\nBe kind.\n\n" in text


def test_a_custom_section_goes_on_with_the_generated_one_of_that_heading() -> None:
    text = generate_card(replace(CARD, custom_sections={"training_data": "No holidays.", "Authors": "And friends."}))
    assert text.count("\n## Training data\n") == 1
    assert "- [me/data](/datasets/me/data)\n\nNo holidays.\n\n## Training parameters" in text
    assert "<an@example.org>\n\nAnd friends.\n\n## Provenance" in text


def test_only_what_can_be_a_repository_is_linked() -> None:
    settings = CARD.settings.model_copy(update={"base_model": ("./models/base", "org/x](http://y", "<b>")})
    text = generate_card(replace(CARD, settings=settings))
    assert "made from ./models/base and org/x](http://y and &lt;b> (2 files" in text
    assert "base_model:" not in text


def test_a_template_with_metadata_of_its_own_keeps_it() -> None:
    template = "---\nlicense: other\n---\n# {{title}}\n"
    assert generate_card(replace(CARD, template=template, template_name="t")) == template.replace("{{title}}", "bert")
    ruled = generate_card(replace(CARD, template="---\n# {{title}}\n", template_name="t"))
    assert ruled.startswith("---\nbase_model")


def test_a_template_replaces_the_layout() -> None:
    template = "# Our {{ title }} {{version}}\n{{usage}}\n"
    text = generate_card(replace(CARD, template=template, template_name="docs/card.md"))
    assert text.startswith("---\nbase_model")
    assert "\n\n# Our bert v1.0.0\n```python\n" in text
    placed = generate_card(replace(CARD, template="{{metadata}}\nx {{repo}}", template_name="t"))
    assert placed.endswith("---\nx me/bert\n")
    assert placed.count("license: mit") == 1


def test_an_unknown_placeholder_is_named_with_its_place() -> None:
    with pytest.raises(
        ConfigError, match=r"^docs/card\.md:2:4: unknown placeholder secrets; there are authors, commit"
    ):
        generate_card(replace(CARD, template="x\nabc{{ secrets }}", template_name="docs/card.md"))


def test_long_tables_end_with_the_place_of_the_rest() -> None:
    text = generate_card(replace(CARD, params={f"p{number:03d}": number for number in range(100)}))
    assert "| p059 | 59 |\n\n40 more are in `.hfver/release.json`." in text


def test_nested_values_get_dotted_names() -> None:
    assert flatten({"a": {"b": {"c": 1}}, "d": [1]}) == {"a.b.c": 1, "d": [1]}
