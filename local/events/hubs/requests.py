"""Requests to the `$cbs` and `$management` nodes: decode, answer, send the answer back."""

from collections.abc import Callable

from proton import Message, ProtonException

from local.events.hubs import management
from local.events.hubs.access import Access
from local.events.hubs.encoding import Malformed
from local.events.hubs.namespace import Namespace
from local.events.hubs.refusal import Refused, bad_argument

CBS = "$cbs"
MANAGEMENT = "$management"

type Properties = dict[str, object]
type Answer = tuple[int, str, Properties | None]


def answering(
    answer: Callable[[Message], Answer], reply: Callable[[Message], None]
) -> Callable[[bytes, int], None]:
    """The `take` of a request link: every request gets a response with its message id as correlation id."""

    def take(encoded: bytes, message_format: int) -> None:  # noqa: ARG001
        request = _decode(encoded)
        try:
            status, description, body = answer(request)
            properties: Properties = {}
        except Refused as refused:
            status, description, body = refused.status, refused.description, None
            properties = {"error-condition": refused.condition}
        properties |= {"status-code": status, "status-description": description}
        response = Message(body=body, properties=properties)
        response.correlation_id = request.id
        reply(response)

    return take


def _decode(encoded: bytes) -> Message:
    message = Message()
    try:
        message.decode(bytes(encoded))
    except ProtonException as error:
        raise Malformed(str(error)) from None
    return message


def put_token(access: Access) -> Callable[[Message], Answer]:
    """`$cbs`: check a token and remember what it grants; 202 or 401."""

    def answer(request: Message) -> Answer:
        properties: Properties = request.properties or {}
        if properties.get("operation") != "put-token" or not isinstance(request.body, str):
            raise bad_argument("A put-token request with the token as its body was expected.")
        access.present(str(properties.get("type")), request.body)
        return 202, "Accepted", None

    return answer


def read_management(namespace: Namespace, access: Access) -> Callable[[Message], Answer]:
    """`$management`: describe an event hub or a partition to who may use the hub."""

    def answer(request: Message) -> Answer:
        properties: Properties = request.properties or {}
        name = str(properties.get("name"))
        access.demand(name)
        return 200, "OK", management.read(namespace.hub(name), properties)

    return answer
