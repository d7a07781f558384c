"""HTML in which forgetting to escape is not possible: plain text is always escaped, only `Html` is taken as it is."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

VOID = frozenset({"meta", "link", "input", "br", "hr", "img"})


class Html(str):
    """Markup that was put together here or cleaned."""

    __slots__ = ()


def el(tag: str, *children: object, **attributes: str | int | bool | None) -> Html:
    """An element. A trailing underscore makes `class` a name; None and False leave an attribute or child out."""
    shown = "".join(_attribute(name, value) for name, value in attributes.items())
    if tag in VOID:
        return Html(f"<{tag}{shown}>")
    return Html(f"<{tag}{shown}>{join(children)}</{tag}>")


def join(children: Iterable[object]) -> Html:
    return Html("".join(map(_child, children)))


def _child(child: object) -> str:
    if child is None or child is False:
        return ""
    if isinstance(child, Html):
        return child
    if isinstance(child, (list, tuple)):
        return join(child)
    return escape(str(child))


def _attribute(name: str, value: str | int | bool | None) -> str:
    if value is None or value is False:
        return ""
    name = name.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'
