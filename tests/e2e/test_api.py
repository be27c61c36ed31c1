"""The API through its whole table: each operation with every caller, and with every kind of wrong input."""

import json
import re
from types import SimpleNamespace

import pytest

from lab.lab import Lab
from lab.served import PASSWORD, Served

# Who may call what, as people were told; the server's own document must have exactly these operations.
# A role stands for itself and all above it; "local" is only the Unix socket.
TABLE = """
POST   /session                                   anyone
GET    /session                                   signed-in
DELETE /session                                   signed-in
PUT    /session/password                          signed-in
POST   /sign-up                                   anyone
GET    /users                                     site
POST   /users                                     site
GET    /users/{user}                              site
PATCH  /users/{user}                              site
DELETE /users/{user}                              site
GET    /tokens                                    signed-in
POST   /tokens                                    signed-in
DELETE /tokens/{token}                            signed-in
GET    /orgs                                      signed-in
POST   /orgs                                      signed-in
GET    /orgs/{org}                                viewer
PATCH  /orgs/{org}                                admin
DELETE /orgs/{org}                                owner
GET    /orgs/{org}/members                        viewer
PUT    /orgs/{org}/members/{user}                 owner
DELETE /orgs/{org}/members/{user}                 owner
GET    /orgs/{org}/invites                        admin
POST   /orgs/{org}/invites                        admin
DELETE /orgs/{org}/invites/{invite}               admin
GET    /orgs/{org}/machines                       viewer
POST   /orgs/{org}/machines                       operator
GET    /orgs/{org}/machines/{machine}             viewer
PATCH  /orgs/{org}/machines/{machine}             operator
DELETE /orgs/{org}/machines/{machine}             operator
POST   /orgs/{org}/machines/{machine}/rotate      operator
POST   /orgs/{org}/machines/{machine}/approve     operator
POST   /orgs/{org}/machines/{machine}/routes      operator
POST   /orgs/{org}/machines/{machine}/routes/approve operator
POST   /orgs/{org}/machines/{machine}/routes/reject operator
POST   /orgs/{org}/machines/{machine}/routes/remove operator
GET    /orgs/{org}/routes                         viewer
GET    /orgs/{org}/keys                           operator
POST   /orgs/{org}/keys                           operator
DELETE /orgs/{org}/keys/{key}                     operator
GET    /orgs/{org}/dns                            viewer
POST   /orgs/{org}/dns                            operator
DELETE /orgs/{org}/dns/{record}                   operator
POST   /join                                      anyone
GET    /agent                                     machine
DELETE /agent                                     machine
POST   /agent/rotate                              machine
PUT    /agent/routes                              machine
GET    /orgs/{org}/policy                         viewer
PUT    /orgs/{org}/policy                         admin
POST   /orgs/{org}/policy/check                   viewer
GET    /orgs/{org}/policy/versions                viewer
GET    /orgs/{org}/policy/versions/{version}      viewer
GET    /orgs/{org}/policy/diff                    viewer
POST   /orgs/{org}/policy/revert                  admin
POST   /orgs/{org}/policy/why                     viewer
GET    /orgs/{org}/audit                          admin
GET    /audit                                     site
GET    /orgs/{org}/events                         viewer
GET    /events                                    site
GET    /server                                    signed-in
POST   /server/backup                             site
POST   /server/repair                             site
POST   /server/unlock                             local
GET    /openapi.json                              anyone
"""
OPERATIONS = [tuple(line.split()) for line in TABLE.strip().splitlines()]
ACCESS = {(method, path): access for method, path, access in OPERATIONS}
# Changes nothing, though it is a POST: a token that may only read may call it.
READS = {"/orgs/{org}/policy/check", "/orgs/{org}/policy/why"}
ROLES = ("viewer", "operator", "admin", "owner")
CALLERS = (*ROLES, "outsider", "nobody", "site", "local", "reader", "other-token", "viewer-token")
IDS = [f"{method} {path}" for method, path, _ in OPERATIONS]


@pytest.fixture(scope="module")
def world():
    """A server with an organisation that has everything, and somebody of each kind."""
    lab = Lab()
    try:
        yield made_world(Served(lab))
    finally:
        lab.close()


