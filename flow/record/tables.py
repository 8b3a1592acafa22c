"""The plain tables of the record, most of them in both databases, as data: columns, key, and the SQL made from them."""

from __future__ import annotations

from msgspec import Struct


class Table(Struct):
    """A table of the record that is written row by row under the names Cylc 8 documents."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    """Empty for a table that only grows: its rows are then numbered by the record itself (``rowid``)."""
    loaded: bool = True
    """Whether a restart reads it."""
    public: bool = True
    """Whether the public copy has it, too."""
    upsert: str = ""
    select: str = ""

    def __post_init__(self) -> None:
        columns = self.columns if self.key else ("rowid", *self.columns)
        values = ", ".join("?" * len(columns))
        head = f"INTO {self.name}({', '.join(columns)}) VALUES ({values})"
        changing = [name for name in self.columns if name not in self.key]
        if not self.key:
            self.upsert = f"INSERT OR REPLACE {head}"
        elif changing:
            setting = ", ".join(f"{name} = excluded.{name}" for name in changing)
            self.upsert = f"INSERT {head} ON CONFLICT({', '.join(self.key)}) DO UPDATE SET {setting}"
        else:
            self.upsert = f"INSERT {head} ON CONFLICT({', '.join(self.key)}) DO NOTHING"
        self.select = f"SELECT {', '.join(columns)} FROM {self.name}"

    def delete(self, length: int) -> str:
        """Return the SQL that deletes the rows whose first `length` key columns match."""
        if length == 0:
            return f"DELETE FROM {self.name}"
        return f"DELETE FROM {self.name} WHERE " + " AND ".join(f"{name} IS ?" for name in self.key[:length])


_TASK = ("cycle", "name")
_ALL = (
    Table("workflow_flows", ("flow_num", "start_time", "description"), ("flow_num",)),
    Table("workflow_template_vars", ("key", "value"), ("key",)),
    Table("inheritance", ("namespace", "inheritance"), ("namespace",)),
    Table("broadcast_states", ("point", "namespace", "key", "value"), ("point", "namespace", "key")),
    Table("broadcast_events", ("time", "change", "point", "namespace", "key", "value"), (), loaded=False),
    Table("xtriggers", ("signature", "results"), ("signature",)),
    Table("absolute_outputs", (*_TASK, "output"), (*_TASK, "output")),
    Table("tasks_to_hold", ("name", "cycle"), ("name", "cycle")),
    Table(
        "task_prerequisites",
        (*_TASK, "flow_nums", "prereq_name", "prereq_cycle", "prereq_output", "satisfied"),
        (*_TASK, "flow_nums", "prereq_name", "prereq_cycle", "prereq_output"),
    ),
    Table(
        "task_action_timers",
        (*_TASK, "ctx_key", "ctx", "delays", "num", "delay", "timeout"),
        (*_TASK, "ctx_key"),
    ),
    Table("task_timeout_timers", (*_TASK, "timeout"), _TASK),
    Table("task_late_flags", (*_TASK, "value"), _TASK),
    Table(
        "receipts",
        ("id", "time_received", "name", "arguments", "user", "reason", "state", "result", "time_applied"),
        ("id",),
        loaded=False,
        public=False,
    ),
)
TABLES: dict[str, Table] = {table.name: table for table in _ALL}
PUBLIC_TABLES = tuple(name for name, table in TABLES.items() if table.public)
