"""The app that somebody else runs beside the local Azure, `func start` for one: where it is, and its webhook."""

import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import quote

from demo.addresses import FUNCTIONS_PORT
from demo.stack import EVENT_FUNCTION
from local.caller import RequestFailed
from local.functions_host.host import keys
from local.stack import LocalAzure

KEYS = "functions-keys.json"
SECONDS_FOR_AN_ANSWER = 1.0


class SomeoneElsesApp:
    """Event Grid is told of its webhook as soon as it answers; the keys are those that the local host reads."""

    def __init__(self, azure: LocalAzure, folder: Path, port: int = FUNCTIONS_PORT) -> None:
        self._azure = azure
        self._keys = keys.load(folder / KEYS)
        self.keys_file = folder / KEYS
        self.endpoint = f"http://localhost:{port}"
        self._is_subscribed = False
        self._refusal = ""

    @property
    def function_key(self) -> str:
        """What the local host wants; `func start` wants none."""
        return self._keys.function_key

    @property
    def webhook(self) -> str:
        code = quote(self._keys.event_grid_key, safe="")
        return f"{self.endpoint}/runtime/webhooks/EventGrid?functionName={EVENT_FUNCTION}&code={code}"

    def subscribe(self) -> str:
        """Registers the webhook once the app answers; what there is to say about it, if anything changed."""
        if self._is_subscribed or not self._answers():
            return ""
        try:
            self._azure.register_webhook(self.webhook, name="meshplane")
        except RequestFailed as error:  # an app that serves may not have loaded its functions yet
            told, self._refusal = self._refusal, str(error)
            return "" if told == self._refusal else f"{self.endpoint} does not take events yet: {error}"
        self._is_subscribed = True
        return f"Event Grid delivers to {self.endpoint} now."

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(self.endpoint, timeout=SECONDS_FOR_AN_ANSWER):
                return True
        except urllib.error.HTTPError as error:
            error.close()
            return True
        except OSError:
            return False
