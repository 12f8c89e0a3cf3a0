"""The wrapping key is changed while the service works: nothing sealed before or after becomes unreadable."""

import secrets

import pytest
from cryptography.exceptions import InvalidTag

from chassis.sealed import rewrap
from chassis.settings import SettingsWrong
from tests.chassis.toy import begin, calling, listed, settings, works


@pytest.fixture
def wrapping(tmp_path):
    """Writes the file of wrapping keys, the one that wraps first."""

    def written(*keys):
        (tmp_path / "wrapping").write_text("\n".join(keys) + "\n")

    return written


async def begun(toy):
    return (await toy.do(begin, calling(), note="sealed"))["id"]


async def read(toy):
    return set(await toy.ask(listed, calling()))


async def test_keys_are_wrapped_anew_while_old_and_new_are_read(database, tmp_path, wrapping):
    old, new = secrets.token_hex(32), secrets.token_hex(32)
    wrapping(old)
    before = await begun(await works(database, tmp_path))
    wrapping(new, old)
    both = await works(database, tmp_path)
    after = await begun(both)
    assert await read(both) == {before, after}

    assert await rewrap(database, both.ring) == 1
    assert await rewrap(database, both.ring) == 0

    wrapping(new)
    assert await read(await works(database, tmp_path)) == {before, after}


async def test_a_key_that_was_forgotten_too_early_is_missed_at_once(database, tmp_path, wrapping):
    wrapping(secrets.token_hex(32))
    await begun(await works(database, tmp_path))
    wrapping(secrets.token_hex(32))
    toy = await works(database, tmp_path)
    with pytest.raises(InvalidTag):
        await read(toy)
    with pytest.raises(InvalidTag):
        await rewrap(database, toy.ring)


@pytest.mark.parametrize("text", ["", "ab" * 31, "ab" * 32 + "\n" + "cd" * 8, "no key"])
def test_a_file_that_holds_no_key_is_named_and_not_repeated(tmp_path, text):
    (tmp_path / "wrapping").write_text(text)
    with pytest.raises(SettingsWrong, match="wrapping must hold 32 bytes") as said:
        _ = settings(tmp_path, "postgresql://localhost/none").wrapping_keys
    assert not text.strip() or text.split()[0] not in str(said.value)
