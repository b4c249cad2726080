"""Who calls the API. App Service signs people in and tells the app who they are; here the demo takes its place.

The shape is that of "Work with user identities in Azure App Service authentication".
"""

from base64 import b64encode
from dataclasses import dataclass

import msgspec


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the directory, by object id, with an application role."""

    name: str
    id: str
    role: str

    @property
    def headers(self) -> dict[str, str]:
        """What the platform adds to a request of theirs."""
        claims = [{"typ": "oid", "val": self.id}, {"typ": "roles", "val": self.role}]
        principal = {"auth_typ": "aad", "name_typ": "name", "role_typ": "roles", "claims": claims}
        return {"X-MS-CLIENT-PRINCIPAL": b64encode(msgspec.json.encode(principal)).decode()}

    def __str__(self) -> str:
        return f"{self.name} ({self.role})"


OPERATOR = Person("the operator", "00000000-0000-4000-8000-0000000000e0", "Mesh.Operator")
ANNE = Person("Anne", "00000000-0000-4000-8000-0000000000e1", "Mesh.Requester")
BERT = Person("Bert", "00000000-0000-4000-8000-0000000000e2", "Mesh.Approver")
CLEO = Person("Cleo", "00000000-0000-4000-8000-0000000000e3", "Mesh.Operator")
