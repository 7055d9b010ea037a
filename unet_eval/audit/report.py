"""The audit in words, as a table and with pictures of the worst pairs."""
from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from unet_eval.audit.examine import Alike
from unet_eval.audit.measures import EYES, KINDS, MASK, MEASURES, WHOLE
from unet_eval.audit.records import Records
from unet_eval.audit.thresholds import FALSE_ALARMS
from unet_eval.audit.verdict import CATCHES, FAILS, LEAST_CAUGHT, LEAST_KEPT, LEVEL, PASSES, TITLES, UNKNOWN, explained
from unet_eval.report.blocks import Bullets, Figure, Section, Text
from unet_eval.report.grids import grid
from unet_eval.report.html import environment
from unet_eval.report.tables import Table
from unet_eval.report.text import interval, number, percent

WORST = 6  # pairs of a picture
PICTURES = {f"worst_{name}.png": name for name in MEASURES}
DUPLICATES = "duplicates.png"
FILES = (*PICTURES, DUPLICATES)  # all that there can be
MATCHES = {"copies": "slightly changed copies", "quadrants": "pasted quadrants", "eyes": "one eye photographed twice"}
LIMITS = [
    "The audit looks for copies. It is no differential privacy: it cannot prove that nothing of a patient is in the "
    "pairs, only that these measures find none of what they find in the controls.",
    "A part much smaller than a quarter of the picture, a mask that is bent strongly, and sex, age and disease that "
    "could be learned from the pairs are not looked for. Attacks that nobody has thought of yet may tell more.",
    "“No copy found” does not mean that the pairs hold no personal data, which is a legal question.",
]
PAIR_BY_PAIR = ("Photographs were judged pair by pair only. Stage-II learned from photographs of a source of which "
                "none were held out, so nothing says whether the whole set is nearer to them than chance allows.")
UNTESTED = ("not measured\nno photographs of this source were held out", "–", UNKNOWN)


def table(results: dict) -> Table:
    """Every figure: its value, what it is held to, and the verdict."""
    rows = []
    for entry in results["measures"].values():
        limit = entry["threshold"]
        rows.append([f"{entry['title']}: most alike to a training image", f"{number(entry['nearest'], 3)}\npair "
                     f"{entry['nearest_row']}; median {number(entry['median'], 3)}",
                     f"at most {number(limit, 3)}\nunrelated people reach {number(entry['unrelated'], 3)}; "
                     f"{percent(entry['finds'])} of {MATCHES[entry['match_is']]} exceed it{_eyes(entry)}",
                     UNKNOWN if limit is None else PASSES if entry["nearest"] <= limit else "pairs left out"])
    size = results["records"]["synthetic"]
    kept = size - len(results["left_out"])
    rows += [["pairs that are no copies", f"{kept} of {size}\n{len(results['copies'])} copies, "
              f"{len(results['duplicates'])} duplicates within the set", f"at least {LEAST_KEPT:.0%}",
              _verdict(kept >= LEAST_KEPT * size)]]
    for name, tests in results["whole_set"].items():
        for test, figure in tests.items():
            title = f"{results['measures'].get(name, {}).get('title', name)}: {TITLES[test]}"
            if figure is None:
                rows.append([title, *UNTESTED])
                continue
            value = (number(figure["value"], 3), interval(figure["ci95"], lambda end: number(end, 3)))
            expected = ("0.5 without memory" if test != "ratio" else
                        f"among held-out images {number(figure['unseen'], 3)}")
            rows.append([title, "\n".join(value), f"p (Holm) at least {LEVEL}\np = {number(figure['p_holm'], 3)}; "
                         f"{expected}", figure["verdict"]])
    for name, control in results["controls"].items():
        rows.append([f"control: {name}", *_control(control["value"]), _verdict(control["passed"])])
    copies = len(results["copies"])
    rows.append(["copies that the networks draw", f"{copies} of {size}", f"as few as {FALSE_ALARMS:.0%} explains\nfor "
                 "the networks only", _verdict(explained(copies, size))])
    rows += [attack_row(title, figure) for title, figure in results["generators"].items()]
    for kind in KINDS:
        rows.append([f"power: share of copied {kind}s that would have been found",
                     percent(results["power"][kind]), f"with {results['power']['certainty']:.0%} certainty", "–"])
    return Table(["figure", "value", "threshold", "verdict"], rows, prose=True)


