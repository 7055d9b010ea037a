"""Pairs that leave the run: counted, audited, released, exported."""
from __future__ import annotations

import os
import sys

import pytest

from tests.makefile.calls import SETTINGS, STAGE1, STAGE2, done, finish, make, steps, stops

pytestmark = pytest.mark.training


def test_more_pairs_come_from_a_trained_run_and_train_nothing(project):
    finish(project, *done())
    assert steps(project, "synthetic") == []
    assert steps(project, "synthetic", "COUNT=1000") == ["synthetic-1000"]
    said = make(project, "-n", "export", "CONFIG=tiny", "COUNT=1000").stdout
    for text in ("--store='checkpoints/tiny/synthetic-1000.h5'", "--out='reports/tiny/private-1000'"):
        assert text in said
    assert "--store='checkpoints/tiny/synthetic.h5'" in make(project, "-n", "export", "CONFIG=tiny").stdout
    for count in ("0", "ten", "-3"):
        stops(make(project, "synthetic", "CONFIG=tiny", f"COUNT={count}"), f"COUNT={count}", "number of pairs")


def test_a_release_asks_for_its_name_and_licence_before_anything_is_trained(project):
    stops(make(project, "synthmed", "CONFIG=tiny", "LICENSE=CC0-1.0"), "NAME=")
    stops(make(project, "synthmed", "CONFIG=tiny", "NAME=../x", "LICENSE=CC0-1.0"), "NAME='../x'")
    stops(make(project, "synthmed", "CONFIG=tiny", "NAME=eyes"), "LICENSE=", "CC-BY-4.0")
    answer = make(project, "synthmed", "CONFIG=tiny", "LICENSE=CC0-1.0", NAME="a-computer")
    stops(answer, "NAME=''")  # as in Windows' Subsystem for Linux
    assert not (project / "checkpoints").exists()


def test_a_release_is_made_of_the_runs_files(project):
    finish(project, *done())
    given = ("synthmed", "NAME=eyes", "LICENSE=cc-by-4.0", "COUNT=7", "AUTHORS=A. O'Neil; B. Öz", "RUN=my run")
    said = make(project, "-n", *given, "CONFIG=tiny").stdout
    for text in ("-m unet_eval.agreement --model='checkpoints/my run/unet-real'", "--name=eyes --license=cc-by-4.0",
                 "--audit='reports/my run/audit-7/audit.json'", "--out='reports/my run/synthmed/eyes'",
                 "--authors='A. O'\\''Neil; B. Öz'"):
        assert text in said, text
    finish(project, "checkpoints/tiny/agreement.json")
    os.utime(project / "checkpoints/tiny/agreement.json", (1.1e9, 1.1e9))
    said = make(project, "-n", "synthmed", "NAME=eyes", "LICENSE=CC0-1.0", "CONFIG=tiny").stdout
    assert "data.synthmed.release" in said and "unet_eval.agreement" not in said


def test_an_audit_is_made_first_and_of_the_pairs_that_are_given_out(project):
    own = ["overtrained", "members-stage1", "members-stage2"]
    assert steps(project, "audit") == [*STAGE1, *STAGE2, *own, "audit"]
    assert steps(project, "synthmed", "NAME=eyes", "LICENSE=CC0-1.0", "COUNT=9") == [
        "stage1", *STAGE2[:-1], "synthetic-9", *own, "audit-9"]
    assert steps(project, "pretrained", "NAME=eyes", "LICENSE=CC0-1.0", "FLAGS=--add_pairs") == [
        *STAGE1, *STAGE2, *own, "audit", "unet-synthetic", "members-unet-synthetic"]
    finish(project, *done(), "checkpoints/tiny/data.checked")
    finish(project, *(f"checkpoints/tiny/audit/{name}" for name in ("overtrained.h5", "stage1.json", "stage2.json")))
    for name in ("stage1.json", "stage2.json"):
        os.utime(project / "checkpoints/tiny/audit" / name, (1.1e9, 1.1e9))
    assert steps(project, "audit", *SETTINGS.split()) == ["audit"]  # every time, for test images may have been added
    (project / "checkpoints/tiny/data.checked").write_text("of other images")  # then the GANs are asked again
    assert steps(project, "audit", *SETTINGS.split()) == ["members-stage1", "members-stage2", "audit"]


@pytest.mark.parametrize("jobs", ["-j1", "-j2"])
def test_where_the_audit_refuses_no_release_is_made(project, jobs):
    """A script in the place of Python: its audit fails as one that refuses does."""
    finish(project, *done(), "checkpoints/tiny/audit/overtrained.h5", "checkpoints/tiny/agreement.json")
    python = project.parent / "python"
    python.write_text(f"""#!/bin/sh
case "$*" in
  *configs.steps*audit) echo "error: synthetic.h5 may not be published: reasons" >&2; exit 1;;
  *synthmed.release*) touch released;;
  *configs.plan*|*configs.environment*) exec {sys.executable} "$@";;
esac
""")
    python.chmod(0o755)
    answer = make(project, jobs, "synthmed", "CONFIG=tiny", "NAME=eyes", "LICENSE=CC0-1.0", python=python)
    assert answer.returncode != 0 and "may not be published: reasons" in answer.stderr
    assert not (project / "released").exists()


def test_a_copy_is_verified_without_a_run(project):
    said = make(project, "-n", "synthmed-verify", "DIR=/my data/eyes", "CONFIG=none").stdout
    assert said.strip().endswith("-m data.synthmed.verify --dir='/my data/eyes'")
