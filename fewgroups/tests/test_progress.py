"""The progress bar stands where nobody takes it for a failure, and leaves nothing behind."""

import sys
from types import ModuleType

import pytest
from fewgroups.designs import progress_bar


@pytest.mark.parametrize("in_notebook", [True, False])
def test_a_bar_stands_on_standard_output_in_a_notebook_only_and_is_wiped_out(
    in_notebook: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    if in_notebook:
        monkeypatch.setitem(sys.modules, "ipykernel", ModuleType("ipykernel"))
    assert list(progress_bar(range(3), delay=0, disable=False)) == [0, 1, 2]
    written = capsys.readouterr()
    bar, nothing = (written.out, written.err) if in_notebook else (written.err, written.out)
    assert "0/3" in bar and bar.split("\r")[-2].strip() == "" and nothing == ""
    assert list(progress_bar(range(3), disable=False)) == [0, 1, 2]  # done within two seconds
    assert "".join(capsys.readouterr()).strip() == ""
