"""GraphQL over the picture of a run: `execute.execute` answers, everything else is loaded with it."""
