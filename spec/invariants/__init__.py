"""The promises, S1–S21 and V1–V7: each an id, a sentence, and one predicate over a trace.

A predicate sees one record and the facts proven before and by it (`spec.witness`), and returns
what is broken, or None. The same predicates are checked by every harness.
"""
