import innovation_abm.entities.terms

from .central_agency import CentralAgency as CentralAgency
from .leader import Leader as Leader
from .middle_manager import MiddleManager as MiddleManager
from .panel import Panel as Panel
from .person import Person as Person
from .reviewer import Reviewer as Reviewer
from .staff import Staff as Staff

Provision = innovation_abm.entities.terms.Provision
