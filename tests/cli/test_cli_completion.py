"""`fastnn completion`: the scripts, and what bash makes of one when the tab key is pressed."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fastnn.cli.completion import SHELLS, script
from fastnn.cli.main import build_parser
from fastnn.cli.tables import tables
from fastnn.datasets.builtin import DATASETS
from fastnn.nn.optimizers import OPTIMIZERS
from tests.optional import optional
from tests.waiting import HANG

shtab = optional("shtab")

#: Calls the function that the script has registered, as bash does, for each line of words.
COMPLETE = """\
source "$1"
function=$(complete -p fastnn | sed 's/.*-F \\([^ ]*\\) .*/\\1/')
while read -r -a COMP_WORDS; do
  [[ ${COMP_WORDS[-1]} == NOTHING ]] && COMP_WORDS[-1]=
  COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 ))
  COMPREPLY=()
  $function
  echo "${COMPREPLY[@]}"
done
"""

#: What is typed, up to the tab key, and what is offered; NOTHING is typed of the last word.
TYPED = {
    "fastnn tr": "train",
    "fastnn NOTHING": " ".join(build_parser().commands),
    "fastnn train --opti": "--optimizer",
    "fastnn train digits --optimizer NOTHING": " ".join(OPTIMIZERS.names),
    "fastnn train digits --optimizer adam": "adam adamw",
    "fastnn train digits --hidden 8 --loss h": "huber",
    "fastnn train digits --batch-normalization b": "before",
    "fastnn train digits --engine c": "compiled",
    "fastnn train digits --no-sh": "--no-shuffle",
    "fastnn train di": "digits diabetes",
    "fastnn train t": "table.csv",
    "fastnn train NOTHING": " ".join([*DATASETS.names, "folder", "m.fastnn", "table.csv"]),
    "fastnn train digits --out m": "m.fastnn",
    "fastnn train digits --schedule co": "constant cosine",
    "fastnn search digits --by los": "loss",
    "fastnn search digits --workers NOTHING": "joblib dask",
    "fastnn predict m": "m.fastnn",
    "fastnn predict m.fastnn fold": "folder",
    "fastnn predict m.fastnn table.csv --pro": "--proba",
    "fastnn evaluate m.fastnn table.csv --metrics f": "f1",
    "fastnn train digits --metrics acc": "accuracy",
    "fastnn train digits --metrics accuracy,f": "accuracy,f1",
    "fastnn train digits --metrics accuracy,f1,prec": "accuracy,f1,precision",
    "fastnn train digits --activation relu,le": "relu,leaky_relu",
    "fastnn search digits --initializer zero,xavier": "zero,xavier_normal zero,xavier_uniform",
    "fastnn inspect m": "m.fastnn",
    "fastnn inspect m.fastnn --weights di": "digits diabetes",
    "fastnn train digits --doc": "--doctor",
    "fastnn check --device c": "cpu cuda",
    "fastnn bench l": "loss",
    "fastnn help optim": "optimizers optimizer optimisers",
    "fastnn help adam leak": "leaky_relu",
    "fastnn completion z": "zsh",
    "fastnn demo forw": "forward",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A current folder with a table, a model and a folder in it."""
    here = tmp_path / "here"
    (here / "folder").mkdir(parents=True)
    for name in ("m.fastnn", "table.csv"):
        (here / name).touch()
    return here


def test_bash_completes(folder: Path) -> None:
    if shutil.which("bash") is None:
        pytest.skip("bash is not installed")
    written = folder.parent / "completion"
    written.write_text(script(build_parser(), "bash"), encoding="utf-8")
    done = subprocess.run(
        ["bash", "--norc", "--noprofile", "-c", COMPLETE, "bash", str(written)],
        input="".join(f"{line}\n" for line in TYPED),
        cwd=folder, capture_output=True, text=True, timeout=HANG, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    offered = done.stdout.splitlines()
    assert {line: set(words.split()) for line, words in zip(TYPED, offered, strict=True)} == {
        line: set(words.split()) for line, words in TYPED.items()
    }


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_of_each_shell_has_every_command_and_name(fastnn, shell: str) -> None:
    assert shell in shtab.SUPPORTED_SHELLS
    ran = fastnn("completion", shell)
    assert (ran.code, ran.err) == (0, "")
    for command in build_parser().commands:
        assert command in ran.out
    for table in tables():
        for name in table.names if table.kind != "data set" or shell != "tcsh" else ():
            assert name in ran.out
    if shell != "tcsh" and (program := shutil.which(shell)):
        subprocess.run([program, "-n"], input=ran.out, text=True, check=True, timeout=HANG)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["bsh"], "SHELL must be one of bash, zsh, tcsh, found 'bsh'; did you mean 'bash'?"),
        (["powershell"], "SHELL must be one of bash, zsh, tcsh, found 'powershell'"),
        ([], "SHELL is missing: one of bash, zsh, tcsh, as in: fastnn completion "),
    ],
)
def test_a_shell_that_is_not_known(fastnn, arguments: list[str], said: str) -> None:
    ran = fastnn("completion", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


def test_without_shtab_it_says_what_to_install(fastnn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "shtab", None)
    ran = fastnn("completion", "bash")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == (
        "fastnn: error: fastnn completion needs shtab, which is not installed: pip install shtab\n"
    )
