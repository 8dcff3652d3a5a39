"""Graphs of names: which of them lead back to themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from fairlead.config.document import Node


def shown_ring(parts: Mapping[str, Node | None]) -> str:
    """Return `a → b → a` with the place of each part, so that both ends of a circle are named (A-G01)."""
    names = [*parts]
    places = ", ".join(f"{name} at {part.span}" for name, part in parts.items() if part is not None)
    ring = " → ".join([*names, names[0]])
    return f"{ring} ({places})" if len(names) > 1 and places else ring


def rings(edges: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Return the circles of a graph, each once, beginning with its first name; no recursion, however long."""
    found: dict[frozenset[str], list[str]] = {}
    state: dict[str, int] = {}
    for start in sorted(edges):
        if state.get(start):
            continue
        way: list[str] = [start]
        state[start] = 1
        todo: list[Iterator[str]] = [iter(sorted(edges.get(start, ())))]
        while todo:
            following = next(todo[-1], None)
            if following is None:
                todo.pop()
                state[way.pop()] = 2
            elif state.get(following) == 1:
                ring = way[way.index(following) :]
                first = ring.index(min(ring))
                found.setdefault(frozenset(ring), ring[first:] + ring[:first])
            elif following in edges and not state.get(following):
                state[following] = 1
                way.append(following)
                todo.append(iter(sorted(edges.get(following, ()))))
    return list(found.values())