def made_world(served):
    org, other = served.org("Table Works"), served.org("Other Works")
    path = f"/orgs/{org['uid']}"
    machine = served.add(org, "one", tags=["web"])
    served.add(org, "two")
    served.policy(org, "default allow\n")
    callers = {"nobody": served.anonymous(), "site": served.admin, "local": served.local}
    for role in ROLES:
        served.person(f"the-{role}")  # "admin" is the first administrator's
        served.local.put(f"{path}/members/the-{role}", {"role": role})
        callers[role] = served.browser(f"the-{role}")
    served.person("outsider")
    served.local.put(f"/orgs/{other['uid']}/members/outsider", {"role": "owner"})
    callers["outsider"] = served.browser("outsider")
    owner = callers["owner"]
    token = owner.post("/tokens", {"name": "reader", "role": "owner", "org": org["uid"], "may_write": False})
    callers["reader"] = served.server.https(served.office, token["token"])
    other_token = callers["outsider"].post("/tokens", {"name": "other", "org": other["uid"]})
    callers["other-token"] = served.server.https(served.office, other_token["token"])
    viewer_token = owner.post("/tokens", {"name": "narrow", "role": "viewer", "org": org["uid"]})
    callers["viewer-token"] = served.server.https(served.office, viewer_token["token"])
    invite = served.local.post(f"{path}/invites", {"role": "viewer"})
    key = served.local.post(f"{path}/keys", {"tags": ["web"]})
    record = served.local.post(f"{path}/dns", {"name": "git", "address": machine["address4"]})
    document = served.local.get("/openapi.json")
    values = {"org": org["uid"], "machine": machine["uid"], "user": "the-viewer", "token": token["uid"],
              "invite": invite["uid"], "version": "1", "key": key["uid"], "record": record["uid"]}
    return SimpleNamespace(served=served, org=org, other=other, machine=machine, callers=callers, document=document, values=values)


def filled(path, values):
    return re.sub(r"\{(\w+)\}", lambda match: values[match[1]], path)


def operations_of(document):
    return {(method.upper(), path.removeprefix("/api/v1")): one for path, item in document["paths"].items()
            for method, one in item.items() if method in ("get", "post", "put", "patch", "delete")}


# Who may


def test_table_of_operations_is_the_documents(world):
    known = {key for key in operations_of(world.document) if not key[1].startswith(("/metrics", "/healthz", "/livez", "/readyz"))}
    assert known == set(ACCESS)


def expected(caller, method, path, access):
    """The status of a call whose input is wrong: 422 tells that it was allowed."""
    is_change = method != "GET" and path not in READS
    if access == "anyone":
        return {422}
    if caller == "nobody":
        return {401}
    if access == "machine":
        return {403}
    if access == "local":
        # Of site administrators only the local one may, which is looked at last.
        return {422} if caller in ("local", "site") else {403, 404}
    if path == "/orgs" and is_change and caller in ("reader", "other-token", "viewer-token"):
        return {403}  # a token of one organisation makes no others
    if access == "site":
        return {422} if caller in ("site", "local") else {403}
    in_org = path.startswith("/orgs/{org}")
    if in_org and caller in ("outsider", "other-token"):
        return {404}
    if caller == "reader" and is_change:
        return {403}
    if access == "signed-in" or caller in ("site", "local"):
        return {422}
    role = {"reader": "owner", "viewer-token": "viewer"}.get(caller, caller)
    return {422} if ROLES.index(role) >= ROLES.index(access) else {403}


# What only those may call who signed in as people: a token may not make tokens or change passwords.
FOR_PEOPLE = {("PUT", "/session/password"), ("POST", "/tokens"), ("DELETE", "/tokens/{token}"), ("DELETE", "/session"), ("GET", "/tokens")}


@pytest.mark.parametrize("operation", OPERATIONS, ids=IDS)
def test_operation_is_allowed_or_refused_as_the_table_says(world, operation):
    """Every caller asks with a parameter that no operation knows: whoever may call is told so (422), others are not."""
    method, path, access = operation
    before = world.served.dump()
    wrong = {}
    for caller in CALLERS:
        answer = world.callers[caller].ask(method, filled(path, world.values) + "?no-such-parameter=1")
        wanted = expected(caller, method, path, access)
        if (method, path) in FOR_PEOPLE and caller in ("site", "local", "reader", "other-token", "viewer-token"):
            wanted = wanted | {403, 422}
        if answer.status not in wanted or not answer.is_problem:
            wrong[caller] = (answer.status, wanted)
    assert not wrong
    assert world.served.dump() == before


