"""Saving a run: a folder of tables, a summary, and a scenario file that repeats it exactly.

The tables are Parquet, one for each of ``run.ideas``, ``run.weeks``, ``run.queues``,
``run.people`` and ``run.events``, all of whose columns are plain (no index);
``pandas.read_parquet`` reads them. ``summary.json`` is what ``innovation-abm run --json``
prints. ``run.toml`` is a scenario file: ``innovation-abm run FOLDER/run.toml`` repeats the run,
figure by figure. A chart that was used is saved beside it as ``chart.csv``, a network that was read
from a file as GraphML. Of a rule file it has
the name and the SHA-256; its first line says how to repeat the run with it, and the commands
warn if it is run without.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import fields
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from typing import TYPE_CHECKING, Any, Final

from innovation_abm.console import to_json
from innovation_abm.entities.networks import network_of, write_network
from innovation_abm.errors import InnovationAbmError
from innovation_abm.organization.organization import Role
from innovation_abm.reading.text_files import beside
from innovation_abm.reading.toml_files import read_toml_file
from innovation_abm.rules.files import FileRules, modules_of, roles_of
from innovation_abm.scenario.networks import NETWORKS, named_by_file

if TYPE_CHECKING:
    from os import PathLike

    import pandas as pd

    from innovation_abm.charts.charts import Chart
    from innovation_abm.organization.organization import Organization
    from innovation_abm.results.run import Run
    from innovation_abm.rules.book import RuleBook
    from innovation_abm.scenario.scenario import Scenario

TABLES: Final = ("ideas", "weeks", "queues", "people", "events")
SCENARIO_FILE: Final = "run.toml"
SUMMARY_FILE: Final = "summary.json"
CHART_FILE: Final = "chart.csv"
NETWORK_FILES: Final = {name: f"{name.replace('_', '-')}.graphml" for name in NETWORKS}
ALL_FILES: Final = frozenset(
    {
        *(SCENARIO_FILE, SUMMARY_FILE, CHART_FILE, *NETWORK_FILES.values()),
        *(f"{name}.parquet" for name in TABLES),
    }
)
"""Names of all files that a saved run may have."""

MEASURED: Final = ("mesa", "numpy", "pandas")
"""Packages whose versions are recorded with a run."""


def summarize(run: Run, chart: Chart | None = None) -> dict[str, Any]:
    """Return a run in figures: what ``run --json`` prints and ``summary.json`` holds.

    Args:
        run: the run.
        chart: the chart it was run on, if one was read from files.

    Returns:
        All of ``Run.summary``; ``balanced`` (whether the account of fates adds up),
        ``elapsed_seconds``, ``version`` of this package; ``chart``: null, or its ``files``,
        ``format`` and, if anything was assumed to read it, ``assumed``; ``warnings`` and
        ``repairs`` of the chart, each a list of ``file``, ``row``, ``kind``, ``message``,
        ``repairable`` and ``needs_force``.
    """
    report = None if chart is None else chart.report()
    return {
        **run.summary(),
        "balanced": run.balanced,
        "elapsed_seconds": run.elapsed,
        "version": version("innovation-abm"),
        "chart": report and _about_chart(report),
        "warnings": report["warnings"] if report else [],
        "repairs": report["repairs"] if report else [],
    }


def _about_chart(report: dict[str, Any]) -> dict[str, Any]:
    """What a summary says about the chart that a run used."""
    keys = ("files", "format", "assumed") if report["assumed"] else ("files", "format")
    return {key: report[key] for key in keys}


def save_run(
    run: Run, folder: str | PathLike[str], *, summary: dict[str, Any] | None = None
) -> None:
    """Save a run in its own folder; see the module for what it holds.

    Everything is written to a new folder beside, which then takes the place of ``folder``; if
    anything goes wrong, nothing is left and an earlier run in ``folder`` stays as it was.

    Args:
        run: the run.
        folder: a folder that does not exist yet, is empty, or holds an earlier run and nothing
            else. Folders above it are made.
        summary: the contents of ``summary.json``; :func:`summarize` if ``None``.

    Raises:
        InnovationAbmError: if ``folder`` holds something else, or cannot be written.
    """
    target = check_folder(folder)
    staging = beside(target)
    try:
        staging.mkdir()
        try:
            _write(run, staging, summarize(run) if summary is None else summary)
            put_in_place(staging, target)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    except OSError as error:
        raise _cannot_write(folder, error) from None


def check_folder(folder: str | PathLike[str]) -> Path:
    """Check that a run can be saved in a folder, before time is spent on running it.

    Args:
        folder: as for :func:`save_run`.

    Returns:
        Its absolute path. The folders above it exist.

    Raises:
        InnovationAbmError: if ``folder`` holds something else, or cannot be written.
    """
    try:
        target = Path(folder).resolve()
        if target.exists():
            _check_replaceable(target, folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        trial = beside(target)
        trial.mkdir()
        trial.rmdir()
    except (OSError, ValueError, RuntimeError) as error:  # what odd names and loops of links raise
        if isinstance(error, InnovationAbmError):
            raise
        raise _cannot_write(folder, error) from None
    return target


def _check_replaceable(target: Path, folder: str | PathLike[str]) -> None:
    """Refuse a folder that is neither empty nor an earlier run, and the current folder."""
    if not target.is_dir():
        raise InnovationAbmError(f"{folder} is a file; name a new folder for the run")
    held = {entry.name for entry in target.iterdir()}
    foreign = sorted(held - ALL_FILES)
    if foreign or (held and SCENARIO_FILE not in held):
        what = foreign[0] if foreign else min(held)
        raise InnovationAbmError(
            f"the folder {folder} exists and is not that of an earlier run: it holds {what}; "
            "name a new folder"
        )
    if Path.cwd().is_relative_to(target):
        raise InnovationAbmError(f"{folder} is the current folder; name a new one")


def _cannot_write(folder: str | PathLike[str], error: Exception) -> InnovationAbmError:
    reason = getattr(error, "strerror", None) or error
    return InnovationAbmError(f"cannot write the folder {folder}: {reason}")


def put_in_place(staging: Path, target: Path) -> None:
    """Replace a folder by a finished one, in full or not at all."""
    if not target.exists():
        staging.rename(target)
        return
    former = beside(target)
    target.rename(former)
    try:
        staging.rename(target)
    except BaseException:
        former.rename(target)
        raise
    shutil.rmtree(former, ignore_errors=True)


def _write(run: Run, folder: Path, summary: dict[str, Any]) -> None:
    from innovation_abm.charts.charts import write_chart

    for name in TABLES:
        _plain(getattr(run, name)).to_parquet(
            folder / f"{name}.parquet", engine="pyarrow", compression="zstd", index=False
        )
    scenario = run.scenario.but(chart=None)
    if run.scenario.chart is not None or not _generated(run):
        write_chart(run.organization, folder / CHART_FILE)
        scenario = scenario.but(chart=CHART_FILE)
    for name in NETWORKS:
        if named_by_file(getattr(scenario, name)):
            network = network_of(name, scenario, run.organization)
            assert network is not None
            write_network(network, run.organization, folder / NETWORK_FILES[name])
            scenario = scenario.but(**{name: NETWORK_FILES[name]})
    text = repeatable(scenario, run.organization, run.rules, run.engine)
    (folder / SCENARIO_FILE).write_text(text, encoding="utf-8", newline="\n")
    (folder / SUMMARY_FILE).write_text(to_json(summary) + "\n", encoding="utf-8", newline="\n")


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Make columns of a named index, which other programs could not see."""
    return frame.reset_index() if frame.index.names[0] is not None else frame


