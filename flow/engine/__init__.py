"""The workflow as a pure state machine: events in, effects out, on whatever clock the events carry."""
