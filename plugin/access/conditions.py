"""Conditional access: who may only come in from where, and how (promise P6).

Enters: the setting `access.rules`, one rule a line, such as `role=guest network=10.0.0.0/8|127.0.0.1` or
`team="Finance" method=session`. Leaves: the first rule that keeps somebody out. The first part says whom a rule is
about (role, group or team; none: everybody), the rest what they need: an address in one of the networks, one of the
methods (session: signed in with a password, token: an API token, cli: the machine's own shell). Whom no rule is about
comes in. An address that is not known is in no network.
"""

from __future__ import annotations

import ipaddress
import shlex
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from plugin.access.viewer import Role
from plugin.errors import BadInput

SUBJECTS = ("role", "group", "team")
NEEDS = ("network", "method")
METHODS = ("session", "token", "cli")
SETTING = "access.rules"
_EXAMPLE = "role=guest network=10.0.0.0/8|127.0.0.1 or team=Finance method=session"


@dataclass(frozen=True, slots=True)
class Condition:
    """One rule. `subject` is "" where it is about everybody."""

    text: str
    subject: str
    name: str
    networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]
    methods: tuple[str, ...]

    def concerns(self, role: Role, groups: Collection[str], teams: Collection[str]) -> bool:
        """Is the rule about somebody with this role, in these groups and teams (lower-case names)?"""
        if self.subject == "role":
            return role.value == self.name
        if self.subject:
            return self.name in (groups if self.subject == "group" else teams)
        return True

    def met(self, address: str, method: str) -> bool:
        """Does somebody who comes from there, in that way, have what the rule needs?"""
        if self.methods and method not in self.methods:
            return False
        if not self.networks:
            return True
        try:
            found = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
            found = found.ipv4_mapped
        return any(found in network for network in self.networks)


def parse_conditions(lines: Sequence[str]) -> tuple[Condition, ...]:
    """Read the setting. BadInput names the line and what is allowed."""
    return tuple(_parse(number, line) for number, line in enumerate(lines, start=1))


def refusing(
    conditions: Sequence[Condition],
    *,
    role: Role,
    groups: Collection[str],
    teams: Collection[str],
    address: str,
    method: str,
) -> Condition | None:
    """The first rule that keeps this person out; None where they may come in."""
    for each in conditions:
        if each.concerns(role, groups, teams) and not each.met(address, method):
            return each
    return None


def _parse(number: int, line: str) -> Condition:
    where = f"access rule {number}"
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise BadInput(f"{where} has a quote that does not end", field=SETTING) from error
    parts: dict[str, str] = {}
    for word in words:
        key, sign, value = word.partition("=")
        if not sign or not value or key not in (*SUBJECTS, *NEEDS) or key in parts:
            raise BadInput(
                f"{where}: {word!r} is not understood; write for example {_EXAMPLE}", field=SETTING
            )
        parts[key] = value
    subjects = [key for key in SUBJECTS if key in parts]
    if len(subjects) > 1 or not any(key in parts for key in NEEDS):
        raise BadInput(
            f"{where} needs at most one of role, group, team, and network or method", field=SETTING
        )
    subject = subjects[0] if subjects else ""
    name = parts.get(subject, "").lower()
    if subject == "role" and name not in [role.value for role in Role]:
        raise BadInput(f"{where}: a role is one of {', '.join(Role)}", field=SETTING)
    methods = tuple(parts["method"].split("|")) if "method" in parts else ()
    if any(method not in METHODS for method in methods):
        raise BadInput(f"{where}: a method is one of {', '.join(METHODS)}", field=SETTING)
    try:
        networks = (
            tuple(ipaddress.ip_network(each, strict=False) for each in parts["network"].split("|"))
            if ("network" in parts)
            else ()
        )
    except ValueError as error:
        raise BadInput(
            f"{where}: a network is written as 10.0.0.0/8 or 192.168.1.7", field=SETTING
        ) from error
    return Condition(line, subject, name, networks, methods)
