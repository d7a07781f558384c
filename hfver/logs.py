"""What LOG_LEVEL shows: the story of the work on stderr, with secrets taken out."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from hfver.redact import redact

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class _WithoutSecrets(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


def follow_log_level(environ: Mapping[str, str]) -> None:
    """Log what hfver does as LOG_LEVEL says (DEBUG, INFO, …; INFO for a word nobody knows); without it, nothing."""
    level = environ.get("LOG_LEVEL", "").upper()
    if not level:
        return
    known = logging.getLevelNamesMapping().get(level)
    handler = logging.StreamHandler()
    handler.setFormatter(_WithoutSecrets(FORMAT))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("hfver").setLevel(logging.INFO if known is None else known)
