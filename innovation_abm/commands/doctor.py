"""The command ``doctor``: what is installed and where, and any problems with it."""

from __future__ import annotations

import platform
import re
import sys
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

import typer

from innovation_abm.commands.pages import (
    compiled,
    count,
    kept_for_rules,
    page_table,
    styled,
    with_package,
)
from innovation_abm.console import WIDTH, WRONG, Working, page, print_json, wrapped
from innovation_abm.errors import InnovationAbmError
from innovation_abm.extras import missing
from innovation_abm.options import JsonOption

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from importlib.resources.abc import Traversable

    from rich.console import Console

DATA_FILES: Final = ("example-chart.csv", "presets/workshop.toml")
"""Files that every installation has, in the folder ``data``."""


def doctor(as_json: JsonOption = False) -> None:
    """Show what is installed and where, and check it for problems.

    Exits with status 1 if there is a problem.
    """
    with Working("checking"):
        health = examine()
    if as_json:
        print_json(health)
    else:
        show_health(page(), health)
    if health["problems"]:
        raise typer.Exit(WRONG)


def show_health(console: Console, health: Mapping[str, Any]) -> None:
    """Print what is installed and where, and any problems with it."""
    table = page_table("<", "<", header=False)
    table.add_row("innovation-abm", health["version"])
    table.add_row("python", f"{health['python']} on {health['platform']}")
    for name, found in health["packages"].items():
        table.add_row(name, found or "not installed")
    table.add_row("dask", health["dask"] or "not installed: studies run on this machine only")
    for engine, ready in health["engines"].items():
        table.add_row(f"engine {engine}", "ready" if ready else "cannot be used")
    table.add_row("  compiled", "yes" if health["compiled"] else "no; compiled when first needed")
    table.add_row("  package's own", with_package(health["cache"]["package"]))
    kept = health["cache"]
    table.add_row("cache", f"{compiled(kept['entries'], kept['size'])} in {kept['folder']}")
    for line in kept_for_rules(kept["engines"], kept["quick"]):
        table.add_row("", line)
    table.add_row("data files", f"{len(health['data'])} found")
    console.print(table)
    problems = health["problems"]
    if not problems:
        console.print(styled("\nNo problems found.", "bold green"))
        return
    console.print(styled(f"\n{count(len(problems), 'problem')} found:", "bold red"))
    for problem in problems:
        for line in wrapped(f"  {problem}", WIDTH):
            console.print(line)


