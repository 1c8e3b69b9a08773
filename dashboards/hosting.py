"""How the page is reached: by which names and path, in which other pages, and by how many tabs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from innovation_abm.errors import InnovationAbmError, shortened

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME: Final = re.compile(
    r"(?=.{1,253}$)[a-z0-9]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9-]+)*", re.IGNORECASE
)
"""A host's name, without scheme, port or path."""
BASE: Final = re.compile(r"(/(?!\.{1,2}(/|$))[a-z0-9._~-]+)*", re.IGNORECASE)
"""A path without a slash at its end; blank: none."""
ORIGIN: Final = re.compile(r"https?://(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?", re.IGNORECASE)
"""What browsers call the origin of a page."""
MOST_TABS: Final = 100
"""Most tabs that may be open at once, by default; each takes some megabytes."""
MOST_MEGABYTES: Final = 4_000
"""Most memory in use with which a tab is still let in, by default."""


@dataclass(frozen=True)
class Hosting:
    """How the page is reached.

    Attributes:
        network: whether other machines on the network may open it, by any address of this one.
        names: other names by which it may be opened, in lower case.
        base: path below which everything is, without a slash at its end; "": none.
        embedders: origins of pages that may show it in a frame.
        most_tabs: most tabs that may be open at once.
        most_megabytes: no tab is let in while the server uses more memory; 0: no limit.
    """

    network: bool = False
    names: frozenset[str] = frozenset()
    base: str = ""
    embedders: tuple[str, ...] = ()
    most_tabs: int = MOST_TABS
    most_megabytes: int = MOST_MEGABYTES

    def public(self, origin: str) -> str:
        """Return the page's address for others, if it was opened by one that they can use; else "".

        That is one of the other names or, on the network, an address that is not this machine's
        for itself alone: in a container, it is the only one known from outside.
        """
        reached = self.is_named(origin) or (self.network and _is_outside(_host(origin)))
        return f"{origin}{self.base}/" if reached else ""

    def is_named(self, origin: str) -> bool:
        """Whether an origin has one of the other names, as behind a proxy."""
        return _host(origin) in self.names


def _host(origin: str) -> str:
    """Return the name or address of an origin, in lower case; "": it is not an origin."""
    found = ORIGIN.fullmatch(origin)
    return "" if found is None else found[1].strip("[]").rstrip(".").lower()


def _is_outside(host: str) -> bool:
    """Whether a host is an address by which other machines may reach it; names are not."""
    try:
        address = ip_address(host)
    except ValueError:
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    return not (address.is_loopback or address.is_unspecified)


def hosting(
    *,
    network: bool,
    names: Sequence[str],
    base: str,
    embedders: Sequence[str],
    most_tabs: int,
    most_megabytes: int,
) -> Hosting:
    """Check the options of the command; they are named as the attributes of :class:`Hosting`.

    Raises:
        InnovationAbmError: if one is not valid.
    """
    for name in names:
        advice = "a name such as ideas.example.org, without scheme, port or path"
        _check("--allowed-host", name, NAME, advice)
    _check("--base-path", base.rstrip("/"), BASE, "a path such as /ideas")
    for origin in embedders:
        _check("--embed-in", origin, ORIGIN, "an origin such as https://slides.example.org")
    if most_tabs < 1:
        raise InnovationAbmError(f"--max-tabs {most_tabs}: must be at least 1")
    if most_megabytes < 0:
        raise InnovationAbmError(f"--max-memory {most_megabytes}: must be at least 0")
    return Hosting(
        network,
        frozenset(name.lower() for name in names),
        base.rstrip("/"),
        tuple(embedders),
        most_tabs,
        most_megabytes,
    )


def _check(option: str, value: str, form: re.Pattern[str], wanted: str) -> None:
    if form.fullmatch(value) is None:
        raise InnovationAbmError(f"{option} {shortened(value)}: must be {wanted}")
