"""The attributes of an object, whichever way its class keeps them."""


def attributes(thing: object) -> list[str]:
    """Return the names of everything that an object holds.

    Classes that mypyc has compiled list them in `__mypyc_attrs__`; others have slots, or a
    dictionary.
    """
    found: list[str] = []
    for kind in type(thing).__mro__:
        listed = getattr(kind, "__mypyc_attrs__", None) or vars(kind).get("__slots__", ())
        found += [name for name in listed if name not in found and name != "__dict__"]
    return found or list(vars(thing))