def examine() -> dict[str, Any]:
    """Check the installation.

    Returns:
        ``version``, ``python``, ``platform``, ``executable``, ``folder`` (where the package is);
        ``packages``: the version of each dependency, null if it is missing; ``dask``: that of
        ``distributed``, null where studies run on this machine only; ``engines``: whether
        each can be used; ``compiled``: whether the shipped rules were compiled before, and cached,
        or came compiled with the package;
        ``cache``: what is kept between runs and may be deleted at any time, see
        :class:`~innovation_abm.kernel.compiling.Cache`; ``data``: the data files found;
        ``problems``: what is wrong, a list of sentences.
    """
    from innovation_abm.kernel.compiling import CACHE_VARIABLE, cache, is_compiled, unavailable
    from innovation_abm.rules.book import RuleBook

    numba, kept = unavailable(), cache()
    ready = not numba and is_compiled(RuleBook())
    data = sorted(_data_files(files("innovation_abm") / "data"))
    problems = [
        *_package_problems(),
        *_data_problems(data),
        *_run_problems(ready),
        *_dashboard_problems(),
        *_study_problems(),
    ]
    if numba:
        problems.append(f"the compiled engine cannot run, so all runs are slow: {numba}")
    if kept.problem:
        problems.append(
            f"compiled code cannot be cached: {kept.problem}; set {CACHE_VARIABLE} to a folder "
            "that can be written to"
        )
    return {
        "version": _version("innovation-abm"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "executable": sys.executable,
        "folder": str(files("innovation_abm")),
        "packages": {name: _version(name) for name in _dependencies()},
        "dask": _version("distributed"),
        "engines": {"mesa": True, "kernel": not numba},
        "compiled": ready,
        "cache": kept.as_dict(),
        "data": data,
        "problems": problems,
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _requirements() -> list[str]:
    """Requirements of every installation, extras left out, for instance ``mesa<3.6,>=3.3``."""
    try:
        return [one for one in requires("innovation-abm") or [] if "extra ==" not in one]
    except PackageNotFoundError:
        return []


def _dependencies() -> list[str]:
    return [re.split(r"[^\w.-]", one, maxsplit=1)[0] for one in _requirements()]


def _package_problems() -> Iterator[str]:
    if _version("innovation-abm") is None:
        yield "the package is not installed; run: python -m pip install -e ."
        return
    try:
        from packaging.requirements import Requirement
        from packaging.specifiers import SpecifierSet
    except ImportError:  # without it, only missing packages can be found
        for name in _dependencies():
            if _version(name) is None:
                yield f"{name} is not installed; run: python -m pip install {name}"
        return
    allowed = metadata("innovation-abm")["Requires-Python"]
    if not SpecifierSet(allowed).contains(platform.python_version(), prereleases=True):
        yield f"Python {platform.python_version()} is not supported; must be {allowed}"
    for text in _requirements():
        wanted = Requirement(text)
        found = _version(wanted.name)
        if wanted.marker is not None and not wanted.marker.evaluate():
            continue
        if found is None or not wanted.specifier.contains(found, prereleases=True):
            yield (
                f"{wanted.name} {found or ''}".strip()
                + f" is not {wanted.specifier}; "
                + f'run: python -m pip install "{wanted.name}{wanted.specifier}"'
            )


def _data_files(folder: Traversable, prefix: str = "") -> Iterator[str]:
    if not folder.is_dir():
        return
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _data_files(entry, f"{prefix}{entry.name}/")
        else:
            yield prefix + entry.name


def _data_problems(found: list[str]) -> Iterator[str]:
    for name in DATA_FILES:
        if name not in found:
            yield f"the data file {name} is missing; reinstall the package"


def _dashboard_problems() -> Iterator[str]:
    """Load the dashboard's texts and sessions, and look for what its page needs offline."""
    try:
        from innovation_abm.dashboards.guides import guides
        from innovation_abm.dashboards.headlines import headlines
        from innovation_abm.dashboards.words import vocabulary

        if not (vocabulary() and headlines() and guides()):
            yield "the dashboard has no words or no sessions; reinstall the package"
    except (ImportError, OSError, ValueError) as error:
        yield f"the dashboard cannot be opened: {error}"
    from innovation_abm.dashboards.assets import assets_folder

    folder = assets_folder()
    if folder is None or not folder.is_dir():
        yield (
            "the files that the dashboard's page needs offline are missing; "
            "run: python -m pip install --force-reinstall solara-assets"
        )


def _study_problems() -> Iterator[str]:
    """Read every study that comes with the package, if what studies need is installed."""
    if missing("studies"):
        return
    from innovation_abm.experiments.design.shipped import find, names

    try:
        shipped = names()
        if not shipped:
            yield "no study is installed; reinstall the package"
        for name in shipped:
            find(name)
    except (ImportError, OSError, ValueError) as error:
        yield f"a study that comes with the package cannot be read: {error}"


def _run_problems(compiled: bool) -> Iterator[str]:
    """Load every preset, and run a small one, in both engines if the other is compiled already."""
    try:
        from innovation_abm.running.simulation import simulate
        from innovation_abm.scenario.presets import preset, preset_names

        for name in preset_names():
            preset(name)
        small = preset("workshop").but(weeks=20, timeline=())
        run = simulate(small, engine="mesa")
        if not run.balanced:
            yield "a run of the preset workshop does not balance; reinstall the package"
        if compiled:
            other = simulate(small, engine="kernel").summary()
            if other | {"engine": "mesa"} != run.summary():
                yield "the engines disagree; delete the cache: innovation-abm cache --clear"
    except (ImportError, InnovationAbmError) as error:
        yield f"the preset workshop does not run: {error}"
