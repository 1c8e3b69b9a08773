"""Ways to choose one thing of several: a list, as the browser draws it, and a row of buttons.

Vuetify's own lists nest one control in another, which screen readers cannot tell apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import solara

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from innovation_abm.dashboards.words import Speech


@solara.component_vue("front/choice.vue")
def _List(
    label: str,
    items: list[dict[str, Any]],
    value: object,
    event_choose: Callable[[Any], None],
) -> None:
    pass


@solara.component
def Choice(
    label: str,
    items: Sequence[dict[str, Any]],
    value: object,
    choose: Callable[[Any], None],
    kind: str = "",
) -> None:
    """Offer ``items``, each a ``text`` and a ``value``; ``choose`` is called with a value.

    ``kind`` is a class of the page's style.
    """
    with solara.Div(classes=["ia-choices", kind] if kind else ["ia-choices"]):
        _List(label=label, items=list(items), value=value, event_choose=choose)


@solara.component
def switches(
    say: Speech, name: str, values: Iterable[str], chosen: str, choose: Callable[[str], None]
) -> None:
    """Choose one of a few values, all of which are shown."""
    with solara.Div(classes=["ia-acts"], attributes={"role": "group", "aria-label": say(name)}):
        solara.Text(say(name))
        for one in values:
            solara.Button(
                say(f"{name}_{one}"),
                on_click=lambda one=one: choose(one),
                small=True,
                outlined=one != chosen,
                color="primary" if one == chosen else None,
                attributes={"aria-pressed": str(one == chosen).lower()},
            ).key(one)
