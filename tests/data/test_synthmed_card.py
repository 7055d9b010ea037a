"""The card and the citation of a release: what they say, of what and under which names."""
from __future__ import annotations

import json

import pytest

from data.errors import UserError
from data.synthmed.card import changed, citation, size_category
from data.synthmed.terms import LICENSES, Terms


def test_the_card_says_how_drawings_became_masks(released):
    assert changed({"vary": 1.0, "tree": {"level": -0.02, "scale": 1.1, "speck": 0}}) == (
        "Between the two, the drawings were mirrored, turned and bent at random, traced to trees of vessels, matched "
        "to the training masks in how wide vessels are, by steps that are no network. ")
    assert changed({"vary": 0.0, "cut": {"level": 0.1}}) == (
        "Between the two, the drawings were matched to the training masks in how much is foreground, by steps that are "
        "no network. ")
    assert changed({"cut": {"level": 0.0}}) == ""
    assert "were mirrored, turned and bent at random, by steps" in (released / "README.md").read_text()


def _cff(text):
    """The top of a CITATION.cff: {key: text, or the names in its list}."""
    fields = {}
    for line in text.splitlines():
        key, _, value = line.strip().partition(": ")
        value = json.loads(value) if value.startswith('"') else value
        if not line.startswith(" "):
            name = key.rstrip(":")
            fields[name] = value or []
        elif key == "- name":
            fields[name].append(value)
    return fields


def test_the_citation_has_the_fields_of_a_cff(released):
    """What version 1.2.0 asks for, cff-version, message, title and authors, and what a data set has beside."""
    text = (released / "CITATION.cff").read_text()
    fields = _cff(text)
    assert fields.pop("message") and fields.pop("references") == []
    assert fields == {
        "cff-version": "1.2.0", "type": "dataset", "title": "tiny", "version": "1.0.0", "license": "CC-BY-4.0",
        "abstract": "Synthetic image-mask pairs from two GANs, trained on CHASE_DB1, HRF.",
        "authors": ["Ada O'Neil", 'Ben "B" Öz']}
    references = text.partition("\nreferences:\n")[2]
    assert references.startswith("  - type: article\n    title: Synthetic Medical Images from Dual")
    assert references.count("- family-names: ") == references.count("given-names: ") == 3


@pytest.mark.parametrize("title, said", [
    ("Uses", "training of segmentation networks"), ("Misuses", "Diagnosis"), ("Limits", "rare anatomy"),
    ("Privacy audit", "no differential"), ("Licence", "CC-BY-4.0"), ("How it was made", "stage1/generator.h5")])
def test_the_card_says_what_the_pairs_are_for_and_what_not(released, title, said):
    sections = dict(part.split("\n", 1) for part in (released / "README.md").read_text().split("\n## ")[1:])
    assert said in sections[title] and len(sections[title].split()) > 10
    assert title not in ("Uses", "Misuses", "Limits") or sections[title].lstrip().startswith("- ")


def test_the_card_says_what_the_audit_could_not_ask(tmp_path, run_of):
    run = run_of(tmp_path / "run")
    assert "pair by pair" not in (run.release(tmp_path / "asked") / "README.md").read_text()
    run.write(untested=["Photographs were judged pair by pair only."])
    card = (run.release(tmp_path / "tiny") / "README.md").read_text()
    assert "they are left out. Photographs were judged pair by pair only.\n" in card
    assert "No copy was found" not in card and "None of the pairs that are here was found to be a copy" in card


def test_an_author_is_cited_as_written_or_refused():
    """U+20BB7 is one letter of a Japanese name; as JSON writes it, with two escapes, YAML does not read it."""
    assert "  - name: \"\U00020BB7\u7530\"\n" in citation(Terms("a", "CC0-1.0", ("\U00020BB7\u7530",)), [])
    for author in ("Ada\nBen", "\udcff", "Ada\x00"):
        with pytest.raises(UserError, match="AUTHORS=.* cannot be printed"):
            Terms("a", "CC0-1.0", (author,))


def test_the_card_names_the_licence_as_the_hub_does_and_the_citation_as_spdx_does(tmp_path, run_of):
    """As huggingface.co/docs/hub/repositories-licenses has them."""
    assert {license: Terms("a", license).hub_license for license in LICENSES} == {
        "CC0-1.0": "cc0-1.0", "CC-BY-4.0": "cc-by-4.0", "CC-BY-SA-4.0": "cc-by-sa-4.0", "CC-BY-NC-4.0": "cc-by-nc-4.0",
        "CC-BY-NC-SA-4.0": "cc-by-nc-sa-4.0", "PDDL-1.0": "pddl", "ODC-By-1.0": "odc-by", "ODbL-1.0": "odbl"}
    out = run_of(tmp_path / "run").release(tmp_path / "tiny", "odbl-1.0")
    card = (out / "README.md").read_text()
    assert "\nlicense: odbl\n" in card and "[ODbL-1.0](https://opendatacommons.org/licenses/odbl/1-0/)" in card
    assert "\nsize_categories:\n- n<1K\n" in card
    assert "\nlicense: ODbL-1.0\n" in (out / "CITATION.cff").read_text()


@pytest.mark.parametrize("count, words", [
    (1, "n<1K"), (999, "n<1K"), (1000, "1K<n<10K"), (99_999, "10K<n<100K"), (100_000, "100K<n<1M"),
    (999_999, "100K<n<1M"), (1_000_000, "1M<n<10M"), (10 ** 12, "n>1T")])
def test_a_size_is_one_of_the_hubs(count, words):
    assert size_category(count) == words
