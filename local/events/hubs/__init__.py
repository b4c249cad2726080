"""An Event Hubs namespace over AMQP 1.0, for the unmodified Azure clients.

`python -m local.events.hubs --hub telemetry=4` serves it on loopback. Events live in memory, the newest
`--retain-mb` of each partition.
"""
