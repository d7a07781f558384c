"""Requests people make, the MCP tools that answer them, and the right call for each: the task the model learns."""

from __future__ import annotations

import itertools
import json
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

CITIES = ("Berlin", "Cairo", "Lima", "Oslo", "Paris", "Tokyo", "北京", "上海")
PEOPLE = ("Ada", "Grace", "Lin", "Noor", "Omar", "小明", "王芳")
LANGUAGES = ("Chinese", "English", "French", "German")
PHRASES = ("good morning", "see you soon", "thank you", "where is the station", "well done")
TOPICS = ("budget", "hiring", "release notes", "roadmap", "training data")
FOLDERS = ("/docs", "/home/ada", "/srv/models", "/tmp/logs")
HOURS = (9, 10, 11, 14, 15, 16)
AMOUNTS = (5, 12, 20, 45, 80, 150, 300)
CURRENCIES = ("CNY", "EUR", "JPY", "USD")
UNITS = ("celsius", "fahrenheit")


@dataclass(frozen=True, slots=True)
class Tool:
    """An MCP tool, how people ask for it, and the values its arguments take in those requests."""

    name: str
    description: str
    values: Mapping[str, Sequence[str | int]]
    requests: tuple[str, ...]
    optional: frozenset[str] = frozenset()

    def schema(self) -> Json:
        """The tool as a server lists it in its answer to ``tools/list``."""
        return {
            "name": self.name,
            "description": self.description,
            "inputSchema": {
                "type": "object",
                "properties": {name: _property(values) for name, values in self.values.items()},
                "required": [name for name in self.values if name not in self.optional],
                "additionalProperties": False,
            },
        }

    def calls(self) -> Iterator[tuple[str, Json]]:
        """Every request there is for this tool, with the call that answers it."""
        for request in self.requests:
            used = [name for name in self.values if f"{{{name}}}" in request]
            for chosen in itertools.product(*(self.values[name] for name in used)):
                if len(set(chosen)) < len(chosen):
                    continue  # nobody converts euros into euros
                arguments = dict(zip(used, chosen, strict=True))
                yield request.format(**arguments), {"name": self.name, "arguments": arguments}


def _property(values: Sequence[str | int]) -> Json:
    kind = "integer" if isinstance(values[0], int) else "string"
    return {"type": kind, "enum": list(values)} if values in (CURRENCIES, LANGUAGES, UNITS) else {"type": kind}


TOOLS = (
    Tool(
        "get_weather",
        "Weather in a city",
        {"city": CITIES, "unit": UNITS},
        (
            "What is the weather in {city}?",
            "Tell me the temperature in {city} in {unit}",
            "{city}今天天气怎么样？",
        ),
        frozenset({"unit"}),
    ),
    Tool(
        "convert_currency",
        "Convert an amount of money",
        {"amount": AMOUNTS, "source": CURRENCIES, "target": CURRENCIES},
        ("How much is {amount} {source} in {target}?", "把{amount} {source}换成{target}"),
    ),
    Tool(
        "send_message",
        "Send a message to a person",
        {"recipient": PEOPLE, "text": PHRASES},
        ("Tell {recipient}: {text}", "Send {recipient} a message that says {text}", "给{recipient}发消息：{text}"),
    ),
    Tool(
        "create_event",
        "Put a meeting into the calendar",
        {"title": TOPICS, "attendee": PEOPLE, "hour": HOURS},
        (
            "Plan a meeting about {title} with {attendee} at {hour}",
            "{hour}点和{attendee}开会讨论{title}",
        ),
    ),
    Tool(
        "search_files",
        "Find files that mention something",
        {"query": TOPICS, "folder": FOLDERS},
        ("Find files about {query} in {folder}", "Search {folder} for {query}", "Where did I write about {query}?"),
        frozenset({"folder"}),
    ),
    Tool(
        "translate",
        "Translate a phrase",
        {"text": PHRASES, "language": LANGUAGES},
        ("Translate '{text}' into {language}", "How do I say {text} in {language}?"),
    ),
    Tool(
        "set_reminder",
        "Remind the user at a full hour",
        {"text": TOPICS, "hour": HOURS},
        ("Remind me of {text} at {hour}", "{hour}点提醒我{text}"),
    ),
)
BY_NAME = {tool.name: tool for tool in TOOLS}


def all_requests() -> list[tuple[str, Json]]:
    return [pair for tool in TOOLS for pair in tool.calls()]


def make_example(request: str, call: Json, offered: int, chance: random.Random) -> Json:
    """One line of the data set: the request, the tools on offer (the right one among them), and the right call."""
    others = [tool for tool in TOOLS if tool.name != call["name"]]
    tools = [BY_NAME[call["name"]], *chance.sample(others, offered - 1)]
    chance.shuffle(tools)
    return {"request": request, "tools": [tool.schema() for tool in tools], "call": call}


def prompt_of(example: Json) -> str:
    """What the model reads. A schema is written as a signature, or it would be most of what a small model sees."""
    signatures = " ".join(_signature(tool) for tool in example["tools"])
    return f"<tools>{signatures}<request>{example['request']}<call>"


def answer_of(example: Json) -> str:
    return json.dumps(example["call"], ensure_ascii=False)


def _signature(tool: Json) -> str:
    schema = tool["inputSchema"]
    names = [name if name in schema["required"] else f"{name}?" for name in schema["properties"]]
    return f"{tool['name']}({', '.join(names)})"


def fits(call: Json, tools: Sequence[Json]) -> bool:
    """Whether a call names one of the tools and has exactly the arguments its schema allows."""
    tool = next((tool for tool in tools if tool["name"] == call.get("name")), None)
    arguments = call.get("arguments")
    if tool is None or not isinstance(arguments, dict) or set(call) != {"name", "arguments"}:
        return False
    schema = tool["inputSchema"]
    if not set(schema["required"]) <= set(arguments) <= set(schema["properties"]):
        return False
    return all(_has_type(value, schema["properties"][name]) for name, value in arguments.items())


def _has_type(value: object, schema: Json) -> bool:
    kind = {"integer": int, "string": str}[schema["type"]]
    return isinstance(value, kind) and not isinstance(value, bool) and value in schema.get("enum", [value])


def read_call(text: str) -> Json | None:
    """The call a model wrote, or None when it is not a JSON object."""
    try:
        call = json.loads(re.sub(r"<end>.*", "", text, flags=re.DOTALL))
    except ValueError:
        return None
    return call if isinstance(call, dict) else None
