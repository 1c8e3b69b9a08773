"""A list to choose one thing from, as the browser draws it.

Vuetify's own lists nest one control in another, which screen readers cannot tell apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import solara

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


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
