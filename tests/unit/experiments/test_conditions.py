"""Conditions over metrics."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfver.errors import UsageError
from hfver.experiments.conditions import MissingMetricError, parse_condition

METRICS = {
    "accuracy": 0.9, "loss": 0.5, "eval.loss": 0.25, "eval/f1": 0.7, "准确率": 1, "name": "bert", "ok": True,
    "bad": "nan", "zero": 0, "list": [1],
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("accuracy > 0.8", True),
        ("accuracy > 0.8 and loss < 0.5", False),
        ("accuracy > 0.8 or loss < 0.5", True),
        ("not accuracy > 0.8", False),
        ("not (accuracy < 0.8) and ok", True),
        ("0.8 < accuracy <= 0.9", True),
        ("0.8 < accuracy < 0.9", False),
        ("eval.loss * 2 == loss", True),
        ("loss - eval.loss >= -1 + 1.25", True),
        ("-loss < 0", True),
        ("1 - 2 - 3 == -4", True),
        ("8 / 4 / 2 == 1", True),
        ("2 + 3 * 4 == 14", True),
        ("`eval/f1` >= .7", True),
        ("准确率 == 1", True),
        ("accuracy >= 9e-1", True),
        ("name == 'bert'", True),
        ('name != "gpt"', True),
        ("name == 1", False),
        ("ok == true and not false", True),
        ("bad > 0.5", False),
        ("bad <= 0.5", False),
        ("1 / zero > 0", False),
        ("ok or missing > 1", True),
    ],
)
def test_conditions_mean_what_they_say(text: str, expected: bool) -> None:
    assert parse_condition(text).holds(METRICS) is expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a metric or number expected, found the end at character 1"),
        ("accuracy >", "a metric or number expected, found the end at character 11"),
        ("accuracy > > 1", "a metric or number expected, found '>' at character 12"),
        ("(accuracy > 1", '")" expected, found the end'),
        ("accuracy > 1)", "unexpected ')' at character 13"),
        ("accuracy = 1", "unexpected '=' at character 10"),
        ("a && b", "unexpected '&' at character 3"),
        ("accuracy 1", "unexpected '1'"),
        ("__import__('os').system('x')", "unexpected '('"),
        ("[x for x in y]", "unexpected '['"),
        ("(" * 200, "nested too deeply"),
        ("not " * 200 + "ok", "nested too deeply"),
        ("-" * 200 + "1", "nested too deeply"),
        ("a" * 1001, "longer than 1000 characters"),
    ],
)
def test_what_is_no_condition_is_a_usage_error_with_its_place(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        parse_condition(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("accuracy", "'accuracy' is 0.9, which is neither true nor false"),
        ("accuracy and ok", "'accuracy' is 0.9, which is neither true nor false"),
        ("name > 1", "'bert' and 1.0 cannot be compared with >"),
        ("name * 2 > 1", "'name' is text and cannot be calculated with"),
        ("list > 1", "metric 'list' is no number or text"),
    ],
)
def test_values_that_do_not_fit_are_usage_errors(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        parse_condition(text).holds(METRICS)


def test_a_missing_metric_is_named_with_what_was_probably_meant() -> None:
    with pytest.raises(MissingMetricError, match="there is no metric 'acuracy'; there are accuracy, loss") as caught:
        parse_condition("acuracy > 1").holds({"accuracy": 1, "loss": 2})
    assert caught.value.hints == ["did you mean accuracy?"]


@given(st.text(alphabet="ab1.<>=!+-*/() \"'`andornot,[]", max_size=60))
def test_any_text_is_a_condition_or_a_usage_error(text: str) -> None:
    try:
        parse_condition(text).holds({"a": 1, "b": True})
    except UsageError:
        pass
    except (OverflowError, ZeroDivisionError) as exc:
        raise AssertionError(text) from exc