def _generated(run: Run) -> bool:
    """Whether the organisation is the one that the scenario describes in figures."""
    from innovation_abm.organization.organization import generate

    shape = run.scenario
    try:
        own = generate(shape.departments, shape.middle_layers, shape.span)
    except InnovationAbmError:  # too large a shape, run on an organisation given beside it
        return False
    return own.size == run.organization.size and own.digest() == run.organization.digest()


def _provenance_of_rules(rules: RuleBook) -> dict[str, Any]:
    """Return which rules and agents are not the shipped ones, and their file."""
    changed = [one.name for one in fields(rules) if getattr(rules, one.name) is not one.default]
    agents = {Role(role).name.lower(): kind.__name__ for role, kind in roles_of(rules).items()}
    modules = [kind.__name__ for kind in modules_of(rules)]
    if not (changed or agents or modules):
        return {}
    told: dict[str, Any] = {"rules": changed}
    if agents:
        told["agents"] = agents
    if modules:
        told["modules"] = modules
    if isinstance(rules, FileRules):
        told |= {"rules_file": rules.file, "rules_sha256": dict(rules.sources)}
    return told


def repeatable(
    scenario: Scenario,
    organization: Organization,
    rules: RuleBook,
    engine: str,
    file: str = SCENARIO_FILE,
) -> str:
    """Write a scenario file, with a section that says what it was run with.

    Args:
        scenario: the scenario; the chart that it names is found from the file's own folder.
        organization: what it was run on.
        rules: the rules and agents that it was run with.
        engine: what ran it.
        file: what the file is to be called.
    """
    import tomli_w

    text = scenario.to_toml()
    told = _provenance_of_rules(rules)
    repeat = f"innovation-abm run {_quoted(file)}"
    if isinstance(rules, FileRules):
        repeat += f" --rules {_quoted(rules.file)}"
    elif told:
        repeat += " (with the same rules, which were made in Python)"
    provenance = {
        "innovation-abm": version("innovation-abm"),
        "python": python_version(),
        **{name: version(name) for name in MEASURED},
        "engine": engine,
        "scenario_sha256": hashlib.sha256(text.encode()).hexdigest(),
        "organization_sha256": organization.digest(),
        **told,
    }
    return "\n".join(
        (
            f"# Repeats a run exactly: {repeat}".replace("\n", " "),
            "# [provenance] says what it was run with; commands warn if its rules are missing.",
            text,
            tomli_w.dumps({"provenance": provenance}),
        )
    )


