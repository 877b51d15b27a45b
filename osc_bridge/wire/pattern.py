"""OSC address patterns (`?`, `*`, `[a-z]`, `[!x]`, `{one,two}`), matched in pattern times text steps and never more."""

from __future__ import annotations

SPECIAL = frozenset("?*[]{}")
MAX_ALTERNATIVES = 16


def is_pattern(address: str) -> bool:
    """True where `address` has a character that only patterns have."""
    return not SPECIAL.isdisjoint(address)


def matches(pattern: str, address: str) -> bool:
    """True where `pattern` covers the whole of `address`; a malformed pattern covers nothing."""
    places = {0}  # how many characters of the address the pattern so far may have used up
    position = 0
    while position < len(pattern):
        sign = pattern[position]
        close = pattern.find({"[": "]", "{": "}"}.get(sign, sign), position + (sign in "[{"))
        if close < 0:
            return False
        inside = pattern[position + 1 : close]
        position = close + 1
        if sign == "*":
            places = _stretched(places, address)
        elif sign == "{":
            words = inside.split(",")[:MAX_ALTERNATIVES]
            places = {place + len(word) for place in places for word in words if address.startswith(word, place)}
        else:
            letters = _letters(sign, inside)
            excluded = letters if sign == "?" or inside.startswith("!") else None
            places = {
                place + 1
                for place in places
                if place < len(address)
                and (address[place] in letters if excluded is None else address[place] not in excluded)
            }
    return len(address) in places


def _stretched(places: set[int], address: str) -> set[int]:
    """Every place that a `*` reaches from `places`: it stops at the next slash."""
    reached = set()
    active = False
    for place in range(len(address) + 1):
        active = active or place in places
        if active:
            reached.add(place)
        active = active and address[place : place + 1] != "/"
    return reached


def _letters(sign: str, inside: str) -> set[str]:
    """The characters that `sign` names; for `?` and `[!...]` those that it does not take."""
    if sign == "?":
        return {"/"}
    if sign != "[":
        return {sign}
    negated = inside.startswith("!")
    rest = inside[negated:]
    letters = set(rest) | ({"/"} if negated else set())
    for low, dash, high in zip(rest, rest[1:], rest[2:], strict=False):
        if dash == "-":
            letters.update(map(chr, range(ord(low), min(ord(high), ord(low) + 255) + 1)))
    return letters