def _eyes(entry: dict) -> str:
    """How alike drawn eyes are, of a measure that is judged by them."""
    if entry["match_is"] != EYES:
        return ""
    return (f"; one drawn eye photographed twice: {number(entry['one_eye_twice'], 3)} (median), two drawn eyes: "
            f"{number(entry['two_eyes'], 3)} at most")


def attack_row(title: str, figure: dict | None) -> list[str]:
    """Of what `verdict.attacked_by` found."""
    if figure is None:
        return [f"attack on {title}, AUC", *UNTESTED]
    return [f"attack on {title}, AUC",
            f"{number(figure['value'], 3)}\n{interval(figure['ci95'], lambda end: number(end, 3))}",
            f"p (Holm) at least {LEVEL}\np = {number(figure['p_holm'], 3)}; for the networks only", figure["verdict"]]


def _control(value: dict) -> tuple[str, str]:
    if "any" in value:
        return (f"{percent(value['any'])} called copies\nby masks {percent(value[KINDS[0]])}, by photographs "
                f"{percent(value[KINDS[1]])}", f"at least {LEAST_CAUGHT:.0%}")
    if "of" in value:
        return (f"{value['flagged']} of {value['of']} called copies\nleast p of their set "
                f"{number(value['least_p'], 3)}", f"as few as {FALSE_ALARMS:.0%} explains, p at least {LEVEL}")
    return (f"{percent(value['flagged'])} of its masks called copies\np of their set {number(value['p'], 4)}",
            f"at least {CATCHES:.0%}")


def _verdict(passed: bool) -> str:
    return PASSES if passed else FAILS


def pictures(results: dict, found: dict[str, Alike], synthetic: Records) -> dict[str, bytes]:
    """{file: PNG}: by each measure, the synthetic masks or photographs that are most alike to what was learned from,
    below each the training image, moved as it was found; and duplicates, if any, beside the pairs that they repeat."""
    drawn = {file: _worst(found[name], synthetic) for file, name in PICTURES.items() if name in found}
    return {**drawn, DUPLICATES: _repeated(results["duplicates"], synthetic)} if results["duplicates"] else drawn


def _worst(alike, synthetic):
    shown, feet, seen, near = [], [], alike.columns.seen, alike.sets["synthetic"]
    for row in np.argsort(-near[:, seen].max(axis=1))[:WORST]:
        column = seen[near[row, seen].argmax()]
        pair, real = synthetic.take([row]), alike.columns.records.take([column])
        shown.append(_side_by_side(alike.measure, pair, real))
        feet.append(f"{row}: {near[row, column]:.2f}, {real.names[0][:12]}")
    return _sheet(list(zip(*shown)), labels=["synthetic", "training"], feet={1: feet})


def _repeated(duplicates, synthetic):
    rows, labels = [], []
    for each in sorted(duplicates, key=lambda each: -each["alike"])[:WORST]:
        pair, earlier = (synthetic.take([each[name]]) for name in ("row", "of"))
        rows.append([picture for kind in KINDS for picture in _side_by_side(MEASURES[WHOLE[kind]], pair, earlier)])
        labels.append(f"{each['row']} and {each['of']}: {each['alike']:.2f}")
    return _sheet(rows, heads=[(f"{kind}s", 2) for kind in KINDS], labels=labels)


