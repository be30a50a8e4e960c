"""What a running bot shows to those who watch over it: a log, metrics, and a dashboard.

All of it is told by the records of `spec.trace`, as the journal is, so it can be produced from a
journal later and nothing in the core knows of it. `log` writes one JSON line a cycle and one for
each notable event (`lines` is its schema, `logfile` the file); `metrics` exports counters and
gauges to Prometheus; `dashboard` makes the Grafana dashboard that shows them. Nothing here decides
anything, and nothing here can stop the trading: a log that cannot be written is given up with a
warning.
"""
