"""The one error with which the namespace turns a client's request down."""


class Refused(Exception):
    """A request that Event Hubs answers with an AMQP error.

    `condition` is the AMQP error symbol (`amqp:not-found`, `com.microsoft:argument-error` …) as the service
    sends it; `status` its HTTP-like code where the answer is a management response.
    """

    def __init__(self, condition: str, description: str, status: int = 400) -> None:
        super().__init__(f"{condition}: {description}")
        self.condition = condition
        self.description = description
        self.status = status


def not_found(what: str) -> Refused:
    """The entity, partition or consumer group does not exist."""
    description = f"The messaging entity '{what}' could not be found."
    return Refused("amqp:not-found", description, status=404)


def unauthorized(description: str) -> Refused:
    """The token is missing, wrong or too old."""
    return Refused("amqp:unauthorized-access", description, status=401)


def bad_argument(description: str) -> Refused:
    """A value in the request makes no sense for this entity."""
    return Refused("com.microsoft:argument-error", description)
