"""README.md of a release, its data card, and CITATION.cff. The words that say what it is and what it is not."""
from __future__ import annotations

import json
import math
import statistics

from data import layouts
from data.few import whole
from data.synthmed.source import Source
from data.synthmed.terms import Terms

SIZES = {  # fewer pairs than this: the hub's words
    10 ** 3: "n<1K", 10 ** 4: "1K<n<10K", 10 ** 5: "10K<n<100K", 10 ** 6: "100K<n<1M", 10 ** 7: "1M<n<10M",
    10 ** 8: "10M<n<100M", 10 ** 9: "100M<n<1B", 10 ** 10: "1B<n<10B", 10 ** 11: "10B<n<100B", 10 ** 12: "100B<n<1T",
    math.inf: "n>1T"}
SCORES = {
    "agreement": "F1 of the mask against what a U-Net, trained on the real pairs, finds in the photograph",
    "sharpness": "standard deviation of the Laplacian of the grey levels, inside the field of view",
    "mask_distance": "distance of the mask to the closest training mask, from the audit",
    "photograph_distance": "distance of the photograph to the closest training photograph, from the audit",
}
CARD = """{head}
# {name}

{count} synthetic pairs of an image and its segmentation mask, {width} x {height} pixels. No picture here was taken of a
patient. Look at them in `index.html`.

| what | where |
|---|---|
| images and masks, PNG | `train/images`, `train/masks`{fov} |
| seed, checksums and scores of each pair | `train/metadata.jsonl` |
| all pairs in one file | `pairs.h5` (`images`, `masks`; uint8) |
| for TensorFlow | `tfrecord/`, described in `tfrecord/manifest.json` |{graphs}
| checksums, for `sha256sum -c` | `SHA256SUMS` |

    from load import pairs                  # load.py needs numpy and Pillow
    for pair in pairs("."):
        pair["image"], pair["mask"], pair["agreement"]

    from datasets import load_dataset       # Hugging Face
    load_dataset("imagefolder", data_dir="train", split="train")

Masks are 0 (background) or 255 (foreground).

## Licence
[{license}]({url}). By {authors}; `CITATION.cff` says how to cite it.

## How it was made
A first network, a DCGAN (Stage-I), drew the masks; a second one (Stage-II) turned each mask into a photograph, after
Guibas, Virdi and Li, *Synthetic Medical Images from Dual Generative Adversarial Networks*, 2017. {drawn}The seed is
{seed}; the networks have these SHA-256 checksums:

{networks}

The networks were trained on:

{origins}

## Scores
Each pair has them in `train/metadata.jsonl`.

| score | what | median |
|---|---|---|
{scores}

## Privacy audit
Before the release it was measured whether the pairs copy what the networks were trained on. {left_out}{untested}

| figure | value | threshold | verdict |
|---|---|---|---|
{audit}

None of the pairs that are here was found to be a copy by these measures. That proves nothing about measures that were
not made: this is no differential privacy, and it is not a promise that nobody can ever be recognised.

## Uses
- Teaching, demonstrations, tests of software, and training of segmentation networks beside real images.

## Misuses
- Diagnosis, or statements about how frequent a disease or an anatomy is: the pairs have no patients behind them.
- Measuring how good a network is. Use real test images for that.
- Trying to find the people whose images the networks were trained on.

## Limits
- The masks vary what few training masks show; rare anatomy and disease are missing.
- A mask is what the photograph was drawn from. Where the second network left a vessel out, or drew one more, mask and
  photograph differ; `agreement` says how much.
- What the training images had too much or too little of, of cameras, ages or skin colours, the pairs have as well.
"""


def readme(terms: Terms, source: Source, metadata: list[dict], size: tuple[int, int], graphs: bool = False) -> str:
    """README.md. metadata: a dict a pair. size: (width, height) of a picture. graphs: whether there is generators/."""
    count, dropped, origins = len(metadata), len(source.audit.left_out), source.origins
    return CARD.format(
        head=_head(terms, count, origins), name=terms.name, count=count, width=size[0], height=size[1],
        fov="; the field of view of each in `train/fov`" if "fov_file_name" in metadata[0] else "",
        graphs="\n| the networks, as graphs | `generators/`, described in `generators/README.md` |" if graphs else "",
        license=terms.license, url=terms.url, authors=", ".join(terms.authors),
        drawn=changed(source.reader.attributes.get("stage1") or {}), seed=source.seed,
        networks="\n".join(f"- `{name}`: `{digest}`" for name, digest in source.networks.items()),
        origins=data_sets(origins),
        scores="\n".join(f"| `{name}` | {text} | {_median(metadata, name)} |" for name, text in SCORES.items()),
        left_out=f"It found {dropped} of {dropped + count} too near to training images, or to one another; they are "
                 "left out." if dropped else "It left none out.",
        untested="".join(f" {sentence}" for sentence in source.audit.untested), audit=table(source.audit.table))


