"""Several models at once, each with a worker of its own, under a memory budget."""

from samovar.services.fleet.contracts import FOR_EVER as FOR_EVER
from samovar.services.fleet.contracts import SHORT_STAY as SHORT_STAY
from samovar.services.fleet.contracts import USUAL_RULES as USUAL_RULES
from samovar.services.fleet.contracts import Rules as Rules
from samovar.services.fleet.contracts import Verdicts as Verdicts
from samovar.services.fleet.fleet import Fleet as Fleet
from samovar.services.fleet.resident import Served as Served
