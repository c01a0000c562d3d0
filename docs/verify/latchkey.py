"""Asks Latchkey whether a key is good. Python 3.9 or later, no dependencies."""

import json
import time
import urllib.error
import urllib.request
from typing import NamedTuple, Optional

DEADLINE_SECONDS = 3.0


class Decision(NamedTuple):
    valid: bool
    code: str
    retry_after_seconds: int
    body: dict


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """The service key goes to nobody else."""

    def redirect_request(self, *_):
        return None


_opener = urllib.request.build_opener(_NoRedirects)


def verify(url: str, service_key: str, key: str, question: Optional[dict] = None) -> Decision:
    """Never raises: whatever goes wrong, the decision is "no". UNAVAILABLE is Latchkey's fault or the network's: answer 503."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    retry_after = 1
    while True:
        try:
            request = urllib.request.Request(
                url.rstrip("/") + "/v1/verify",
                data=json.dumps({**(question or {}), "key": key}).encode(),
                headers={"Authorization": f"Bearer {service_key}", "Content-Type": "application/json"},
            )
            with _opener.open(request, timeout=max(0.001, deadline - time.monotonic())) as answer:
                body = json.load(answer)
            # Only these two together are a yes.
            valid = answer.status == 200 and body.get("valid") is True and body.get("code") == "VALID"
            code = body.get("code")
            refusal = code if isinstance(code, str) and code != "VALID" else "UNAVAILABLE"
            wait = -(-int(body.get("retry_after_ms") or 0) // 1000)
            return Decision(valid, "VALID" if valid else refusal, wait, body)
        except urllib.error.HTTPError as refusal:
            # 401 and 403 are about the service key: trying again does not help.
            if refusal.code not in (429, 503):
                return Decision(False, "UNAVAILABLE", retry_after, {})
            field = refusal.headers.get("Retry-After", "")
            retry_after = max(1, int(field)) if field.isdecimal() else 1
        except Exception:  # The cause may repeat the request, so it goes nowhere.
            return Decision(False, "UNAVAILABLE", retry_after, {})
        if time.monotonic() + retry_after >= deadline:
            return Decision(False, "UNAVAILABLE", retry_after, {})
        time.sleep(retry_after)
