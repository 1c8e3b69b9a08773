"""The routes of the small pages: a few kilobytes each, without Solara.

Each page is one file, follows one stream of events, and sends a few bytes. Whoever does not know
the secret in an address finds nothing there.
"""

from __future__ import annotations

import json
import secrets
from contextlib import ExitStack
from functools import lru_cache
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from innovation_abm.dashboards.phones.desk import DESKS, POLLS
from innovation_abm.dashboards.phones.game_desk import GAMES
from innovation_abm.dashboards.phones.journal import JournalError
from innovation_abm.dashboards.phones.phone_game import TooOftenError
from innovation_abm.dashboards.phones.poll import VoteError
from innovation_abm.dashboards.stage import FRONT
from innovation_abm.dashboards.words import vocabulary

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

    from innovation_abm.dashboards.phones.desk import FacilitatorDesk
    from innovation_abm.dashboards.phones.phone_game import PhoneGame
    from innovation_abm.dashboards.phones.poll import Poll

COOKIE: Final = "ia_phone"
MOST_BYTES: Final = 200
"""Most bytes that a small page sends."""
ANSWERS: Final = {1: True, 0: False, -1: None}
"""What a manager may answer: endorse, refuse, or neither any more."""
ASKED: Final = ("go", "bet", "week", "clock", "seconds", "compare")
"""What a presenter's window may ask for."""
PLAIN: Final = {"Cache-Control": "no-store"}


def routes() -> list[Route]:
    """Return the routes of the small pages."""
    return [
        Route("/vote/{token}", vote_page, methods=["GET"]),
        Route("/vote/{token}", vote, methods=["POST"]),
        Route("/vote/{token}/events", vote_events, methods=["GET"]),
        Route("/play/{token}", play_page, methods=["GET"]),
        Route("/play/{token}", play, methods=["POST"]),
        Route("/play/{token}/events", play_events, methods=["GET"]),
        Route("/presenter/{key}", presenter_page, methods=["GET"]),
        Route("/presenter/{key}", present, methods=["POST"]),
        Route("/presenter/{key}/events", presenter_events, methods=["GET"]),
    ]


# --- phones ---------------------------------------------------------------------------------------


async def vote_page(request: Request) -> Response:
    """Let a phone in that votes."""
    return _let_in(request, POLLS.get(request.path_params["token"]), "vote")


async def play_page(request: Request) -> Response:
    """Let a phone in that plays a manager."""
    return _let_in(request, GAMES.get(request.path_params["token"]), "play")


def _let_in(request: Request, host: Poll | PhoneGame | None, what: str) -> Response:
    """Let a phone in: it gets a number, which only its browser and this room know."""
    if host is None:
        return small_page("gone.html", "gone_", status=404)
    if request.method == "HEAD":  # whoever only asks whether there is a page does not join
        return Response(headers=PLAIN)
    phone = _phone(request) or secrets.token_urlsafe(12)
    try:
        host.join(phone)
    except VoteError as error:
        return _refused(429, str(error))
    except JournalError:
        return _not_kept()
    answer = small_page(f"{what}.html", f"{what}_", seat=host.seat(phone))
    # Not "strict": applications that scan codes open the page as from elsewhere, and without its
    # number a phone would vote twice.
    path = f"{request.scope.get('root_path', '')}/{what}"
    answer.set_cookie(COOKIE, phone, httponly=True, samesite="lax", path=path)
    return answer


async def vote_events(request: Request) -> Response:
    """Tell a phone that votes what it shows, now and whenever that changes."""
    return _followed(request, POLLS.get(request.path_params["token"]))


async def play_events(request: Request) -> Response:
    """Tell a phone that plays what it shows, now and whenever that changes."""
    return _followed(request, GAMES.get(request.path_params["token"]))


def _followed(request: Request, host: Poll | PhoneGame | None) -> Response:
    phone = _phone(request)
    if host is None or not host.knows(phone):
        return _refused(404, "not found")
    return _stream(_followed_by_phone(host, phone))


async def _followed_by_phone(host: Poll | PhoneGame, phone: str) -> AsyncIterator[str]:
    with host.connected(phone):
        async for event in host.channel.follow(lambda: host.shown_on(phone)):
            yield event


async def vote(request: Request) -> Response:
    """Count a vote: ``{"step": 3, "option": 1}``."""
    poll = POLLS.get(request.path_params["token"])
    if poll is None:
        return _refused(404, "not found")
    given = _numbers(await _sent(request), "step", "option")
    if given is None:
        return _refused(400, "a vote has a step and an option, both whole numbers")
    try:
        poll.vote(_phone(request), given["step"], given["option"])
    except VoteError as error:
        return _refused(409, str(error))
    return Response(status_code=204)