def _sheet(rows, **texts):
    """PNG of `grid`."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "sheet.png"
        grid(path, rows, **texts)
        return path.read_bytes()


def _side_by_side(measure, pair, real):
    """The pictures of two pairs, the second one moved as it was found, or of parts of them what was found."""
    picture, other = (_picture(each, measure.kind) for each in (pair, real))
    return measure.find(*(measure.prepare(each)[0] for each in (pair, real))).cut(picture, other)


def _picture(records, kind):
    return (records.masks if kind == MASK else records.photographs)[0]


def _photos(records: dict) -> str:
    if not records["photos"]:
        return ""
    told = ("which Stage-II did not see" if not records["photos_learned"] else
            "the only ones that Stage-II learned from" if _alone(records) else "which Stage-II learned from too")
    return f", and with {records['photos']} photographs of others, {told}"


def _alone(records: dict) -> bool:
    return records.get("photos_alone", False)  # earlier versions did not say


def untested(results: dict) -> list[str]:
    """In sentences, what this audit could not ask and others do."""
    return [PAIR_BY_PAIR] if _alone(results["records"]) else []


def answer(results: dict) -> str:
    """What came of it, in a sentence."""
    if not results["passed"]:
        return "Refused: no release is made."
    size = results["records"]["synthetic"]
    found = f"Copies found, and left out: {len(results['copies'])}" if results["copies"] else "No copy found"
    return f"{found}; {size - len(results['left_out'])} of {size} pairs may be released."


def section(results: dict, folder: Path) -> Section:
    """For a report whose pictures lie in `folder`."""
    records, said = results["records"], answer(results)
    if not results["controls_passed"]:
        said += " Controls fail, so this is no audit."
    copies = [f"pair {row} is a copy by {', '.join(titles)}" for row, titles in results["copies"].items()]
    copies += [f"pair {each['row']} repeats pair {each['of']} ({number(each['alike'], 2)})"
               for each in results["duplicates"]]
    return Section("privacy", "Privacy audit", [
        Text(said, answer=True),
        Bullets(results["refused"]) if results["refused"] else None,
        Text(f"{records['synthetic']} synthetic pairs against {records['training']} training images of "
             f"{records['training_patients']} patients"
             f" and {records['held_out']} images of {records['held_out_patients']} patients that no GAN saw"
             f"{_photos(records)}. 1 is the same picture, in whatever position. A pair is called a copy where it is "
             "more alike to a training image than unrelated people are: a pair that copies nobody is, by all measures "
             f"together, with a probability of {results['false_alarms']:.0%}."),
        table(results),
        Text("Left out:") if copies else None, Bullets(copies) if copies else None,
        *(Figure(folder / file, f"{results['measures'][name]['title'].capitalize()}: the synthetic ones that are most "
                 "alike to training ones, and below each that one, moved as it was found. Number of the pair, how "
                 "alike it is, name of the training image.", "broad")
          for file, name in PICTURES.items() if name in results["measures"]),
        Figure(folder / DUPLICATES, "Pairs that repeat an earlier one: the mask and beside it that of the earlier "
               "pair, moved as it was found; then the same of the photographs. Numbers of both pairs, and how alike "
               "they are.", "broad") if results["duplicates"] else None,
        Text("These pictures show training images, with names of their files: give them, and what they stand in, only "
             "to whom you may give those images."),
        Text("What an audit cannot prove:"), Bullets([*untested(results), *LIMITS])])


def markdown(results: dict) -> str:
    """The section as Markdown."""
    parts = ["# Privacy audit"]
    for block in section(results, Path()).blocks:
        if isinstance(block, Table):
            parts.append(block.markdown())
        elif isinstance(block, Bullets):
            parts.append("\n".join(f"- {item}" for item in block.items))
        elif isinstance(block, Figure):
            parts.append(f"![{block.caption}]({block.path})")
        elif block:
            parts.append(block.text)
    return "\n\n".join(parts) + "\n"


def document(results: dict, drawn: dict[str, bytes]) -> str:
    """The section as one HTML file, pictures inside."""
    with TemporaryDirectory() as folder:
        for name, content in drawn.items():
            (Path(folder) / name).write_bytes(content)
        return environment().get_template("audit.html").render(section=section(results, Path(folder)))
