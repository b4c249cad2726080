"""Bearer tokens: who calls, or the 401 that Resource Manager answers."""

from dataclasses import dataclass
from datetime import UTC, datetime

from local.arm.clock import Clock
from local.arm.errors import ArmError
from local.arm.messages import Principal
from local.identity.tokens import InvalidToken, read

AUDIENCES = ("https://management.core.windows.net", "https://management.azure.com")


@dataclass(frozen=True, slots=True)
class Authentication:
    """`key` None accepts any signature (for tools that mint their own tokens); the rest is checked all the same."""

    clock: Clock
    key: bytes | None
    tenant: str

    def authenticate(self, header: str | None, own_endpoint: str) -> Principal:
        """The caller of a request with this `Authorization` header; `own_endpoint` is a valid audience too."""
        if not header:
            raise self._refusal(
                "AuthenticationFailed",
                "Authentication failed. The 'Authorization' header is missing.",
                "The authentication failed because of missing 'Authorization' header.",
            )
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer":
            raise self._refusal(
                "AuthenticationFailedInvalidHeader",
                "Authentication failed. The 'Authorization' header is provided in an invalid format.",
                "The 'Authorization' header is provided in an invalid format.",
            )
        try:
            claims = read(token.strip(), self.key)
        except InvalidToken as error:
            raise self._refusal(
                "InvalidAuthenticationToken", "The access token is invalid.", "Could not validate the token."
            ) from error
        self._check_expiry(claims.get("exp"))
        self._check_audience(claims.get("aud"), own_endpoint)
        oid = str(claims.get("oid", ""))
        name = str(claims.get("xms_mirid", "")).rpartition("/")[2] or str(claims.get("appid", oid))
        return Principal(oid, name, claims)

    def _check_expiry(self, claim: object) -> None:
        now = self.clock.now()
        expires = datetime.fromtimestamp(claim, UTC) if isinstance(claim, int | float) else None
        if expires is None or expires <= now:
            shown = f"{expires:%m/%d/%Y %I:%M:%S %p}" if expires else ""
            raise self._refusal(
                "ExpiredAuthenticationToken",
                f"The access token expiry UTC time '{shown}' is earlier than current UTC time "
                f"'{now:%m/%d/%Y %I:%M:%S %p}'.",
                "The access token has expired.",
            )

    def _check_audience(self, claim: object, own_endpoint: str) -> None:
        accepted = {*AUDIENCES, own_endpoint.rstrip("/")}
        if not isinstance(claim, str) or claim.rstrip("/") not in accepted:
            listed = ",".join(f"'{audience}/','{audience}'" for audience in AUDIENCES)
            raise self._refusal(
                "InvalidAuthenticationTokenAudience",
                f"The access token has been obtained for wrong audience or resource '{claim}'. It should "
                f"exactly match with one of the allowed audiences {listed}.",
                "The access token has been obtained from wrong audience or resource.",
            )

    def _refusal(self, code: str, message: str, description: str) -> ArmError:
        challenge = (
            f'Bearer authorization_uri="https://login.windows.net/{self.tenant}", error="invalid_token", '
            f'error_description="{description}"'
        )
        return ArmError(401, code, message, headers={"WWW-Authenticate": challenge})