def test_change_without_its_csrf_token_is_refused(world):
    for method, path, access in OPERATIONS:
        if method == "GET" or access in ("anyone", "local", "site", "machine"):
            continue
        for token in (None, "", "x" * 64):
            answer = world.callers["owner"].ask(method, filled(path, world.values), headers={"X-CSRF-Token": token})
            assert answer.status == 403 or path in READS, (method, path, token, answer)


def test_credentials_that_are_none_are_refused(world):
    for credential in ("Bearer", "Bearer x", "Bearer warren_t_" + "a" * 43, "Basic YTpi", "bearer \xff", "Bearer " + "a" * 5000):
        answer = world.callers["nobody"].ask("GET", "/orgs", headers={"Authorization": credential})
        assert answer.status in (400, 401, 431), (credential, answer)
    for cookie in ("warren_session=", "warren_session=" + "a" * 60, "warren_session=../../x", "=;;=", "warren_session"):
        assert world.callers["nobody"].ask("GET", "/orgs", headers={"Cookie": cookie}).status == 401


def test_site_with_another_name_is_refused_with_a_session(world):
    """A browser that another site leads here says so."""
    answer = world.callers["owner"].ask("POST", f"/orgs/{world.org['uid']}/machines", {"name": "x"},
                                        headers={"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"})
    assert answer.status == 403


# What comes in


