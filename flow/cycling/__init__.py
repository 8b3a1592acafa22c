"""Cycle points, intervals and recurrences: integer and ISO 8601 in four calendars.

A point is a plain ``int`` everywhere inside the scheduler; text is parsed and written at the edge, by a
`Cycling`.
"""
