"""What the benchmark does with figures."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from benchmarks import __main__ as program
from benchmarks import report
from benchmarks.figure import Figure, quantile
from benchmarks.plot import CURVES, Curve, draw, exponent
from benchmarks.section import SECTIONS, Section
from benchmarks.timing import times_ms
from benchmarks.workshop import Workshop, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Bench = Callable[..., int]

LINES = """
figure  report's claim  reference              ours            ratio  target
lines                   10,000 lines/s, plain  12,346 lines/s  1.23   ≥ 0.5 of reference  ✓
delay   5 ms                                   1.23 ms                ≤ 1 ms              ✗ missed
lnav                                           not installed
all                                            121                    = 121               ✓
"""

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize(
    ("share", "expected"), [(0.0, 1.0), (0.01, 1.0), (0.5, 50.0), (0.99, 99.0), (1.0, 100.0)]
)
def test_a_quantile_is_not_exceeded_by_its_share(share: float, expected: float) -> None:
    assert quantile([float(n) for n in range(100, 0, -1)], share) == expected


def test_of_one_value_every_quantile_is_that_value() -> None:
    assert [quantile([7.0], share) for share in (0.0, 0.5, 0.99, 1.0)] == [7.0] * 4


def test_of_no_values_there_is_no_quantile() -> None:
    with pytest.raises(ValueError, match="no values were measured"):
        quantile([], 0.5)


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0, 2.0, -1.0])
def test_the_power_of_growth_is_found(power: float) -> None:
    assert exponent([(x, 3 * x**power) for x in (1, 10, 100, 1000)]) == pytest.approx(power)


def test_one_point_does_not_grow() -> None:
    assert exponent([(10, 5)]) == 0.0


@pytest.mark.parametrize(
    ("figure", "ratio", "passed"),
    [
        (Figure("x", 4.0, "ms"), None, None),
        (Figure("x", None, "ms", 2.0, most=1.0, note="not installed"), None, None),
        (Figure("x", 4.0, "ms", 2.0), 2.0, None),
        (Figure("x", 4.0, "ms", most=4.0), None, True),
        (Figure("x", 4.0, "ms", most=3.9), None, False),
        (Figure("x", 4.0, "ms", least=4.1), None, False),
        (Figure("x", 4.0, "ms", 2.0, most=2.0, by_ratio=True), 2.0, True),
        (Figure("x", 4.0, "ms", 2.0, least=2.1, by_ratio=True), 2.0, False),
        (Figure("x", 0.0, "bytes", most=0.0), None, True),
    ],
)
def test_a_figure_is_judged_by_its_bounds(
    figure: Figure, ratio: float | None, passed: bool | None
) -> None:
    assert (figure.ratio, figure.passed) == (ratio, passed)


def test_a_table_has_its_columns_in_line() -> None:
    figures = [
        Figure("lines", 12_345.6, "lines/s", 10_000.0, "plain", least=0.5, by_ratio=True),
        Figure("delay", 1.2345, "ms", claim="5 ms", most=1.0),
        Figure("lnav", None, "ms", note="not installed"),
        Figure("all", 121.0, "", least=121, most=121),
    ]
    assert report.text_table(figures) == LINES.strip()


def test_a_table_in_a_document_keeps_its_cells_apart() -> None:
    figure = Figure("a | b", 2.0, "ms", 4.0, "c|d")
    head, line, row = report.markdown_table([figure]).split("\n")
    assert head.count("|") == line.count("|") == 8
    assert row == "| a \\| b |  | 4 ms, c\\|d | 2 ms | 0.50 |  |  |"


def curve() -> Curve:
    return Curve("s", "slug", "<Title> & more", "size", "ms")


def picture(drawn: Curve) -> ET.Element:
    return ET.fromstring(draw(drawn))  # noqa: S314 - it is our own


def test_a_plot_is_a_picture_with_every_point() -> None:
    drawn = curve()
    drawn.series = {"a & b": [(1, 0.5), (10, 5), (100, 50)], "<c>": [(1, 1), (100, 0)]}
    root = picture(drawn)
    assert root.tag == f"{SVG}svg"
    assert len(root.findall(f"{SVG}polyline")) == 2
    assert len(root.findall(f"{SVG}circle")) == 4  # zero has no place on a logarithmic axis
    assert {"<Title> & more", "a & b", "<c>"} <= {text.text for text in root.iter(f"{SVG}text")}


@pytest.mark.parametrize("series", [{}, {"a": []}, {"a": [(0.0, 1.0)]}, {"a": [(5.0, 5.0)]}])
def test_a_plot_of_little_is_a_picture(series: dict[str, list[tuple[float, float]]]) -> None:
    drawn = curve()
    drawn.series = series
    assert picture(drawn).tag == f"{SVG}svg"


def test_calls_are_timed_after_some_that_do_not_count() -> None:
    calls = list[int]()
    assert len(times_ms(lambda: calls.append(1), 5)) == 5
    assert len(calls) == 8


def test_a_workshop_leaves_nothing() -> None:
    with Workshop(quick=True, say=lambda _: None) as workshop:
        home = workshop.home()
        assert home.root.is_dir()
        assert (workshop.choose(1, 2), workshop.directory("x").is_dir()) == (1, True)
    assert not workshop.root.exists()


def test_what_never_comes_is_not_waited_for_for_ever() -> None:
    with pytest.raises(TimeoutError, match="in vain"):
        wait_for(lambda: False, 0.01)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """Runs the program with these sections in place of the real ones."""

    def run(sections: dict[str, list[Figure | Exception]], *words: str) -> int:
        for name in list(SECTIONS):
            monkeypatch.delitem(SECTIONS, name)
        for name, found in sections.items():
            monkeypatch.setitem(SECTIONS, name, Section(name, f"about {name}", _measure(found)))
        monkeypatch.setattr(program, "load_sections", lambda: None)
        monkeypatch.setattr(sys, "argv", ["bench", *words])
        return program.main()

    known = list(CURVES)
    yield run
    CURVES[:] = known


def _measure(found: list[Figure | Exception]) -> Callable[[Workshop], Iterator[Figure]]:
    def measure(_: Workshop) -> Iterator[Figure]:
        for item in found:
            if isinstance(item, Exception):
                raise item
            yield item

    return measure


GOOD, BAD = Figure("good", 1.0, "ms", most=2.0), Figure("bad", 3.0, "ms", most=2.0)


def test_all_in_bounds_is_a_success(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench({"one": [GOOD]}, "--quick") == 0
    assert capsys.readouterr().out.endswith("all in bounds\n")


def test_a_figure_out_of_bounds_is_a_failure(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench({"one": [GOOD, BAD], "two": [BAD]}) == 1
    assert capsys.readouterr().out.endswith("2 missed\n")


def test_only_the_sections_that_are_named_are_run(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench({"one": [BAD], "two": [GOOD]}, "two") == 0
    assert "about one" not in capsys.readouterr().out


def test_sections_are_told(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench({"one": [BAD], "two": [GOOD]}, "--list") == 0
    assert capsys.readouterr().out == "one            about one\ntwo            about two\n"


def test_an_unknown_section_is_refused(bench: Bench) -> None:
    with pytest.raises(SystemExit) as ended:
        bench({"one": [GOOD]}, "three")
    assert ended.value.code == 2


def test_a_section_that_raises_has_failed_and_the_others_are_run(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench({"broken": [GOOD, RuntimeError("out of luck")], "next": [GOOD]}) == 1
    told = capsys.readouterr()
    assert "out of luck" in told.err
    broken, following = told.out.split("about next")
    assert [line.split("  ")[0] for line in broken.splitlines() if line][1:4] == [
        "figure",
        "good",
        "the section failed",
    ]
    assert "✗ missed" in broken
    assert "good" in following
    assert following.endswith("1 missed\n")


def test_everything_is_written_as_json_and_as_a_document(bench: Bench, tmp_path: Path) -> None:
    drawn = Curve("one", "growth", "Growth", "size", "ms", {"a": [(1, 1), (10, 2)]})
    CURVES.append(drawn)
    told = tmp_path / "told.json"
    words = ("--quick", "--json", str(told), "--write", str(tmp_path))
    assert bench({"one": [GOOD], "two": [BAD]}, *words) == 1
    found = json.loads(told.read_text())
    assert found["quick"] is True
    assert found["machine"]["python"]
    assert [(figure["name"], figure["passed"]) for figure in found["sections"]["one"]] == [
        ("good", True)
    ]
    text = (tmp_path / "BENCHMARKS.md").read_text()
    assert "scripts/bench --quick --write docs" in text
    assert "## one\n\nabout one\n" in text
    assert "![Growth](bench-one-growth.svg)" in text
    assert (tmp_path / "bench-one-growth.svg").read_text() == draw(drawn)
