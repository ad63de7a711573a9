"""What the project gets from elsewhere: by version, by commit, and what it may do."""

import re

from packaging.requirements import Requirement
from packaging.version import Version

from tests.conftest import ROOT


def pinned(name: str) -> dict[str, str]:
    """The packages that a file of requirements pins, with their versions."""
    lines = (line.partition("#")[0].strip() for line in (ROOT / name).read_text("utf-8").splitlines())
    found = [Requirement(line) for line in lines if line]
    assert all([spec.operator for spec in one.specifier] == ["=="] for one in found), name
    return {re.sub(r"[-_.]+", "-", one.name).lower(): str(one.specifier)[2:] for one in found}


def test_constraints_hold_what_the_requirements_pin():
    """And what these bring along, each to one version."""
    constraints = pinned("constraints.txt")
    direct = pinned("requirements.txt") | pinned("tests/requirements.txt")
    assert {name: constraints.get(name) for name in direct} == direct
    assert len(constraints) > 2 * len(direct)
    assert all(Version(version).local is None for version in constraints.values())  # not of one platform


def test_the_makefile_installs_nothing_unconstrained():
    lines = [line for line in (ROOT / "Makefile").read_text("utf-8").splitlines() if "pip install" in line]
    fresh = [line for line in lines if "fresh" in line]  # which finds the versions
    assert len(fresh) == 1
    assert all(
        "-c constraints.txt" in line or re.search(r" [\w-]+==[\d.]+$", line) for line in lines if line not in fresh
    )


def test_workflows_take_actions_by_commit_and_may_read_the_repository():
    for path in (ROOT / ".github" / "workflows").glob("*.yml"):
        text = path.read_text("utf-8")
        for used in re.findall(r"uses: (.*)", text):
            assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+(\.\d+){2}", used), used
        for job in re.findall(r"permissions:\n((?:      ? ?\S.*\n)+)", text):
            assert "contents: read" in job, path.name
