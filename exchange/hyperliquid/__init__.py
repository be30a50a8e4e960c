"""Hyperliquid: its wire, its signatures, its rules and words, for a client and for a server of it.

Needs the extra `hyperliquid`. What the venue says is mapped to `exchange.reports` in `codec` and
nowhere else.
"""
