"""An app that shows what its triggers gave it: over HTTP, or as JSON lines in the file that SEEN names."""

import asyncio
import json
import logging
import os
import time
import typing
from pathlib import Path

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)


def record(**what: object) -> None:
    with Path(os.environ["SEEN"]).open("a") as seen:
        seen.write(json.dumps({**what, "pid": os.getpid()}) + "\n")


@app.route("echo/{name}/{id:int?}", methods=["GET", "POST"])
async def echo(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    logging.info("echo was asked by %s", req.route_params.get("name"))
    shown = {
        "method": req.method,
        "url": req.url,
        "headers": dict(req.headers),
        "query": dict(req.params),
        "route": dict(req.route_params),
        "body": req.get_body().hex(),
        "pid": os.getpid(),
        "cwd": str(Path.cwd()),
        "invocation": context.invocation_id,
        "setting": os.environ.get("SHOWN"),
    }
    return func.HttpResponse(json.dumps(shown), mimetype="application/json")


@app.route("open", auth_level=func.AuthLevel.ANONYMOUS)
def open_to_all(req: func.HttpRequest) -> str:
    return "welcome"


@app.route("closed", auth_level=func.AuthLevel.ADMIN)
def closed(req: func.HttpRequest) -> str:
    return "master"


@app.route("files/{*rest}", methods=["GET"])
def files(req: func.HttpRequest) -> str:
    return f"rest={req.route_params.get('rest')}"


@app.route("files/readme", methods=["GET"])
def readme(req: func.HttpRequest) -> str:
    return "the literal route"


@app.route("cookies")
def cookies(req: func.HttpRequest) -> func.HttpResponse:
    response = func.HttpResponse(b"\x00\xff", status_code=201, mimetype="application/octet-stream")
    response.headers.add("Set-Cookie", "a=1; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=60")
    response.headers.add("Set-Cookie", "b=2; Expires=Thu, 12 Jan 2017 13:55:08 GMT")
    response.headers["X-Own"] = "yes"
    return response


@app.route("broken")
def broken(req: func.HttpRequest) -> str:
    raise LookupError("broken on purpose")


@app.route("slow")
async def slow(req: func.HttpRequest) -> str:
    record(function="slow")
    await asyncio.sleep(float(req.params["seconds"]))
    return f"{os.getpid()}"


@app.route("stuck")
def stuck(req: func.HttpRequest) -> str:
    record(function="stuck")
    time.sleep(600)
    return "never"


@app.route("off", auth_level=func.AuthLevel.ANONYMOUS)
def switched_off(req: func.HttpRequest) -> str:
    return "on"


@app.queue_trigger("msg", "%WORK%", "Storage")
@app.queue_output("out", "%WORK%-done", "Storage")
def work(msg: func.QueueMessage, out: func.Out[typing.List[str]]) -> None:  # noqa: UP006 -- the runtime takes no other spelling
    """`{"fail_until": n}` fails before the n-th delivery, `{"seconds": s}` takes that long."""
    body = msg.get_json()
    record(
        function="work",
        body=body,
        id=msg.id,
        dequeue_count=msg.dequeue_count,
        inserted=str(msg.insertion_time),
        expires=str(msg.expiration_time),
        visible=str(msg.time_next_visible),
        receipt=bool(msg.pop_receipt),
    )
    time.sleep(body.get("seconds", 0))
    if (msg.dequeue_count or 0) < body.get("fail_until", 0):
        raise ValueError("not yet")
    out.set([f"done {body['n']}", "and more"])


@app.queue_trigger("msg", "%WORK%-poison", "Storage")
def after_all(msg: func.QueueMessage) -> None:
    record(function="after_all", body=msg.get_json())


@app.event_grid_trigger("event")
def grid(event: func.EventGridEvent) -> None:
    record(function="grid", id=event.id, type=event.event_type, data=event.get_json(), subject=event.subject)
    if event.subject == "fail":
        raise ValueError("refused")
