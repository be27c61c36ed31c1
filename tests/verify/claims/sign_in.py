"""Who may use the API, and what stops those who guess."""

import time

NUMBER = 1
TITLE = "Sign-in and abuse controls"
MOST_GUESSES = 60
PASSWORD = "correct horse battery staple"


def run(stage):
    session(stage)
    refusals(stage)
    roles(stage)
    tokens(stage)
    sign_up(stage)
    lock_out(stage)
    flood(stage)


def session(stage):
    stage.person("clara", PASSWORD)
    clara = stage.server.https(stage.office)
    answer = clara.sign_in("clara", PASSWORD)
    flags = {part.strip().lower() for part in answer.headers.get("set-cookie", "").split(";")[1:]}
    stage.check(answer.status == 201, "the right login and password open a session")
    stage.check({"httponly", "samesite=strict", "secure", "path=/"} <= flags,
                "its cookie is HttpOnly, Secure, SameSite=Strict")
    told = clara.get("/session")
    stage.check(told["user"]["login"] == "clara" and not told["user"]["is_site_admin"], "the session is hers, and no administrator's")
    without = clara.ask("PUT", "/session/password", {"current": PASSWORD, "new": PASSWORD + "!"}, headers={"X-CSRF-Token": None})
    wrong = clara.ask("PUT", "/session/password", {"current": PASSWORD, "new": PASSWORD + "!"}, headers={"X-CSRF-Token": "x" * 43})
    stage.check((without.status, wrong.status) == (403, 403), "a change without the CSRF token, or with a wrong one, is refused")
    clara.delete("/session")
    stage.check(clara.ask("GET", "/users").status == 401, "after signing out its cookie opens nothing")


def refusals(stage):
    stranger = stage.server.https(stage.office)
    answers = [stranger.ask("POST", "/session", {"login": login, "password": "wrong" * 4}) for login in ("clara", "nobody-at-all")]
    stage.check([answer.status for answer in answers] == [401, 401], "a wrong password and an unknown login are refused")
    texts = [(answer.json["title"], answer.json.get("detail"), answer.json["type"]) for answer in answers]
    stage.check(texts[0] == texts[1], "with the same words: nobody learns which logins there are")
    spent = [timed(stranger, login) for login in ("clara", "somebody-else")]
    stage.say(f"a wrong password took {spent[0] * 1e3:.0f} ms, an unknown login {spent[1] * 1e3:.0f} ms")
    stage.check(min(spent) > 0.1 * max(spent), "and the password is hashed in both cases, so that time does not tell either")
    answer = stranger.ask("GET", "/orgs")
    stage.check(answer.status == 401 and answer.is_problem, "without credentials the API answers 401, a problem document")


def timed(client, login):
    start = time.monotonic()
    client.ask("POST", "/session", {"login": login, "password": "wrong" * 4})
    return time.monotonic() - start


def roles(stage):
    org = stage.organisation("Sign-in Works")
    stage.person("vera", PASSWORD)
    stage.admin.put(f"{org.path}/members/vera", {"role": "viewer"})
    vera = stage.browser("vera", PASSWORD)
    stage.check(vera.ask("GET", f"{org.path}/machines").status == 200, "a viewer sees the machines of her organisation")
    stage.check(vera.ask("POST", f"{org.path}/machines", {"name": "mine"}).status == 403, "and may not add one")
    other = stage.organisation("Not Hers")
    answer = vera.ask("GET", other.path)
    stage.check(answer.status == 404, "another organisation is not there for her (404)")
    for one in (org, other):
        one.delete()


def tokens(stage):
    org = stage.organisation("Token Works")
    reader = stage.admin.post("/tokens", {"name": "reader", "role": "operator", "org": org.uid, "may_write": False})
    stage.keep_secret("read-only token", reader["token"])
    program = stage.server.https(stage.office, reader["token"])
    stage.check(program.ask("GET", f"{org.path}/machines").status == 200, "a program's token reads")
    stage.check(program.ask("POST", f"{org.path}/machines", {"name": "x"}).status == 403, "a read-only one may not write")
    short = stage.admin.post("/tokens", {"name": "short", "expires_in": "1s"})
    stage.keep_secret("expired token", short["token"])
    program = stage.server.https(stage.office, short["token"])
    alive = program.ask("GET", "/orgs").status
    time.sleep(2.1)  # expiry is in whole seconds
    stage.check((alive, program.ask("GET", "/orgs").status) == (200, 401), "a token of one second is refused after it")
    stage.admin.delete(f"/tokens/{reader['uid']}")
    program = stage.server.https(stage.office, reader["token"])
    stage.check(program.ask("GET", "/orgs").status == 401, "a revoked one at once")
    org.delete()


def sign_up(stage):
    answer = stage.server.https(stage.office).ask(
        "POST", "/sign-up", {"login": "mallory", "name": "Mallory", "password": PASSWORD})
    stage.check(answer.status == 403, "sign-up is closed unless it was opened")


def lock_out(stage):
    """From a host of its own: the lock is on account and address."""
    attacker = stage.plugged("attacker")
    stage.person("victor", PASSWORD)
    client = stage.server.https(attacker)
    guesses, answer = 0, None
    while guesses < MOST_GUESSES:
        guesses += 1
        answer = client.sign_in("victor", f"guess number {guesses}")
        if answer.status == 429:
            break
    stage.say(f"{guesses} guesses at victor's password from one address; the last answer is {answer.status}")
    stage.check(answer.status == 429 and guesses <= 20, "guessing is locked out after a few tries")
    stage.check(int(answer.headers.get("retry-after", "0")) > 0, "and told when to come back")
    stage.check(client.sign_in("victor", PASSWORD).status == 429, "even the right password is not taken meanwhile from there")
    others = stage.server.https(stage.office).sign_in(stage.server.login, stage.server.password)
    stage.check(others.is_good, "others sign in from elsewhere as ever")


def flood(stage):
    client = stage.server.https(stage.office)
    answer = client.ask("POST", "/session", raw=b'{"login":"' + b"a" * (64 << 20 >> 4) + b'"}')
    stage.check(answer.status == 413, "a body of 4 MiB to the sign-in is refused (413)")
    stage.check(client.ask("GET", "/livez", base="").status == 200, "and the server serves on")
