"""A client that knows the contract and nothing of the program, against a real server process.

It has its own decoder of event streams, written from the contract's rules; it imports nothing of
this repository.
"""

import http.client
import json
import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
QUESTION = "How do staff accounts sign in, and which second factor do they need?"
NOTES = "Blood pressure falls when salt is reduced. Every patient should be told so. " * 3

Answer = tuple[int, dict[str, str], Any]


class Frame(NamedTuple):
    """One frame as it stood on the wire; a derived one has no id."""

    id: str
    event: str
    data: str

    @property
    def json(self) -> Any:
        return json.loads(self.data)


def decode(lines: Iterator[bytes]) -> Iterator[Frame]:
    """Turn the lines of a body into frames."""
    frame_id, event, data = "", "", list[str]()
    for raw in lines:
        line = raw.decode("utf-8").rstrip("\n")
        assert "\r" not in line
        if line == "":
            if data:
                yield Frame(frame_id, event, "\n".join(data))
            frame_id, event, data = "", "", []
            continue
        name, _, value = line.partition(":")
        if name == "data":
            assert value.startswith(" ")
            data.append(value[1:])
        elif name == "event":
            event = value.removeprefix(" ")
        elif name == "id":
            frame_id = value.removeprefix(" ")


class Client:
    """Speaks HTTP as the contract has it."""

    def __init__(self, address: str, token: str) -> None:
        self._host = address.partition("://")[2]
        self._token = token

    def open(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        connection = http.client.HTTPConnection(self._host, timeout=20)
        fields = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body)
        connection.request(method, path, data, fields | (headers or {}))
        return connection, connection.getresponse()

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        connection, response = self.open(method, path, body, {"Accept": "application/json"} | names)
        text = response.read()
        connection.close()
        found = {name.lower(): value for name, value in response.getheaders()}
        return response.status, found, json.loads(text)

    def stream(
        self, path: str, body: Any = None, method: str = "POST", **headers: str
    ) -> list[Frame]:
        """Return every frame up to the end of the body."""
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        connection, response = self.open(
            method, path, body, {"Accept": "text/event-stream"} | names
        )
        assert response.status == 200, response.read()
        kind = response.headers["Content-Type"]
        assert kind == "text/event-stream; charset=utf-8"
        assert response.headers["Cache-Control"] == "no-cache"
        assert response.headers["X-Accel-Buffering"] == "no"
        frames = list(decode(iter(response)))
        connection.close()
        run = response.headers["X-Run-Id"]
        numbers = [int(frame.id.removeprefix(f"{run}:")) for frame in frames if frame.id]
        assert numbers == sorted(set(numbers))
        return frames


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    data = str(tmp_path_factory.mktemp("contract") / "data")
    settings = {"FOOTNOTE_EXTRACTIVE_WORDS_PER_S": "150", "FOOTNOTE_COSTLY_PER_MINUTE": "100000"}
    settings |= {"FOOTNOTE_PIPELINE_STARTS_PER_MINUTE": "1000"}
    command = [sys.executable, "server.py"]
    server = subprocess.Popen(
        [*command, "serve", "--data", data, "--port", "0"],
        cwd=ROOT,
        env=os.environ | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    watchdog = threading.Timer(120, server.kill)
    watchdog.start()
    try:
        assert server.stdout is not None
        address = server.stdout.readline().strip()
        server.stdout.readline()
        token = subprocess.run(
            [*command, "token", "--data", data],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
        ).stdout.strip()
        yield wait_for_documents(Client(address, token))
    finally:
        watchdog.cancel()
        server.terminate()
        server.communicate(timeout=20)


def wait_for_documents(client: Client) -> Client:
    """Read the runs that read the sample's documents, to their ends."""
    kb = sample(client)
    for document in client.call("GET", f"/api/v1/kbs/{kb}/documents")[2]["documents"]:
        client.stream(f"/api/v1/runs/{document['run_id']}/events", method="GET")
    return client


def sample(client: Client) -> str:
    return str(client.call("GET", "/api/v1/kbs")[2]["kbs"][0]["id"])


def names(frames: list[Frame]) -> list[str]:
    """Return the names of frames in order, repeats left out."""
    return [f.event for i, f in enumerate(frames) if not i or frames[i - 1].event != f.event]


def text_of(frames: list[Frame], name: str, field: str = "") -> str:
    return "".join(f.json[field] if field else f.data for f in frames if f.event == name)


def test_generate(client: Client) -> None:
    body = {
        "kb_id": sample(client),
        "document_type": "rfp_response",
        "context": "Answer the city's request. Stress authentication.",
    }
    frames = client.stream("/api/v1/generate", body)
    assert {frame.event for frame in frames} == {"message"}
    kinds = [frame.json["event"] for frame in frames]
    assert kinds[:2] == ["sources_retrieved", "generation_start"]
    assert kinds[-1] == "generation_complete"
    assert set(kinds[2:-1]) == {"citation", "content_chunk"}
    found = [frame.json for frame in frames]
    content = "".join(one["delta"] for one in found if one["event"] == "content_chunk")
    cited = [one["number"] for one in found if one["event"] == "citation"]
    assert cited == list(range(1, len(cited) + 1))
    draft_id = found[1]["draft_id"]
    assert client.call("GET", f"/api/v1/drafts/{draft_id}")[2]["content"] == content
    status, _, twin = client.call("POST", "/api/v1/generate", body)
    assert status == 200
    assert twin["content"] == content
    assert twin["citations"] and twin["sections"] and twin["source_summary"]


def test_query(client: Client) -> None:
    frames = client.stream("/query/stream", {"query": QUESTION})
    assert names(frames) == ["status", "citations", "status", "token", "done"]
    assert frames[-1].data == ""
    assert isinstance(frames[1].json, list)
    status, _, twin = client.call("POST", "/query/", {"query": QUESTION})
    assert (status, twin["answer"]) == (200, text_of(frames, "token"))
    assert twin["citations"] == frames[1].json
    nothing = client.stream("/api/v1/query/stream", {"query": "zymurgy quokka flugelhorn"})
    assert names(nothing) == ["status", "token", "done"]
    assert text_of(nothing, "token").startswith("I don't know.")


def test_chat(client: Client) -> None:
    session = uuid.uuid4().hex
    body = {"query": QUESTION, "corpus_id": sample(client), "session_id": session}
    frames = client.stream("/api/chat/stream", body)
    assert names(frames) in (
        ["meta", "sources", "token", "done"],
        ["meta", "sources", "token", "verify", "done"],
    )
    assert frames[-1].json["answer"] == text_of(frames, "token", "t")
    again = client.stream("/api/chat/stream", body)
    assert names(again)[:3] == ["cached", "sources", "token"]
    assert text_of(again, "token", "t") == frames[-1].json["answer"]
    assert again[-1].json["cached"] is True
    twin = client.call("POST", "/api/chat", body)[2]
    assert twin["answer"] == frames[-1].json["answer"]
    assert twin["cache"]["answer_hit"] is True
    history = client.call("GET", f"/api/chat/history/{session}")[2]
    assert history["message_count"] == 6
    assert client.call("POST", f"/api/chat/clear?session_id={session}")[0] == 200
    assert client.call("GET", f"/api/chat/history/{session}")[2]["message_count"] == 0


def test_search(client: Client) -> None:
    frames = client.stream("/api/v1/search", {"query": QUESTION})
    assert names(frames) == ["token", "citation", "done"]
    assert [f.json["number"] for f in frames if f.event == "citation"][0] == 1
    twin = client.call("POST", "/api/v1/search", {"query": QUESTION})[2]
    assert twin["answer"] == text_of(frames, "token", "text")
    for field in ("confidence", "confidence_score", "result_count"):
        assert twin[field] == frames[-1].json[field]
    assert len(twin["results"]) == twin["result_count"]


def test_pipeline(client: Client) -> None:
    body = {"content_type": "SUMMARY", "input_text": NOTES, "num_questions": 2}
    frames = client.stream("/run/stream?tokens=1", body)
    assert frames[0].event == "start"
    percents = [f.json["progress"] for f in frames if "progress" in f.json]
    assert percents == sorted(percents)
    assert percents[-1] == 100
    [draft] = [f.json["draft"] for f in frames if f.event == "draft"]
    assert text_of(frames, "draft_token", "token") == draft
    assert frames[-1].event == "complete"
    assert text_of(frames, "formatted_token", "token") == frames[-1].json["output"]
    status, _, twin = client.call("POST", "/run", body)
    assert (status, twin["output"]) == (200, frames[-1].json["output"])


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v1/generate/stream", {"document_type": "report", "context": "security"}),
        ("/query/stream", {"query": QUESTION}),
        ("/api/chat/stream", {"query": QUESTION, "use_cache": False}),
        ("/api/v1/search", {"query": QUESTION}),
        ("/run/stream", {"content_type": "SUMMARY", "input_text": NOTES}),
    ],
)
def test_a_stream_goes_on_after_the_last_event_that_came(
    client: Client, path: str, body: dict[str, Any]
) -> None:
    places = {"/api/v1/generate/stream": "kb_id", "/api/chat/stream": "corpus_id"}
    if path in places:
        body = body | {places[path]: sample(client)}
    whole = client.stream(path, body)
    run = whole[0].id.partition(":")[0]
    middle = len(whole) // 2
    family = {"/api/v1/search": "search", "/run/stream": "pipeline"}.get(path, path.split("/")[-2])
    events = f"/api/v1/runs/{run}/events"
    rest = client.stream(f"{events}?dialect={family}", method="GET", Last_Event_ID=whole[middle].id)
    assert rest == whole[middle + 1 :]
    assert client.stream(path, body, Last_Event_ID=whole[middle].id) == rest
    after = whole[middle].id.partition(":")[2]
    assert client.stream(f"{events}?dialect={family}&after={after}", method="GET") == rest
    native = client.stream(events, method="GET")
    assert native[0].json["event"] == "started"
    page = client.call("GET", f"{events}?poll=1&after=0")[2]
    assert [one["seq"] for one in page["events"] if "seq" in one][0] == 1
    unknown = f"{uuid.uuid4()}:3"
    status, _, answer = client.call("POST", path, body, Last_Event_ID=unknown)
    assert (status, answer["error"]["code"]) == (409, "RESUME_UNAVAILABLE")


