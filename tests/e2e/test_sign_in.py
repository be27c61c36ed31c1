"""Signing in and signing up: what is locked, for whom, and for how long."""

import pytest

from lab.served import PASSWORD, Served

MOST_TRIES = 40


@pytest.fixture
def served(lab):
    return Served(lab)


def guess_until_locked(client, login):
    for tries in range(1, MOST_TRIES + 1):
        answer = client.sign_in(login, f"wrong password {tries}")
        if answer.status == 429:
            return tries, answer
        assert answer.status == 401, answer
    raise AssertionError(f"{MOST_TRIES} guesses and no lock")


def test_account_is_locked_for_guessing_and_told_for_how_long(served):
    served.person("ann")
    attacker = served.anonymous(served.plugged("attacker"))
    tries, answer = guess_until_locked(attacker, "ann")
    assert 3 <= tries <= 10
    assert answer.is_problem and int(answer.headers["retry-after"]) >= 1
    assert attacker.sign_in("ann", PASSWORD).status == 429, "the right password opens nothing meanwhile"


def test_unknown_login_is_locked_alike(served):
    """Else the lock tells which logins there are."""
    served.person("ann")
    known = guess_until_locked(served.anonymous(served.plugged("one")), "ann")
    unknown = guess_until_locked(served.anonymous(served.plugged("two")), "nobody-here")
    assert known[0] == unknown[0]
    assert {**known[1].json, "request_id": 0}.keys() == {**unknown[1].json, "request_id": 0}.keys()


def test_address_that_tries_many_accounts_is_locked(served):
    attacker = served.anonymous(served.plugged("attacker"))
    statuses = [attacker.sign_in(f"user-{number}", "wrong password").status for number in range(MOST_TRIES)]
    assert statuses[-1] == 429 and statuses[0] == 401
    served.person("bob")
    assert attacker.sign_in("bob", PASSWORD).status == 429
    assert served.anonymous().sign_in("bob", PASSWORD).status == 201, "elsewhere nobody is kept out"


def test_right_password_starts_the_count_afresh(served):
    served.person("carl")
    client = served.anonymous(served.plugged("forgetful"))
    for _ in range(4):
        for _ in range(3):
            assert client.sign_in("carl", "wrong password").status == 401
        assert client.sign_in("carl", PASSWORD).status == 201


def test_forwarded_address_of_no_proxy_does_not_count(served):
    """Else an attacker is somebody new with each request."""
    attacker = served.anonymous(served.plugged("attacker"))
    statuses = []
    for number in range(MOST_TRIES):
        attacker.cookie = None
        statuses.append(attacker.ask("POST", "/session", {"login": f"u{number}", "password": "wrong password"},
                                     headers={"X-Forwarded-For": f"198.51.100.{number}"}).status)
    assert statuses[-1] == 429


SIGN_UP = {"login": "dora", "name": "Dora", "password": PASSWORD}


def test_sign_up_closed(served):
    assert served.anonymous().ask("POST", "/sign-up", SIGN_UP).status == 403


def test_sign_up_by_invite(lab):
    served = Served(lab, args=["--sign-up", "invite"])
    org = served.org("Inviting")
    path = f"/orgs/{org['uid']}/invites"
    client = served.anonymous()
    assert client.ask("POST", "/sign-up", SIGN_UP).status in (403, 422)
    assert client.ask("POST", "/sign-up", {**SIGN_UP, "invite": "warren_i_" + "a" * 43}).status in (403, 404, 422)
    invite = served.local.post(path, {"role": "operator"})
    assert invite["invite"] not in str(served.local.get(path))
    assert client.ask("POST", "/sign-up", {**SIGN_UP, "invite": invite["invite"]}).status == 201
    dora = served.browser("dora")
    (role,) = dora.get("/session")["roles"]
    assert role["role"] == "operator" and role["label"] == org["label"]
    again = client.ask("POST", "/sign-up", {**SIGN_UP, "login": "erik", "invite": invite["invite"]})
    assert again.status in (403, 404, 422), "an invite is good once"
    revoked = served.local.post(path, {"role": "viewer"})
    served.local.delete(f"{path}/{revoked['uid']}")
    assert client.ask("POST", "/sign-up", {**SIGN_UP, "login": "erik", "invite": revoked["invite"]}).status in (403, 404, 422)


def test_sign_up_open_makes_an_organisation_of_ones_own(lab):
    served = Served(lab, args=["--sign-up", "open"])
    assert served.anonymous().ask("POST", "/sign-up", {**SIGN_UP, "organisation": "Dora's Own"}).status == 201
    dora = served.browser("dora")
    assert [(role["name"], role["role"]) for role in dora.get("/session")["roles"]] == [("Dora's Own", "owner")]
    assert dora.ask("GET", "/users").status == 403
    made = dora.post("/orgs", {"name": "Second"})
    assert dora.ask("POST", f"/orgs/{made['uid']}/machines", {"name": "one"}).status == 201


@pytest.mark.parametrize("password", ["short", "", "a" * 2000, "dora"], ids=["short", "empty", "endless", "the login"])
def test_bad_passwords_are_refused(lab, password):
    served = Served(lab, args=["--sign-up", "open"])
    answer = served.anonymous().ask("POST", "/sign-up", {**SIGN_UP, "password": password})
    assert answer.status == 422 and "/password" in answer.pointers()
    assert password == "" or f'"{password}"' not in answer.body.decode()


def test_login_that_is_taken_is_a_conflict_in_any_case_of_letters(served):
    served.person("fred")
    for login in ("fred", "FRED", "Fred"):
        answer = served.local.ask("POST", "/users", {"login": login, "name": "Fred", "password": PASSWORD})
        assert answer.status in (409, 422), answer
