"""Definitions in Python, by the names of ecFlow's own module: trees are built, checked, printed, read and simulated.

>>> from tidemill.ecflow import Defs, Suite, Task
>>> print(Defs(Suite("s", Task("t", GREETING="hello"))), end="")
#5.9.2
suite s
  task t
    edit GREETING 'hello'
endsuite
# enddef
"""

from .attributes import (
    Attribute,
    Autorestore,
    AvisoAttr,
    Defstatus,
    Edit,
    Event,
    Generic,
    InLimit,
    Label,
    Limit,
    Meter,
    MirrorAttr,
    Queue,
    Variable,
    Verify,
    ZombieAttr,
)
from .defs import Defs
from .enums import (
    AttrType,
    CheckPt,
    ChildCmdType,
    Days,
    DState,
    FlagType,
    SState,
    State,
    Style,
    ZombieType,
    ZombieUserActionType,
)
from .expressions import Complete, Expression, PartExpression, Trigger
from .flags import Flag
from .helpers import (
    Ecf,
    FamilyVec,
    File,
    FlagTypeVec,
    NodeVec,
    SuiteVec,
    TaskVec,
    UrlCmd,
    VariableList,
    WhyCmd,
    Zombie,
    ZombieVec,
    debug_build,
)
from .jobs import JobCreationCtrl
from .node import Node
from .printing import PrintStyle
from .repeats import (
    Repeat,
    RepeatDate,
    RepeatDateList,
    RepeatDateTime,
    RepeatDateTimeList,
    RepeatDay,
    RepeatEnumerated,
    RepeatInteger,
    RepeatString,
)
from .times import Autoarchive, Autocancel, Clock, Cron, Date, Day, Late, Time, TimeSeries, TimeSlot, Today
from .tree import Alias, Family, NodeContainer, Submittable, Suite, Task

__all__ = [
    "Alias",
    "AttrType",
    "Attribute",
    "Autoarchive",
    "Autocancel",
    "Autorestore",
    "AvisoAttr",
    "CheckPt",
    "ChildCmdType",
    "Clock",
    "Complete",
    "Cron",
    "DState",
    "Date",
    "Day",
    "Days",
    "Defs",
    "Defstatus",
    "Ecf",
    "Edit",
    "Event",
    "Expression",
    "Family",
    "FamilyVec",
    "File",
    "Flag",
    "FlagType",
    "FlagTypeVec",
    "Generic",
    "InLimit",
    "JobCreationCtrl",
    "Label",
    "Late",
    "Limit",
    "Meter",
    "MirrorAttr",
    "Node",
    "NodeContainer",
    "NodeVec",
    "PartExpression",
    "PrintStyle",
    "Queue",
    "Repeat",
    "RepeatDate",
    "RepeatDateList",
    "RepeatDateTime",
    "RepeatDateTimeList",
    "RepeatDay",
    "RepeatEnumerated",
    "RepeatInteger",
    "RepeatString",
    "SState",
    "State",
    "Style",
    "Submittable",
    "Suite",
    "SuiteVec",
    "Task",
    "TaskVec",
    "Time",
    "TimeSeries",
    "TimeSlot",
    "Today",
    "Trigger",
    "UrlCmd",
    "Variable",
    "VariableList",
    "Verify",
    "WhyCmd",
    "Zombie",
    "ZombieAttr",
    "ZombieType",
    "ZombieUserActionType",
    "ZombieVec",
    "debug_build",
]
