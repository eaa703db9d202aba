"""What the server counts and times, for Prometheus and for people.

Labels are names of families and states only, so the number of series is fixed. Everything here is
kept in memory and begins at zero with the process.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TypedDict

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST

CONTENT_TYPE = CONTENT_TYPE_LATEST

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_LATE_SECONDS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5)


class Sample(TypedDict):
    """One number of a metric."""

    name: str
    labels: dict[str, str]
    value: float


class Metric(TypedDict):
    """A metric with its samples; `kind` is counter, gauge or histogram."""

    name: str
    kind: str
    help: str
    samples: list[Sample]


class Metrics:
    """All counts and times of one server."""

    def __init__(self) -> None:
        """Begin at zero."""
        registry = self._registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._runs = Counter(
            "footnote_runs", "Runs that ended", ("family", "state"), registry=registry
        )
        self._open_runs = Gauge(
            "footnote_open_runs", "Runs being worked on", ("family",), registry=registry
        )
        self._first_text = Histogram(
            "footnote_first_text_seconds",
            "From the start of a run to its first text",
            ("family",),
            registry=registry,
            buckets=_SECONDS,
        )
        self._tokens = Counter(
            "footnote_tokens", "Tokens of models", ("family", "kind"), registry=registry
        )
        self._answers = Counter(
            "footnote_chat_answers",
            "Chat answers, from the cache or written afresh",
            ("origin",),
            registry=registry,
        )
        self._retrieval = Histogram(
            "footnote_retrieval_seconds",
            "Time of one search for passages",
            registry=registry,
            buckets=_SECONDS,
        )
        self._streams = Gauge(
            "footnote_open_streams", "Streams being read", ("family",), registry=registry
        )
        self._left = Counter(
            "footnote_disconnected_streams",
            "Streams whose reader left before their end",
            ("family",),
            registry=registry,
        )
        self._late = Histogram(
            "footnote_event_loop_late_seconds",
            "How much later than asked the event loop wakes, looked at twice a second",
            registry=registry,
            buckets=_LATE_SECONDS,
        )

    @contextmanager
    def run(self, family: str) -> Iterator[None]:
        """Count a run as open for as long as the context lasts."""
        with self._open_runs.labels(family).track_inprogress():
            yield

    def first_text(self, family: str, took_s: float) -> None:
        """Note when a run's first text came."""
        self._first_text.labels(family).observe(took_s)

    def used(self, family: str, usage: Mapping[str, int]) -> None:
        """Count tokens; the kinds are those of a run's usage."""
        for kind, number in usage.items():
            self._tokens.labels(family, kind.removesuffix("_tokens")).inc(number)

    def ended(self, family: str, state: str) -> None:
        """Count a run that came to its end."""
        self._runs.labels(family, state).inc()

    def answered(self, *, is_kept: bool) -> None:
        """Count a chat answer."""
        self._answers.labels("cached" if is_kept else "fresh").inc()

    def retrieved(self, took_s: float) -> None:
        """Note how long a search took."""
        self._retrieval.observe(took_s)

    @contextmanager
    def stream(self, family: str) -> Iterator[None]:
        """Count a stream as open for as long as the context lasts."""
        with self._streams.labels(family).track_inprogress():
            yield

    def left(self, family: str) -> None:
        """Count a reader who left before the end."""
        self._left.labels(family).inc()

    def late(self, late_s: float) -> None:
        """Note how late the event loop was."""
        self._late.observe(max(late_s, 0.0))

    def exposition(self) -> bytes:
        """Return everything in the text format of Prometheus."""
        return generate_latest(self._registry)

    def samples(self) -> list[Metric]:
        """Return everything as values."""
        return [
            Metric(
                name=metric.name,
                kind=metric.type,
                help=metric.documentation,
                samples=[
                    Sample(name=one.name, labels=dict(one.labels), value=one.value)
                    for one in metric.samples
                    if not one.name.endswith("_created")
                ],
            )
            for metric in self._registry.collect()
        ]
