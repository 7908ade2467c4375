"""Keys of providers: where they are found, where they may be sent, and that nobody reads them on the way.

A key comes from the environment (an editor hands it over there, too) or from the keyring of the system, never from a
file, so that no repository can bring one or take one away.
"""

from __future__ import annotations

import hmac
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NoReturn

from testwright.errors import KeyRefused, SettingsError
from testwright.models.values import Provider
from testwright.settings.addresses import Address, read_address

HIDDEN = "…"
"""What is written where a key was."""
SHORTEST_KEY = 8
"""A key of fewer characters protects nothing: it is a placeholder (``none``, ``ollama``) where a server wants one."""
KEYRING_SERVICE = "testwright"
"""Under which the keyring has keys; the user's name there is the provider's: ``keyring set testwright openrouter``."""
KEYRING_SECONDS = 5.0
"""A keyring that is locked may ask its user in a window that nobody sees."""
MAX_KEY_LENGTH = 4096
"""More than this is refused: servers take some 8 KB of headers in all, and keys have 30 to 200 characters."""


class Secret:
    """A key that shows itself to nobody who does not ask for it by name.

    ``repr``, ``str`` and ``format`` hide it, it cannot be pickled or made JSON of, and it is compared in constant time.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The key itself, for the header it is sent in; bind it to no variable, since tracebacks show those."""
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __repr__(self) -> str:
        return f"Secret({HIDDEN})"

    def __format__(self, format_spec: str) -> str:
        return format(repr(self), format_spec)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(*(text.encode("utf-8", "surrogatepass") for text in (self._text, other._text)))

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __reduce__(self) -> NoReturn:
        raise TypeError("A secret is not pickled: it would stand in a file or a pipe.")


class Variables(Mapping[str, str]):
    """An environment that does not show its values, which are variables of many frames and so in their tracebacks."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Variables({HIDDEN})"


def cleaned(text: str, secrets: Iterable[Secret]) -> str:
    """The text with each key in it replaced by an ellipsis; for what others have written and we tell.

    What is shorter than ``SHORTEST_KEY`` stays: it would take ordinary words out of the text.
    """
    real = [secret for secret in secrets if len(secret.reveal()) >= SHORTEST_KEY]
    for secret in sorted(real, key=lambda secret: len(secret.reveal()), reverse=True):
        text = text.replace(secret.reveal(), HIDDEN)
    return text


def find_key(
    provider: Provider,
    environ: Mapping[str, str],
    *,
    tell: Callable[[str], None] | None = None,
    seconds: float = KEYRING_SECONDS,
) -> Secret | None:
    """The key of a provider: its environment variable, else the keyring; None where there is none or none is needed.

    The keyring may take ``seconds``, so call this in a thread.

    Args:
        provider: Whose.
        environ: The process's environment.
        tell: Takes a sentence about a keyring that failed; that is no error, since the variable does as well.
        seconds: How long the keyring is waited for.

    Raises:
        KeyRefused: What is there cannot be a key.
    """
    if provider.key_variable is None:
        return None
    key = Secret(environ.get(provider.key_variable, "").strip())
    what = f"The key in {provider.key_variable}"
    if not key:
        key, note = _of_keyring(provider.name, seconds)
        what = f"The key of {provider.name} in the keyring"
        if note and tell is not None:
            tell(note)
    if not key:
        return None
    _check_shape(key, what)
    return key


def check_address(provider: Provider, key: Secret | None) -> Address:
    """The address of a provider, once it is sure that what is sent there, a key above all, arrives there only.

    Raises:
        SettingsError: It cannot be read, or in more than one way.
        KeyRefused: A key would travel in the open: the address is neither https nor on this machine.
    """
    try:
        address = read_address(provider.base_url)
    except ValueError as error:
        raise SettingsError(
            f"The address of the provider {provider.name} {error}.",
            next_step="Correct its base_url; https://openrouter.ai/api/v1 is one as it should be.",
        ) from error
    if key is not None and address.scheme != "https" and not address.is_loopback:
        raise KeyRefused(
            f"The key of {provider.name} is not sent to {address.destination}: "
            "over http everyone on the way can read it.",
            next_step=f"Use an https address, or unset {provider.key_variable} if the server needs no key.",
        )
    return address


def _check_shape(key: Secret, what: str) -> None:
    if len(key.reveal()) > MAX_KEY_LENGTH:
        raise KeyRefused(f"{what} is longer than {MAX_KEY_LENGTH} characters.", next_step="Set the key alone.")
    wrong = [place for place, letter in enumerate(key.reveal(), 1) if not "!" <= letter <= "~"]
    if wrong:
        raise KeyRefused(
            f"{what} cannot be one: character {wrong[0]} of it is a space, a control character or not ASCII.",
            next_step="Copy the key again, without what stands around it.",
        )


def _of_keyring(user: str, seconds: float) -> tuple[Secret, str]:
    """The key, empty where there is none, and a note on a keyring that failed. A thread asks, which may hang."""
    answers: list[tuple[Secret, str]] = []
    thread = threading.Thread(target=lambda: answers.append(_ask_keyring(user)), name="keyring", daemon=True)
    thread.start()
    thread.join(seconds)
    if not answers:
        return Secret(""), f"The keyring did not answer within {seconds:g} seconds, so it was not waited for."
    return answers[0]


def _ask_keyring(user: str) -> tuple[Secret, str]:
    _leave_macos_out()
    try:
        import keyring  # noqa: PLC0415 - an extra, slow to load
        from keyring.errors import KeyringLocked, NoKeyringError  # noqa: PLC0415
    except Exception as error:  # noqa: BLE001 - it looks for back ends when it is loaded, and these may raise anything
        is_absent = isinstance(error, ImportError) and error.name == "keyring"
        return Secret(""), "" if is_absent else _failed(type(error).__name__)
    try:
        return Secret((keyring.get_password(KEYRING_SERVICE, user) or "").strip()), ""
    except NoKeyringError:
        return Secret(""), ""  # a machine without a desktop: nothing was set up, so nothing has failed
    except KeyringLocked:
        return Secret(""), _failed("it is locked")
    except Exception as error:  # noqa: BLE001 - a back end may raise anything, and the key may come another way
        return Secret(""), _failed(type(error).__name__)


def _leave_macos_out() -> None:
    """Elsewhere, do not let the back end for macOS look for its libraries: it would have a C compiler look for them.

    keyring loads all its back ends when it chooses one, and gets along without those that cannot be imported.
    """
    if sys.platform != "darwin":
        sys.modules.setdefault("keyring.backends.macOS.api", None)  # type: ignore[arg-type] # "cannot be imported"


def _failed(why: str) -> str:
    return f"The keyring could not be read ({why}), so no key was taken from it."
