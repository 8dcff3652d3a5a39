"""The model as an application: tables, statements, permissions, machines."""
