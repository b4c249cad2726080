"""Another worker ends what a killed one had begun."""

from demo.scenes.healing import healed
from demo.stage import Moment, Stage
from demo.world import SALES


def play(stage: Stage) -> None:
    """The peering that a worker was killed over."""
    stage.watch.act("The lease of the killed worker has run out")
    healed(stage, stage.broken or Moment(), SALES.network(stage.subscription))
    stage.control("DELETE", "/faults")
