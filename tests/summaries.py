"""A run in numbers, for tests of what is made of them."""

from typing import Final

from lifecycle.run.frame import Presence, Summary

RUN: Final = Summary(
    policy="stable",
    market="generated, seed 1",
    seconds=300.0,
    cycles=40,
    rows=1000,
    placed=4,
    modified=9,
    cancelled=1,
    rejected=0,
    fills=2,
    filled_qty="0.2",
    calls=14,
    calls_per_minute=3.5,
    cancels_per_cycle=0.025,
    modify_share=0.9,
    queue_kept=0.886,
    zero_action=0.85,
    cancel_fill=0.5,
    presence=Presence(bid=1.0, ask=0.9),
    staleness_rms_bps=1.1,
    staleness_limit_bps=1.5,
    markout_5s_bps=-1.25,
    position="0",
    kept={},
    timeline=[],
)
