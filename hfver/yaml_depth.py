"""Whether YAML is nested deeper than anybody writes it: libyaml's loaders recurse, and would end the process."""

from __future__ import annotations

import re

DEEPEST = 100

# Each level of block style begins further to the right than the one around it, or (a list in a mapping) at its column.
# YAML may be UTF-16, and knows more line ends than one: so anywhere, and with the zero bytes.
_FAR_RIGHT = re.compile(rb"[ \t?:\0-]{%d}" % (DEEPEST // 2))


def is_too_deep(raw: bytes) -> bool:
    """Parsing errors count as "no": the loader says them better."""
    if raw.count(b"[") + raw.count(b"{") < DEEPEST // 2 and not _FAR_RIGHT.search(raw):
        return False
    import yaml

    depth = 0
    try:
        for event in yaml.parse(raw, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader)):  # in a loop
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > DEEPEST:
                return True
    except (yaml.YAMLError, ValueError):
        pass
    return False
