"""The directory and our offers from the command line, on an example house that runs by itself."""

import json
import shutil
import tempfile
from pathlib import Path

import pytest

from house import directory
from house.trouble import Trouble
from tests.house.running import start
from tests.partners.gateways.test_open_referral import a_record, public

pytestmark = [pytest.mark.wire, pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def house():
    path = Path(tempfile.mkdtemp(prefix="tc-directory-"))
    found = start(path, "--example")
    yield found
    found.stop()
    shutil.rmtree(path, ignore_errors=True)


def offers(house, *arguments):
    return {each["terms"]["name"]: each for each in house.say("offers", "list", "--json", *arguments).facts}


def test_the_offers_of_the_founding_texts_are_published(house):
    found = offers(house)

    housing, psychology = found["OPD supported housing for men"], found["Camden and Islington specialist service"]
    assert (housing["organisation"], housing["terms"]["places"]) == ("SIG Penrose", "12")
    assert (housing["terms"]["minimum_licence_months"], housing["terms"]["panel_days"]) == ("12", "14")
    assert found["OPD supported housing for women"]["terms"]["places"] == "4"
    assert (psychology["organisation"], psychology["terms"]["area_codes"]) == (
        "North London NHS Foundation Trust", ["E09000007", "E09000019"],
    )  # fmt: skip
    assert {each["state"] for each in found.values()} == {"PUBLISHED"}


def test_a_search_says_in_plain_words_why_something_fits_or_not(house):
    asked = ("directory", "search", "--aspect", "SUPPORTED_HOUSING", "--gender", "MALE", "--licence-months", "11")

    said = house.say(*asked)

    assert said.code == 0
    assert "\x1b" not in said.out
    assert "OPD supported housing for men · SIG Penrose · does not fit: asks for more months of licence" in said.out
    assert "assesses first, about 14 days" in said.out
    assert "check before you send: what else it asks" in said.out
    assert house.say(*asked, "--fitting").out == "Nothing on offer is known for that.\n"


def test_a_file_goes_in_once_and_what_is_wrong_is_named(house, tmp_path):
    path = tmp_path / "city.json"
    path.write_text(json.dumps([a_record(name="Debt help"), a_record(id="17", email="nobody")]))
    importing = ("directory", "import", str(path), "--source", "CITY", "--aspect", "DEBT_ADVICE")

    first, again = house.say(*importing, "--json"), house.say(*importing)

    assert (first.code, first.facts["outcomes"]["NEW"], first.facts["outcomes"]["REFUSED"]) == (1, 1, 1)
    assert again.code == 1
    assert again.out.splitlines()[0] == (
        "2 records: 0 NEW, 0 CHANGED, 1 UNCHANGED, 0 REPEATED, 0 OURS, 0 SKIPPED, 1 REFUSED"
    )
    assert "record 2, id: INVALID_FORMAT. Give the service a UUID as its id." in again.out
    found = house.say("directory", "search", "--aspect", "DEBT_ADVICE").out
    assert "Debt help · organisation not named · fits" in found
    assert "from CITY, last heard" in found


def test_what_goes_out_comes_back_as_ours_and_changes_nothing(house, tmp_path):
    path = tmp_path / "ours.json"

    written = house.say("directory", "export", str(path))
    back = house.say("directory", "import", str(path), "--source", "OURSELVES", "--json")

    page = json.loads(path.read_text())
    assert written.out.startswith(f"{page['total_items']} offers in ")
    assert page["total_items"] == len(page["contents"]) >= 4
    assert back.code == 0
    assert back.facts["outcomes"]["OURS"] == page["total_items"]


def test_the_public_tables_go_in_as_a_folder(house):
    said = house.say("directory", "import", str(public() / "hsds-3.0" / "csv"), "--source", "PUBLIC", "--json")

    assert (said.code, said.facts["outcomes"]["NEW"]) == (0, 1)


def test_an_offer_is_published_paused_full_and_retired(house, tmp_path):
    path = tmp_path / "offer.json"
    terms = {"name": "Money advice", "aspect_codes": ["DEBT_ADVICE"]}
    path.write_text(
        json.dumps({"org_id": "oxleas-nhs", "terms": terms, "room": {"capacity": "HAS_CAPACITY"}}), encoding="utf-8"
    )

    published = house.say("offers", "publish", str(path))
    offer_id = published.out.split()[1].rstrip(",")
    said = [
        house.say("offers", *arguments)
        for arguments in (
            ("capacity", offer_id, "NO_CAPACITY", "--wait-days", "90"), ("pause", offer_id), ("retire", offer_id),
        )
    ]  # fmt: skip

    assert published.code == 0, published.err
    assert [(each.code, each.out.split()[-1]) for each in said] == [(0, "2"), (0, "3"), (0, "4")]
    assert offers(house, "--state", "RETIRED")["Money advice"]["room"]["wait_days"] == "90"


def test_what_cannot_be_is_said_in_a_sentence(house, tmp_path):
    strange, broken = tmp_path / "strange.json", tmp_path / "broken.json"
    strange.write_text('{"colour": "green"}')
    broken.write_text("{")

    for arguments, sentence in (
        (("publish", str(strange)), "The file is no request PublishOffer"),
        (("publish", str(broken)), "cannot be read as JSON"),
        (("pause", "01a21d03-ab77-7001-82f2-ac943d547214"), "There is nothing here that you may see"),
    ):
        said = house.say("offers", *arguments)
        assert said.code != 0
        assert sentence in said.err
        assert "Traceback" not in said.err
    unread = house.say("directory", "import", str(broken), "--source", "CITY")
    assert "It is neither JSON nor a zip of HSDS tables." in unread.err


def test_a_path_that_is_not_there_is_trouble(tmp_path):
    with pytest.raises(Trouble):
        directory._content(tmp_path / "nothing.json")
    with pytest.raises(Trouble):
        directory._content(tmp_path)


def test_a_second_run_of_the_example_changes_nothing(house):
    import asyncio

    from house import example

    before = offers(house)

    asyncio.run(example.ensure(house.folder))

    assert offers(house) == before