def changed(masks: dict) -> str:
    """How drawings became masks, in a sentence; "" where they were cut only. masks: the attributes of masks.h5."""
    way = masks.get("tree") or masks.get("cut") or {}
    matched = "how wide vessels are" if "tree" in masks else "how much is foreground"
    steps = (["mirrored, turned and bent at random"] * bool(masks.get("vary"))
             + ["traced to trees of vessels"] * ("tree" in masks)
             + [f"matched to the training masks in {matched}"] * bool(way.get("level")))
    return f"Between the two, the drawings were {', '.join(steps)}, by steps that are no network. " if steps else ""


def data_sets(origins: list[str]) -> str:
    """A line a data set, with its terms and citation. origins: as `layouts.origin` names them."""
    return "\n".join(map(_origin, origins)) or "- data sets that the pairs' file does not name"


def size_category(count: int) -> str:
    """What the Hugging Face hub calls so many pairs."""
    return next(words for limit, words in SIZES.items() if count < limit)


def table(rows: list[list[str]]) -> str:
    """Rows of a Markdown table."""
    return "\n".join(f"| {' | '.join(map(_cell, row))} |" for row in rows)


def citation(terms: Terms, origins: list[str]) -> str:
    """CITATION.cff, version 1.2.0. Strings are written as JSON, which is YAML as well; names as they are, for
    YAML has no pairs of escapes for one letter."""
    authors = "\n".join(f"  - name: {json.dumps(author, ensure_ascii=False)}" for author in terms.authors)
    titles = ", ".join(layouts.title(origin) for origin in origins)
    abstract = json.dumps(f"Synthetic image-mask pairs from two GANs, trained on {titles or 'annotated images'}.")
    return (f"cff-version: 1.2.0\nmessage: If you use these pairs, please cite them.\ntype: dataset\n"
            f"title: {json.dumps(terms.name)}\nabstract: {abstract}\nversion: 1.0.0\nlicense: {terms.license}\n"
            f"authors:\n{authors}\n{_references()}")


def _references() -> str:
    """The references of this project's own CITATION.cff: the paper."""
    return """references:
  - type: article
    title: Synthetic Medical Images from Dual Generative Adversarial Networks
    authors:
      - family-names: Guibas
        given-names: John T.
      - family-names: Virdi
        given-names: Tejpal S.
      - family-names: Li
        given-names: Peter S.
    year: 2017
    url: https://arxiv.org/abs/1709.01872
"""


def _head(terms: Terms, count: int, origins: list[str]) -> str:
    """The YAML that the Hugging Face hub reads."""
    modalities = [layouts.DATA_SETS[name].modality for name in map(whole, origins) if name in layouts.DATA_SETS]
    tags = ["medical", "synthetic", *(["retina", "fundus"] if "fundus" in modalities else [])]
    return "\n".join(["---", f"pretty_name: {json.dumps(terms.name)}", f"license: {terms.hub_license}",
                      "task_categories:", "- image-segmentation", "annotations_creators:", "- machine-generated",
                      "size_categories:", f"- {size_category(count)}", "tags:", *(f"- {tag}" for tag in tags),
                      "configs:", "- config_name: default", "  drop_labels: true", "  data_files:", "  - split: train",
                      "    path: train/**", "---", ""])


def _origin(origin: str) -> str:
    text, cited = f"- {layouts.title(origin)}, under {layouts.terms(origin)}", layouts.citation(origin)
    return f"{text}. {cited[0].upper()}{cited[1:]}" if cited else text


def _cell(text: str) -> str:
    return text.replace("|", "/").replace("\n", "<br>")


def _median(metadata: list[dict], name: str) -> str:
    values = [pair[name] for pair in metadata if pair[name] is not None]
    return f"{statistics.median(values):.3f}" if values else "-"
