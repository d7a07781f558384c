"""What a Xet client is told to fetch: terms (chunk runs in file order) and the byte ranges that hold them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from hfver.local_hub.hashes import to_text
from hfver.local_hub.stored_xorbs import StoredXorb
from hfver.local_hub.unpacking import Span

Json = dict[str, object]
UrlOf = Callable[[StoredXorb], str]


@dataclass(frozen=True, slots=True)
class Reconstruction:
    skip: int
    spans: tuple[Span, ...]

    def v1(self, url_of: UrlOf) -> Json:
        fetches: dict[str, list[Json]] = {}
        for xorb, runs in self._runs():
            url = url_of(xorb)
            fetches[to_text(xorb.hash)] = [
                {"range": _chunk_range(run), "url": url, "url_range": _byte_range(xorb, run)} for run in runs
            ]
        return {**self._common(), "fetch_info": fetches}

    def v2(self, url_of: UrlOf) -> Json:
        fetches = {}
        for xorb, runs in self._runs():
            ranges = [{"chunks": _chunk_range(run), "bytes": _byte_range(xorb, run)} for run in runs]
            fetches[to_text(xorb.hash)] = [{"url": url_of(xorb), "ranges": ranges}]
        return {**self._common(), "xorbs": fetches}

    def _common(self) -> Json:
        terms = [
            {
                "hash": to_text(span.xorb.hash),
                "unpacked_length": span.size,
                "range": _chunk_range((span.start, span.end)),
            }
            for span in self.spans
        ]
        return {"offset_into_first_range": self.skip, "terms": terms}

    def _runs(self) -> Iterable[tuple[StoredXorb, list[tuple[int, int]]]]:
        """Per xorb its chunk runs, merged where they touch: clients key them by their first chunk."""
        xorbs: dict[int, StoredXorb] = {}
        runs: dict[int, list[tuple[int, int]]] = {}
        for span in self.spans:
            xorbs[span.xorb.id] = span.xorb
            runs.setdefault(span.xorb.id, []).append((span.start, span.end))
        return [(xorbs[xorb_id], _merged(found)) for xorb_id, found in runs.items()]


def reconstruct(positioned: Iterable[tuple[int, Span]], start: int, end: int) -> Reconstruction:
    """Spans with their position in the file, cut to the whole chunks that hold [start, end)."""
    skip = 0
    spans: list[Span] = []
    for position, span in positioned:
        part, before = span.cut(max(start - position, 0), min(end - position, span.size))
        if not spans:
            skip = before
        spans.append(part)
    return Reconstruction(skip, tuple(spans))


def _merged(runs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(runs):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _chunk_range(run: tuple[int, int]) -> Json:
    return {"start": run[0], "end": run[1]}


def _byte_range(xorb: StoredXorb, run: tuple[int, int]) -> Json:
    """Both ends inclusive."""
    return {"start": xorb.table.offsets[run[0]], "end": xorb.table.offsets[run[1]] - 1}
