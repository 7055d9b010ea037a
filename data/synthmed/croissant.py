"""croissant.json of a release, which describes it to machines (docs.mlcommons.org/croissant)."""
from __future__ import annotations

import json
from pathlib import Path

from data.files import checksum
from data.synthmed.terms import Terms

CONTEXT = {
    "@language": "en", "@vocab": "https://schema.org/", "citeAs": "cr:citeAs", "column": "cr:column",
    "conformsTo": "dct:conformsTo", "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"}, "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty", "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract", "field": "cr:field", "fileObject": "cr:fileObject", "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet", "format": "cr:format", "includes": "cr:includes", "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath", "key": "cr:key", "md5": "cr:md5", "parentField": "cr:parentField", "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/", "recordSet": "cr:recordSet", "references": "cr:references",
    "regex": "cr:regex", "repeated": "cr:repeated", "replace": "cr:replace", "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/", "separator": "cr:separator", "source": "cr:source", "subField": "cr:subField",
    "transform": "cr:transform",
}
TYPES = {int: "sc:Integer", float: "sc:Float", str: "sc:Text"}
METADATA, ENDING = "train/metadata.jsonl", "_file_name"


def describe(terms: Terms, first: dict, folder: Path) -> str:
    """croissant.json, version 1.0. first: the metadata of a pair. folder: of the release, with its data files."""
    roles = [name[:-len(ENDING)] for name in first if name.endswith(ENDING)]
    return json.dumps({
        "@context": CONTEXT, "@type": "sc:Dataset", "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": terms.name, "version": "1.0.0", "license": terms.url,
        "description": "Synthetic images, each with its segmentation mask, from two GANs.",
        "creator": [{"@type": "sc:Organization", "name": author} for author in terms.authors],
        "citeAs": f"{', '.join(terms.authors)}: {terms.name}",
        "distribution": [
            _file(folder, METADATA, "application/jsonlines"), _file(folder, "pairs.h5", "application/x-hdf5"),
            *({"@type": "cr:FileSet", "@id": f"{role}-files", "encodingFormat": "image/png",
               "includes": f"train/{first[role + ENDING].partition('/')[0]}/*.png"} for role in roles)],
        "recordSet": [_records("pairs", [_field("pairs", name, TYPES.get(type(value), "sc:Float"),
                                                {"fileObject": {"@id": METADATA}}, {"column": name})
                                         for name, value in first.items()]), *map(_pictures, roles)],
    }, indent=2) + "\n"


def _file(folder: Path, name: str, form: str) -> dict:
    return {"@type": "cr:FileObject", "@id": name, "name": name.rpartition("/")[2], "contentUrl": name,
            "encodingFormat": form, "sha256": checksum(folder / name)}


def _pictures(role: str) -> dict:
    """The pictures of a role, each with its name, by which a pair finds its own."""
    files = {"fileSet": {"@id": f"{role}-files"}}
    return _records(role, [_field(role, "file_name", "sc:Text", files, {"fileProperty": "filename"}),
                           _field(role, "content", "sc:ImageObject", files, {"fileProperty": "content"})])


def _records(name: str, fields: list[dict]) -> dict:
    return {"@type": "cr:RecordSet", "@id": name, "name": name, "field": fields}


def _field(records: str, name: str, kind: str, source: dict, extract: dict) -> dict:
    return {"@type": "cr:Field", "@id": f"{records}/{name}", "name": name, "dataType": kind,
            "source": {**source, "extract": extract}}
