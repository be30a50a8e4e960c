"""Sweeps: settings × seeds × markets, played on many cores or machines, kept as one table.

`plan` says which runs there are, `play` is what a worker does, `kept` holds what is over beside the
table, so that a sweep that was killed goes on; `sweep` joins the three, `cluster` spreads the runs
over Dask instead of local processes. `table` writes and reads Parquet, `best` finds in it.
"""
