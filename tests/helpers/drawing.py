"""Draws parts of the page without a browser."""

import ipyvuetify
import solara


def drawn(component):
    """Draw a part of the page; give its texts, and its buttons by their labels."""
    _, page = solara.render(solara.AppLayout(children=[component]), handle_error=False)
    texts = [one.unsafe_innerHTML for one in page.find(solara.widgets.HTML).widgets]
    buttons = {str(one.children[0]): one for one in page.find(ipyvuetify.Btn).widgets}
    return " ".join(texts), buttons
