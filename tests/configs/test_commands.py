"""The program dual-gan."""
from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from configs.commands import COMMANDS

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "configs" / "commands.py"


@pytest.fixture(scope="module")
def call(tmp_path_factory):
    """call(*words, cwd): the program, as the script that pip writes."""
    script = tmp_path_factory.mktemp("bin") / "dual-gan"
    script.write_text("import sys\nfrom configs.commands import main\nsys.exit(main())\n")

    def run(*words, cwd):
        return subprocess.run([sys.executable, str(script), *words], cwd=cwd, text=True, capture_output=True,
                              env={"PYTHONPATH": str(ROOT)})
    return run


def test_every_command_is_a_script_and_setup_names_the_program():
    for module, text in COMMANDS.values():
        spec = importlib.util.find_spec(module)
        if spec.submodule_search_locations:
            spec = importlib.util.find_spec(f"{module}.__main__")
        assert 'if __name__ == "__main__":' in Path(spec.origin).read_text(encoding="utf-8"), module
        assert text
    assert "dual-gan = configs.commands:main" in (ROOT / "setup.py").read_text(encoding="utf-8")


@pytest.mark.training
def test_alone_it_lists_its_commands_and_imports_none(call, tmp_path):
    for word in [], ["--help"]:
        answer = call(*word, cwd=tmp_path)
        assert answer.returncode == 0 and re.findall(r"^  (\S+) ", answer.stdout, re.MULTILINE) == [*COMMANDS]
    imported = re.findall(r"^(?:import|from) (\S+)", SOURCE.read_text(encoding="utf-8"), re.MULTILINE)
    assert imported == ["__future__", "difflib", "runpy", "sys"]


@pytest.mark.training
def test_an_unknown_command_ends_in_one_line(call, tmp_path):
    answer = call("stage3", "--pairs=x", cwd=tmp_path)
    assert answer.returncode == 1 and answer.stdout == ""
    assert answer.stderr in {f"error: dual-gan has no command 'stage3'; near: stage{number}; `dual-gan` lists them\n"
                             for number in (1, 2)}


@pytest.mark.training
def test_a_command_gets_its_flags_from_any_folder_whatever_lies_there(call, tmp_path):
    (tmp_path / "data.py").write_text("raise SystemExit('the wrong data')")
    wrong = call("export", "--store=absent.h5", "--out=x", cwd=tmp_path)
    assert wrong.returncode == 1 and wrong.stderr.startswith("error: absent.h5: no such file; call `make stage2` first")