def test_a_run_is_cancelled_and_may_be_cancelled_again(client: Client) -> None:
    body = {"kb_id": sample(client), "document_type": "report", "context": "security"}
    connection, response = client.open("POST", "/api/v1/generate/stream", body)
    lines = iter(response)
    next(lines)
    cancel = f"/api/v1/runs/{response.headers['X-Run-Id']}/cancel"
    assert client.call("POST", cancel)[0] == 200
    last = list(decode(lines))[-1]
    connection.close()
    assert (last.json["event"], last.json["code"]) == ("error", "CANCELLED")
    status, _, run = client.call("POST", cancel)
    assert (status, run["state"]) == (200, "cancelled")
    draft = client.call("GET", f"/api/v1/drafts/{response.headers['X-Draft-Id']}")[2]
    assert draft["status"] == "partial"


def test_the_same_key_and_body_join_the_first_run(client: Client) -> None:
    body, key = {"query": QUESTION}, uuid.uuid4().hex
    first = client.stream("/query/stream", body, Idempotency_Key=key)
    assert client.stream("/query/stream", body, Idempotency_Key=key) == first
    other = client.call("POST", "/query/stream", {"query": "Other?"}, Idempotency_Key=key)
    assert other[0] == 422


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("POST", "/api/v1/generate", {"document_type": "report"}, 400, "INVALID_REQUEST"),
        ("POST", "/query/stream", {}, 422, "VALIDATION_ERROR"),
        ("POST", "/api/chat/stream", {"query": "x", "corpus_id": "none"}, 404, "NOT_FOUND"),
        ("POST", "/api/v1/search", {"query": ""}, 422, "VALIDATION_ERROR"),
        (
            "POST",
            "/run/stream",
            {"content_type": "X", "input_text": NOTES},
            422,
            "VALIDATION_ERROR",
        ),
        ("POST", "/run", {"content_type": "MCQ", "input_text": NOTES}, 400, "INVALID_REQUEST"),
        ("GET", "/run/stream", None, 405, "METHOD_NOT_ALLOWED"),
        ("GET", f"/api/v1/runs/{uuid.UUID(int=3)}/events", None, 404, "NOT_FOUND"),
    ],
)
def test_what_goes_wrong_before_the_first_byte_has_one_shape(
    client: Client, method: str, path: str, body: Any, status: int, code: str
) -> None:
    found, headers, answer = client.call(method, path, body)
    assert (found, answer["error"]["code"]) == (status, code)
    assert answer["detail"] == answer["error"]["message"]
    assert answer["error"]["request_id"]
    if status == 405:
        assert headers["allow"] == "POST"
    if body is not None and status != 404:
        assert answer["error"]["field"]


def test_nobody_comes_in_without_a_token(client: Client) -> None:
    status, headers, answer = client.call(
        "POST", "/query", {"query": "x"}, Authorization="Bearer x"
    )
    assert (status, answer["error"]["code"]) == (401, "UNAUTHENTICATED")
    assert headers["www-authenticate"] == "Bearer"
