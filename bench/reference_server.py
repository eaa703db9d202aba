"""The stack people would otherwise write: FastAPI, sse-starlette, uvicorn on uvloop, openai SDK.

    python bench/reference_server.py MODEL_PORT

Prints its port. It asks the model and passes on token by token: no journal, no retrieval, no
citations, nothing to come back to.
"""

import json
import socket
import sys
from collections.abc import AsyncIterator

import uvicorn
from fastapi import FastAPI
from openai import AsyncOpenAI
from pydantic import BaseModel
from sse_starlette import EventSourceResponse

app = FastAPI()


class Asked(BaseModel):
    """The body of a request."""

    context: str


@app.post("/generate")
async def generate(asked: Asked) -> EventSourceResponse:
    """Stream an answer."""
    return EventSourceResponse(_events(asked.context))


async def _events(context: str) -> AsyncIterator[dict[str, str]]:
    stream = await app.state.client.chat.completions.create(
        model="fake", messages=[{"role": "user", "content": context}], stream=True
    )
    async with stream:
        async for chunk in stream:
            if chunk.choices and (text := chunk.choices[0].delta.content):
                yield {"data": json.dumps({"event": "content_chunk", "delta": text})}
    yield {"data": json.dumps({"event": "generation_complete"})}


def main() -> None:
    base_url = f"http://127.0.0.1:{sys.argv[1]}/v1"
    app.state.client = AsyncOpenAI(base_url=base_url, api_key="none", timeout=600, max_retries=0)
    listener = socket.create_server(("127.0.0.1", 0), backlog=2000)
    print(listener.getsockname()[1], flush=True)
    config = uvicorn.Config(app, loop="uvloop", http="httptools", log_level="warning")
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
