"""Servers on loopback that speak as OpenAI's, well and badly, and a proxy before one. No model."""

from __future__ import annotations

import json
import threading
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Reply:
    """status, content and headers of an answer; closes: the connection is closed instead."""

    status: int = 200
    content: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    closes: bool = False


def completion(texts: list[str], *, chat: bool = False, logprob: float | None = -0.5, tokens: int = 2) -> Reply:
    """What a server says that works."""

    def choice(place: int, text: str) -> dict[str, Any]:
        own = None if logprob is None else logprob - place
        if chat:
            given = (
                None if own is None else {"content": [{"token": "x", "logprob": own, "bytes": [], "top_logprobs": []}]}
            )
            message = {"role": "assistant", "content": text}
            return {"index": place, "message": message, "logprobs": given, "finish_reason": "stop"}
        given = None if own is None else {"token_logprobs": [own, own], "tokens": ["x", "y"]}
        return {"index": place, "text": text, "logprobs": given, "finish_reason": "stop"}

    said = {
        "id": "1",
        "object": "chat.completion" if chat else "text_completion",
        "created": 0,
        "model": "tiny",
        "choices": [choice(place, text) for place, text in enumerate(texts)],
        "usage": {"prompt_tokens": 7, "completion_tokens": tokens, "total_tokens": 7 + tokens},
    }
    return Reply(content=json.dumps(said).encode(), headers={"Content-Type": "application/json"})


@dataclass
class Server:
    """asked: how often each prompt came; bodies: of all requests; keys: what they were sent with."""

    url: str = ""
    asked: Counter[str] = field(default_factory=Counter)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    keys: set[str | None] = field(default_factory=set)
    most_at_once: int = 0


def prompt_of(body: dict[str, Any]) -> str:
    return body["prompt"] if "prompt" in body else body["messages"][-1]["content"]


Answering = Callable[[int, dict[str, Any], dict[str, str]], Reply]  # number of the request, body, its path and key


@contextmanager
def serving(answer: Answering) -> Iterator[Server]:
    """A server on a free port, each request in a thread of its own."""
    server, lock, under_way = Server(), threading.Lock(), Counter[str]()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                number = len(server.bodies)
                server.bodies.append(body)
                server.asked[prompt_of(body)] += 1
                server.keys.add(self.headers["Authorization"])
                under_way["all"] += 1
                server.most_at_once = max(server.most_at_once, under_way["all"])
            try:
                reply = answer(number, body, {"path": self.path, "key": self.headers["Authorization"]})
            finally:
                with lock:
                    under_way["all"] -= 1
            if reply.closes:
                self.close_connection = True
                return
            self.send_response(reply.status)
            for name, value in {"Content-Length": str(len(reply.content)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.content)

        def log_message(self, *given: Any) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    server.url = f"http://127.0.0.1:{http.server_address[1]}/v1"
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


def echo(number: int, body: dict[str, Any], headers: dict[str, str]) -> Reply:
    """Says the prompt back, in capitals, as many times as are asked for."""
    texts = [f"{prompt_of(body).upper()} {place}\nmore" for place in range(body.get("n", 1))]
    return completion(texts, chat="messages" in body)


def passed_on(url: str, body: dict[str, Any], headers: dict[str, str]) -> Reply:
    """What another server says."""
    sent = urllib.request.Request(
        url.removesuffix("/v1") + headers["path"],
        json.dumps(body).encode(),
        {"Content-Type": "application/json", "Authorization": headers["key"]},
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(sent, timeout=60) as answer:
        return Reply(answer.status, answer.read(), {"Content-Type": "application/json"})


class FailingProxy:
    """Passes prompts on to a server: some are late, one in five fails the first time, and after so many requests
    every connection is closed. passed: the prompts that were passed on, in order."""

    def __init__(self, url: str, prompts: Sequence[str], delay: float) -> None:
        self.url, self.prompts, self.delay = url, list(prompts), delay
        self.requests = len(self.prompts) // 2
        self.passed: list[str] = []
        self._erred: set[str] = set()
        self._still = threading.Event()

    def __call__(self, number: int, body: dict[str, Any], headers: dict[str, str]) -> Reply:
        """See Answering."""
        prompt = prompt_of(body)
        self._still.wait(self.delay * (number % 3))
        if number >= self.requests:
            return Reply(closes=True)
        if self.prompts.index(prompt) % 5 == 3 and prompt not in self._erred:
            self._erred.add(prompt)
            return Reply(500, b"one in five")
        self.passed.append(prompt)
        return passed_on(self.url, body, headers)
