"""The type checker: each module one group of rules; `fairlead.expr.check` puts them together."""