def _quoted(name: str) -> str:
    """Write the name of a file as a shell takes it."""
    return f'"{name}"' if " " in name else name


def rules_missing(
    file: str | PathLike[str], rules: RuleBook | None, *, given_by: str = "--rules {}"
) -> str | None:
    """Return a warning if a scenario file was saved by a run with other rules than given.

    Args:
        file: a scenario file.
        rules: the rules that it is about to be run with; the shipped ones if ``None``.
        given_by: how rules are given there, with ``{}`` for the name of their file.

    Returns:
        One line; ``None`` if the rules are the same, or if the file names none.
    """
    told = read_toml_file(file).get("provenance")
    if not isinstance(told, dict) or not (told.get("rules") or told.get("agents")):
        return None
    kept = f"{file} was saved by a run with"
    book, digests = told.get("rules_file"), told.get("rules_sha256")
    if not isinstance(book, str) or not isinstance(digests, dict):  # they were made in Python
        if rules is not None:
            return None  # whether they are the same cannot be known
        return f"{kept} rules or agents made in Python, and now runs without them"
    if rules is None:
        return (
            f"{kept} the rules of {book}, and now runs without them; to repeat it, add "
            f"{given_by.format(_quoted(book))}"
        )
    sources = rules.sources.values() if isinstance(rules, FileRules) else ()
    if sorted(sources) == sorted(map(str, digests.values())):
        return None
    now = rules.file if isinstance(rules, FileRules) else "this run"
    return f"{kept} the rules of {book}, which have changed since: those of {now} differ"
