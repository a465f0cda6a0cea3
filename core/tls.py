"""What stands behind an address, as far as TLS goes: asked where a driver only says that it failed."""

from __future__ import annotations

import socket
import ssl
from typing import Literal, NamedTuple

# Under TLS 1.3 a server looks at our certificate after the handshake is over for us; one that is
# content says nothing, because it waits for the first request.
_REFUSAL_S = 1.0


class TlsAnswer(NamedTuple):
    """How a greeting ended, and what was said: by them, or by our own check of their certificate.

    `absent`: no TLS is spoken there. `untrusted`: we do not accept their certificate. `refused`:
    they do not accept ours, or that we have none.
    """

    kind: Literal["fine", "absent", "untrusted", "refused"]
    said: str = ""


def greet(host: str, port: int, context: ssl.SSLContext | None, timeout_s: float) -> TlsAnswer:
    """Greets whoever listens there by TLS and hangs up. Blocking; OSError where nobody listens.

    Without a context nothing is checked: it only says whether TLS is spoken.
    """
    shown = _unchecked() if context is None else context
    with socket.create_connection((host, port), timeout_s) as plain:
        try:
            secure = shown.wrap_socket(plain, server_hostname=host)
        except ssl.SSLCertVerificationError as exc:
            return TlsAnswer("untrusted", exc.verify_message)
        except ssl.SSLError as exc:
            # An alert is an answer in TLS; anything else is somebody who does not know it.
            return TlsAnswer("refused" if "ALERT" in (exc.reason or "") else "absent", _said(exc))
        except OSError as exc:
            return TlsAnswer("absent", _said(exc))
        with secure:
            return TlsAnswer("fine") if context is None else _await_refusal(secure, timeout_s)


def _await_refusal(secure: ssl.SSLSocket, timeout_s: float) -> TlsAnswer:
    secure.settimeout(min(_REFUSAL_S, timeout_s))
    try:
        if not secure.recv(1):
            return TlsAnswer("refused", "it closed the connection")
    except TimeoutError:
        return TlsAnswer("fine")
    except OSError as exc:
        return TlsAnswer("refused", _said(exc))
    return TlsAnswer("fine")


def _unchecked() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _said(exc: OSError) -> str:
    """What the library calls it, in words."""
    reason = exc.reason if isinstance(exc, ssl.SSLError) else exc.strerror
    return (reason or str(exc) or type(exc).__name__).replace("_", " ").lower()
