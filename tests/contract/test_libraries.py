"""Libraries that know nothing of hfver, pointed at the hub by its address alone."""

from __future__ import annotations

import importlib.util

import pytest

from tests.support.hub import HubForTests

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        any(importlib.util.find_spec(name) is None for name in ("torch", "transformers")),
        reason="needs torch and transformers: make test-slow installs them",
    ),
]

TRANSFORMERS = """
import json, torch
from transformers import BertConfig, BertModel
config = BertConfig(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, vocab_size=9000)
torch.manual_seed(1)
model = BertModel(config)
model.push_to_hub("{repo}")
from huggingface_hub import HfApi
HfApi().create_tag("{repo}", tag="v1.0.0")
first = {{name: tensor.clone() for name, tensor in model.state_dict().items()}}
with torch.no_grad():
    model.embeddings.word_embeddings.weight.add_(1.0)
model.push_to_hub("{repo}")
old = BertModel.from_pretrained("{repo}", revision="v1.0.0").state_dict()
new = BertModel.from_pretrained("{repo}").state_dict()
print(json.dumps([
    all(torch.equal(old[name], first[name]) for name in first),
    all(torch.equal(new[name], model.state_dict()[name]) for name in first),
    any(not torch.equal(old[name], new[name]) for name in first),
]))
"""

MIXIN = """
import json, torch
from huggingface_hub import PyTorchModelHubMixin
class Net(torch.nn.Module, PyTorchModelHubMixin):
    def __init__(self, size: int):
        super().__init__()
        self.layer = torch.nn.Linear(size, size)
net = Net(700)
net.push_to_hub("{repo}")
back = Net.from_pretrained("{repo}")
print(json.dumps([torch.equal(back.layer.weight, net.layer.weight), back.layer.in_features]))
"""


@pytest.mark.parametrize("without_xet", ["0", "1"])
def test_transformers_pushes_and_loads_any_revision(hub: HubForTests, without_xet: str) -> None:
    program = TRANSFORMERS.format(repo=f"{hub.namespace}/bert")
    assert hub.run_python(program, HF_HUB_DISABLE_XET=without_xet) == [True, True, True]


def test_the_mixin_pushes_and_loads(hub: HubForTests) -> None:
    assert hub.run_python(MIXIN.format(repo=f"{hub.namespace}/net")) == [True, 700]