def schema_of(document, operation):
    """The properties of an operation's body, references resolved."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    while "$ref" in content:
        node = document
        for part in content["$ref"].lstrip("#/").split("/"):
            node = node[part]
        content = node
    return content.get("properties", {})


WITH_BODY = [(method, path) for method, path, access in OPERATIONS if method in ("POST", "PUT", "PATCH") and access != "machine"]
DEEP = '{"name":' + "[" * 5000 + "]" * 5000 + "}"
NO_JSON = {
    "nothing that is JSON": b"hello", "half of it": b'{"name": "x"', "two": b'{} {}', "a list": b"[]", "a number": b"7",
    "a text": b'"x"', "null": b"null", "no UTF-8": b'{"name": "\xff\xfe"}', "UTF-16": '{"name": "x"}'.encode("utf-16"),
    "a lone surrogate": b'{"name": "\\ud800"}', "NUL": b'{"name": "a\\u0000b"}', "NUL in a name": b'{"na\\u0000me": "b"}',
    "a member twice": b'{"name": "a", "name": "b"}', "too deep": DEEP.encode(), "NaN": b'{"name": NaN}',
    "a number too large": b'{"limit": 1e999}', "a whole number too large": b'{"limit": 1' + b"0" * 30 + b"}", "a comment": b'{"name": "x" /* */}', "single quotes": b"{'name': 'x'}",
    "a byte order mark": b'\xef\xbb\xbf{"name": "x"}',
}


@pytest.mark.parametrize("method,path", WITH_BODY, ids=[f"{method} {path}" for method, path in WITH_BODY])
def test_wrong_bodies_are_refused_with_field_and_reason(world, method, path):
    operation = operations_of(world.document)[method, path]
    site, at = world.callers["local"], filled(path, world.values)
    before = world.served.dump(but=("audit",))
    properties = schema_of(world.document, operation)
    wrong = []
    for name, schema in properties.items():
        for value in wrong_values(schema):
            answer = site.ask(method, at, {name: value}, headers={"If-Match": '"no such version"'})
            if answer.status != 422 or not any(pointer == f"/{name}" or pointer.startswith(f"/{name}/") for pointer in answer.pointers()):
                wrong.append((name, str(value)[:60], str(answer)[:200]))
    answer = site.ask(method, at, {"no_such_member": 1}, headers={"If-Match": '"no such version"'})
    if answer.status != 422 or (properties and answer.pointers() and "/no_such_member" not in answer.pointers()):
        wrong.append(("no_such_member", str(answer)[:200]))
    for what, raw in NO_JSON.items():
        answer = site.ask(method, at, raw=raw)
        if answer.status not in (400, 413, 422) or not answer.is_problem:
            wrong.append((what, str(answer)[:200]))
    assert not wrong
    assert world.served.dump(but=("audit",)) == before


def wrong_values(schema):
    """Values of wrong types, and of wrong sizes where the type is right."""
    kinds = schema.get("type", [])
    kinds = {kinds} if isinstance(kinds, str) else set(kinds)
    kinds |= {one.get("type") for key in ("anyOf", "oneOf") for one in schema.get(key, [])}
    wrong = [sample for kind, sample in (("string", 7), ("string", ["x"]), ("string", {"a": 1}), ("string", True),
                                         ("integer", "7"), ("integer", 1.5), ("boolean", 1), ("boolean", "true"),
                                         ("array", "x"), ("array", {"0": "x"}), ("array", [1]), ("array", [None])) if kind in kinds]
    if "string" in kinds:
        wrong.append("x\x01y")
        if "maxLength" in schema and schema["maxLength"] < 1 << 20:
            wrong += ["a" * (schema["maxLength"] + 1), "界" * (schema["maxLength"] + 1)]
        if schema.get("minLength"):
            wrong.append("")
        if "enum" in schema:
            wrong.append("no-such-choice")
    if "integer" in kinds:
        wrong += [bound for bound in (schema.get("maximum", 2**63) + 1, schema.get("minimum", -2**63) - 1) if abs(bound) < 2**63]
    if "array" in kinds:
        wrong += [["x\x01"], ["a"] * 5000]
    if "null" not in kinds and kinds:
        wrong.append(None)
    return wrong


def test_content_type_has_to_be_json(world):
    at = f"/orgs/{world.org['uid']}/machines"
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonx", None):
        answer = world.callers["site"].ask("POST", at, raw=b'{"name": "x"}', headers={"Content-Type": kind})
        assert answer.status == 415 and answer.is_problem, (kind, answer)


def test_body_that_is_too_large_is_refused(world):
    for path, size in (("/machines", 1 << 17), ("/policy", 9 << 20)):
        raw = json.dumps({"name": "x" * size}).encode()
        method = "PUT" if path == "/policy" else "POST"
        answer = ask_or_hang_up(world.callers["site"], method, f"/orgs/{world.org['uid']}{path}", raw)
        assert answer is None or answer.status == 413, answer


def ask_or_hang_up(client, method, path, raw):
    """None where the server ended the connection before it was sent whole, as it may."""
    try:
        return client.ask(method, path, raw=raw, headers={"If-Match": "*"})
    except OSError:
        return None


@pytest.mark.parametrize("path", sorted({path for _, path, _ in OPERATIONS}))
def test_other_methods_are_refused_and_told_which_there_are(world, path):
    known = {method for method, other, _ in OPERATIONS if other == path}
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "PROPFIND"} - known:
        answer = world.callers["local"].ask(method, filled(path, world.values))
        assert answer.status in (405, 501), (method, answer)
        if answer.status == 405:
            told = {word.strip() for word in answer.headers.get("allow", "").split(",")}
            assert known <= told and method not in told


PATHS = ["/orgs/%", "/orgs/%zz", "/orgs/%00", "/orgs/%ff", "/orgs/..", "/orgs/../users", "/orgs//machines", "/orgs/" + "a" * 3000,
         "/nothing", "", "/", "/orgs/%2e%2e/machines", "/orgs/a%0d%0aSet-Cookie:x=1", "/orgs/*", "/machines/%F0%9F%A6%8A"]


@pytest.mark.parametrize("path", PATHS, ids=range(len(PATHS)))
def test_odd_paths_are_problems(world, path):
    answer = world.callers["site"].ask("GET", path)
    assert answer.status in (400, 404, 414, 431) and "set-cookie" not in answer.headers
    assert answer.is_problem or answer.status in (414, 431)


def test_problem_documents_are_as_rfc_9457_has_them(world):
    answer = world.callers["site"].ask("GET", "/orgs/nowhere")
    problem = answer.json
    assert problem["status"] == answer.status == 404
    assert problem["type"].startswith("urn:warren:problem:") and problem["title"] and problem["request_id"]
    assert answer.headers.get("x-request-id", problem["request_id"]) == problem["request_id"]


def test_queries_are_checked(world):
    at = f"/orgs/{world.org['uid']}/machines"
    for query, pointer in (("limit=0", "?limit"), ("limit=501", "?limit"), ("limit=x", "?limit"), ("cursor=x%01", "?"), ("cursor=%2e", "?cursor"),
                           ("state=asleep", "?state"), ("limit=1&limit=2", "?limit"), ("unknown=1", "?unknown"), ("limit=%zz", "?")):
        answer = world.callers["viewer"].ask("GET", f"{at}?{query}")
        assert answer.status == 422 and any(one.startswith(pointer) for one in answer.pointers()), (query, answer)


# Listings, two at once, events


def test_pages_hold_every_machine_once(world):
    org = world.served.org("Paging Works")
    names = [f"m{number:02}" for number in range(23)]
    for name in names:
        world.served.add(org, name)
    seen, cursor, pages = [], "", 0
    while cursor is not None:
        page = world.callers["site"].get(f"/orgs/{org['uid']}/machines?limit=5" + (f"&cursor={cursor}" if cursor else ""))
        assert len(page["items"]) <= 5
        seen += [one["name"] for one in page["items"]]
        cursor, pages = page["next"], pages + 1
    assert seen == names and pages == 5
    assert [one["name"] for one in world.callers["site"].get(f"/orgs/{org['uid']}/machines?name=m07")["items"]] == ["m07"]
    assert world.callers["site"].get(f"/orgs/{org['uid']}/machines?tag=none")["items"] == []
    assert len(world.callers["site"].get(f"/orgs/{org['uid']}/machines?state=never")["items"]) == 23


@pytest.mark.parametrize("what", ["org", "machine", "policy"])
def test_of_two_administrators_who_edit_at_once_the_second_is_told(world, what):
    path = f"/orgs/{world.org['uid']}"
    changes = {"org": ("PATCH", path, {"name": "Table Works"}), "policy": ("PUT", f"{path}/policy", {"text": "default allow\n"}),
               "machine": ("PATCH", f"{path}/machines/{world.machine['uid']}", {"tags": ["web", "db"]})}
    method, at, body = changes[what]
    first, second = world.callers["owner"], world.callers["site"]
    seen = [client.ask("GET", at).etag for client in (first, second)]
    assert seen[0] == seen[1] and seen[0].startswith('"')
    assert first.ask(method, at, body, headers={"If-Match": seen[0]}).is_good
    late = second.ask(method, at, body, headers={"If-Match": seen[1]})
    assert late.status == 412 and late.is_problem
    fresh = second.ask("GET", at).etag
    assert fresh != seen[1]
    assert second.ask(method, at, body, headers={"If-Match": fresh}).is_good


def test_policy_without_if_match_is_refused(world):
    answer = world.callers["owner"].ask("PUT", f"/orgs/{world.org['uid']}/policy", {"text": "default deny\n"})
    assert answer.status == 428


def test_policy_with_faults_is_refused_whole(world):
    path = f"/orgs/{world.org['uid']}/policy"
    before = world.callers["viewer"].get(path)
    for text, line in (("allow\n", 1), ("default allow\nfrobnicate\n", 2), ("allow nobody-there -> *\ndefault deny\n", 1),
                       ("default allow\n\ntest one -> two tcp 22 deny\n", 3), ("allow * -> * tcp 70000\n", 1)):
        answer = world.callers["owner"].ask("PUT", path, {"text": text}, headers={"If-Match": "*"})
        assert answer.status == 422 and "/text" in answer.pointers(), (text, answer)
        assert any(f"line {line}" in fault["reason"] for fault in answer.json["faults"]), (text, answer)
    assert world.callers["viewer"].get(path) == before


def test_versions_diff_and_revert(world):
    org = world.served.org("Version Works")
    path = f"/orgs/{org['uid']}/policy"
    client = world.callers["site"]
    for text in ("default allow\n", "default deny\n"):
        saved = client.put(path, {"text": text, "comment": f"to {text.strip()}"}, headers={"If-Match": "*"})
    versions = [one["version"] for one in client.all(f"{path}/versions")]
    assert saved["version"] in versions and len(versions) >= 2
    diff = client.get(f"{path}/diff?from={saved['version'] - 1}&to={saved['version']}")["text"]
    assert "-default allow" in diff and "+default deny" in diff
    client.post(f"{path}/revert", {"version": saved["version"] - 1})
    assert client.get(path)["text"] == "default allow\n"
    assert client.get(f"{path}/versions/{saved['version']}")["text"] == "default deny\n"


def test_each_change_stands_in_the_audit_log_without_secrets(world):
    org = world.served.org("Audit Works")
    path = f"/orgs/{org['uid']}"
    client = world.callers["site"]
    made = client.post(f"{path}/machines", {"name": "first"})
    client.patch(f"{path}/machines/{made['uid']}", {"name": "second"})
    client.post(f"{path}/machines/{made['uid']}/rotate", {})
    client.put(f"{path}/policy", {"text": "default deny\n"}, headers={"If-Match": "*"})
    client.put(f"{path}/members/the-viewer", {"role": "operator"})
    client.delete(f"{path}/machines/{made['uid']}")
    lines = client.all(f"{path}/audit")
    operations = [line["operation"] for line in lines]
    assert operations[0] == "machine.remove" or operations[0].startswith("machine."), operations  # the newest is first
    assert len(lines) >= 6
    changed = next(line for line in lines if "first" in json.dumps(line["before"]) and "second" in json.dumps(line["after"]))
    assert changed["actor"] and changed["request_id"] and changed["address"]
    assert made["config"].split("PrivateKey")[1].split()[1] not in json.dumps(lines)
    only = client.all(f"{path}/audit?operation={operations[0]}")
    assert {line["operation"] for line in only} == {operations[0]}


def test_events_come_as_they_happen(world):
    org = world.served.org("Event Works")
    stream = world.callers["site"].events(f"/orgs/{org['uid']}/events")
    assert next(stream) == ("open", None)
    made = world.served.add(org, "told")
    other = world.served.add(world.org, "not told")
    world.served.local.delete(f"/orgs/{world.org['uid']}/machines/{other['uid']}")
    world.served.policy(org, "default deny\n")
    world.served.local.delete(f"/orgs/{org['uid']}/machines/{made['uid']}")
    seen = []
    for kind, data in stream:
        seen.append(kind)
        assert "not told" not in json.dumps(data)
        if kind == "machine.removed":
            break
    assert [kind for kind in seen if kind in ("machine.added", "policy.saved", "machine.removed")] == [
        "machine.added", "policy.saved", "machine.removed"]
    stream.close()


def test_last_owner_cannot_go(world):
    org = world.served.org("Lonely Works")
    world.served.local.put(f"/orgs/{org['uid']}/members/the-owner", {"role": "owner"})
    for method, body in (("DELETE", None), ("PUT", {"role": "viewer"})):
        answer = world.callers["owner"].ask(method, f"/orgs/{org['uid']}/members/the-owner", *([body] if body else []))
        assert answer.status == 409, (method, answer)


def test_disabled_user_is_out_at_once(world):
    world.served.person("temp")
    client = world.served.browser("temp")
    assert client.ask("GET", "/orgs").status == 200
    world.served.local.patch("/users/temp", {"is_disabled": True})
    assert client.ask("GET", "/orgs").status == 401
    assert world.served.anonymous().sign_in("temp", PASSWORD).status in (401, 403)


def test_new_password_ends_the_other_sessions(world):
    world.served.person("changer")
    first, second = world.served.browser("changer"), world.served.browser("changer")
    assert first.ask("PUT", "/session/password", {"current": "wrong password", "new": PASSWORD + "2"}).status in (401, 403, 422)
    first.put("/session/password", {"current": PASSWORD, "new": PASSWORD + "2"})
    assert second.ask("GET", "/orgs").status == 401
    assert world.served.anonymous().sign_in("changer", PASSWORD).status == 401
    assert world.served.anonymous().sign_in("changer", PASSWORD + "2").status == 201


def test_token_can_do_no_more_than_who_made_it(world):
    """A token's role is a bound, never a rise; and it ends with its maker."""
    world.served.person("riser")
    world.served.local.put(f"/orgs/{world.org['uid']}/members/riser", {"role": "viewer"})
    riser = world.served.browser("riser")
    made = riser.ask("POST", "/tokens", {"name": "rise", "org": world.org["uid"], "role": "owner"})
    if made.is_good:
        token = world.served.server.https(world.served.office, made.json["token"])
        assert token.ask("POST", f"/orgs/{world.org['uid']}/machines", {"name": "x"}).status == 403
    else:
        assert made.status in (403, 422)
    made = riser.post("/tokens", {"name": "own"})
    token = world.served.server.https(world.served.office, made["token"])
    assert token.ask("GET", "/orgs").status == 200
    world.served.local.delete("/users/riser")
    assert token.ask("GET", "/orgs").status == 401


def test_health_and_metrics(world):
    for path in ("/healthz", "/livez", "/readyz"):
        assert world.callers["nobody"].ask("GET", path, base="").status == 200
    assert world.callers["local"].ask("GET", "/metrics", base="").status == 200
    assert world.callers["site"].ask("GET", "/metrics", base="").status == 200
    for caller in ("nobody", "owner", "outsider"):
        assert world.callers[caller].ask("GET", "/metrics", base="").status in (401, 403, 404), caller
    text = world.callers["local"].ask("GET", "/metrics", base="").body.decode()
    for line in text.splitlines():
        assert re.fullmatch(r'# (HELP|TYPE) \w+ .*|\w+(\{(\w+="(\\.|[^"\\])*",?)*\})? -?[\d.e+-]+(Inf|NaN)?', line), line
