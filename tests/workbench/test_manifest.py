import re
from pathlib import Path

import pytest

from perspectives.workbench.catalogue import listing, markdown_table
from perspectives.workbench.errors import UserError
from perspectives.workbench.manifest import entry_of, read_manifest

ROOT = Path(__file__).parents[2]
MANIFEST = ROOT / "workflow" / "data.yaml"
SHA = "0" * 64
GOOD = """
some-data:
  title: Title
  licence: MIT
  citation: Somebody, 2020.
  files:
    - {name: a.txt, bytes: 3, sha256: '%s', sources: [{kind: url, url: 'https://example.org/a.txt.gz'}]}
"""


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / "data.yaml"
        path.write_text(text)
        return path

    return write


def test_the_datasets_of_all_studies_are_in_the_manifest():
    sizes = {name: len(dataset.files) for name, dataset in read_manifest(MANIFEST).items()}
    assert sizes == {
        "digits": 1,
        "breast-cancer": 1,
        "highres-published": 2,
        "cifar-10": 6,
        "fashion-mnist": 4,
        "mnist": 4,
        "libsvm": 3,
        "protein": 19,
        "gb1": 1,
    }


def test_every_entry_is_found_by_dataset_and_name():
    for dataset in read_manifest(MANIFEST).values():
        for file in dataset.files:
            assert entry_of(MANIFEST, file.dataset, file.name) == file


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("bytes: 3", "byte: 3", r"Unknown setting 'files\.0\.byte'"),
        ("bytes: 3", "bytes: 0", r"'files\.0\.bytes' = 0 is not valid"),
        (SHA, "abc", r"'files\.0\.sha256' = 'abc' is not valid"),
        ("a.txt, bytes", "../a.txt, bytes", r"'files\.0\.name' = '\.\./a\.txt' is not valid"),
        ("kind: url,", "kind: ftp,", r"files\.0\.sources\.0"),
        ("https://example", "file://example", r"files\.0\.sources\.0\.url"),
        ("licence: MIT", "", "licence"),
        ("some-data:", "- some-data:", "not valid YAML|must map"),
    ],
)
def test_a_mistake_in_the_manifest_is_named_with_its_place(written, old, new, complaint):
    with pytest.raises(UserError, match=complaint):
        read_manifest(written((GOOD % SHA).replace(old, new)))


def test_a_file_listed_twice_is_refused(written):
    line = (GOOD % SHA).splitlines()[-1]
    with pytest.raises(UserError, match=r"listed twice: a\.txt"):
        read_manifest(written(GOOD % SHA + line))


@pytest.mark.parametrize(
    ("dataset", "name", "known"), [("digit", "digits.csv", "breast-cancer"), ("digits", "digit.csv", "digits.csv")]
)
def test_what_the_manifest_does_not_have_is_named_with_what_it_has(dataset, name, known):
    with pytest.raises(UserError, match=f"'digit.*{known}"):
        entry_of(MANIFEST, dataset, name)


def test_the_listing_gives_all_that_filling_a_mirror_needs(written):
    header, row = listing(read_manifest(written(GOOD % SHA))).splitlines()
    assert dict(zip(header.split("\t"), row.split("\t"), strict=True)) == {
        "dataset": "some-data",
        "file": "a.txt",
        "bytes": "3",
        "sha256": SHA,
        "licence": "MIT",
        "sources": "https://example.org/a.txt.gz",
    }


def test_the_table_in_the_docs_is_current():
    page = (ROOT / "docs" / "data.md").read_text()
    found = re.search(r"<!-- datasets -->\n(.*?)\n<!-- end -->", page, re.DOTALL)
    assert found, "docs/data.md has no table between <!-- datasets --> and <!-- end -->"
    remedy = "put there: python -m perspectives workbench list_sources --manifest workflow/data.yaml --style markdown"
    assert found[1] == markdown_table(read_manifest(MANIFEST)), remedy