async def play(request: Request) -> Response:
    """Take an answer: ``{"week": 12, "place": 0, "answer": 1}``; 0 refuses, -1 takes it back."""
    game = GAMES.get(request.path_params["token"])
    if game is None:
        return _refused(404, "not found")
    given = _numbers(await _sent(request), "week", "place", "answer")
    if given is None or given["answer"] not in ANSWERS:
        return _refused(400, "must be a week, a place and an answer of -1, 0 or 1")
    try:
        game.answer(_phone(request), given["week"], given["place"], ANSWERS[given["answer"]])
    except TooOftenError as error:
        return _refused(429, str(error))
    except VoteError as error:
        return _refused(409, str(error))
    except JournalError:
        return _not_kept()
    return Response(status_code=204)


def _phone(request: Request) -> str:
    """Return the number of a phone; "" if it has none, or what it sent is none."""
    try:
        found = SimpleCookie(request.headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return "" if found is None or len(found.value) > 40 else found.value


# --- the presenter's window -----------------------------------------------------------------------


async def presenter_page(request: Request) -> Response:
    """Serve the presenter's window."""
    if request.path_params["key"] not in DESKS:
        return small_page("gone.html", "gone_", status=404)
    return small_page("presenter.html", "presenter_")


async def presenter_events(request: Request) -> Response:
    """Tell a presenter's window what it shows, now and whenever that changes."""
    desk = DESKS.get(request.path_params["key"])
    return _refused(404, "not found") if desk is None else _stream(_followed_by_presenter(desk))


async def _followed_by_presenter(desk: FacilitatorDesk) -> AsyncIterator[str]:
    with ExitStack() as closing:
        desk.window(True)
        closing.callback(desk.window, False)
        async for event in desk.channel.follow(desk.shown):
            yield event


async def present(request: Request) -> Response:
    """Do in the room what the presenter's window asks for: ``{"go": 4}``, for example."""
    desk = DESKS.get(request.path_params["key"])
    if desk is None:
        return _refused(404, "not found")
    content = await _sent(request)
    for what in ASKED:
        given = _numbers(content, what)
        if given is not None:
            desk.act(what, given[what])
            return Response(status_code=204)
    return _refused(400, f"must be one of {', '.join(ASKED)}, and a whole number")


# --- what both have in common ---------------------------------------------------------------------


def small_page(
    file: str, texts: str, status: int = 200, *, seat: dict[str, Any] | None = None
) -> Response:
    """Return a page of one file, with the texts whose keys begin with ``texts``.

    Args:
        file: its name.
        texts: how the keys of its texts begin.
        status: the status of the answer.
        seat: what the page has to know about the seat of its phone.
    """
    nonce = secrets.token_urlsafe(16)
    policy = (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    html = _html(file, texts).replace("NONCE", nonce).replace("SEAT", _embedded(seat))
    return HTMLResponse(html, status, headers={**PLAIN, "Content-Security-Policy": policy})


@lru_cache
def _html(file: str, prefix: str) -> str:
    """Return a page with its texts in both languages: those whose keys begin with ``prefix``."""
    said = {
        language: {
            key.removeprefix(prefix): text for key, text in texts.items() if key.startswith(prefix)
        }
        for language, texts in vocabulary().items()
    }
    head, page = ((FRONT / one).read_text(encoding="utf-8") for one in ("small_head.html", file))
    return page.replace("HEAD\n", head, 1).replace("TEXTS", _embedded(said))


def _embedded(value: object) -> str:
    """Return a value as JSON that is safe in a script of a page."""
    return json.dumps(value, ensure_ascii=False).replace("<", "\\u003c")


def _stream(events: AsyncIterator[str]) -> Response:
    headers = {**PLAIN, "X-Accel-Buffering": "no"}  # which asks nginx to pass events on at once
    return StreamingResponse(events, media_type="text/event-stream", headers=headers)


def _refused(status: int, why: str) -> Response:
    return PlainTextResponse(f"{why}\n", status, headers=PLAIN)


def _not_kept() -> Response:
    """Refuse what cannot be written to disk; where that is, is nobody else's business."""
    return _refused(503, "this cannot be kept now")


async def _sent(request: Request) -> bytes:
    """Return what a page sent, or the beginning of what is too long."""
    content = b""
    async for part in request.stream():
        content += part
        if len(content) > MOST_BYTES:
            break
    return content[:MOST_BYTES]


def _numbers(content: bytes, *names: str) -> dict[str, int] | None:
    """Return whole numbers that a page sent, by name; ``None`` if that is not what it sent."""
    try:
        found: Any = json.loads(content)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or set(found) != set(names):
        return None
    return found if all(type(value) is int for value in found.values()) else None
