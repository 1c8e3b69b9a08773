import typing

from .agents import CentralAgency as CentralAgency
from .agents import Leader as Leader
from .agents import MiddleManager as MiddleManager
from .agents import Panel as Panel
from .agents import Person as Person
from .agents import Provision as Provision
from .agents import Reviewer as Reviewer
from .agents import Staff as Staff
from .agents.fields import beta_trait as beta_trait
from .agents.fields import state as state
from .agents.module import Body as Body
from .agents.module import Module as Module
from .chance import Purpose as Purpose
from .chance import normal as normal
from .chance import uniform as uniform
from .entities.idea import NEVER as NEVER
from .entities.idea import Event as Event
from .entities.idea import Facet as Facet
from .entities.idea import Fate as Fate
from .entities.idea import Idea as Idea
from .entities.idea import Outcome as Outcome
from .entities.idea import Reason as Reason
from .entities.idea import Stage as Stage
from .entities.terms import Terms as Terms
from .organization.organization import Role as Role
from .rules.book import clip as clip
from .rules.book import logistic as logistic
from .rules.book import rule as rule
from .rules.book import saturation as saturation
from .rules.book import trait as trait
from .rules.declaring import parameter as parameter

VERSION: typing.Final = 1
